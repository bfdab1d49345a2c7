"""From the create request to a cluster that takes writes on every shard, against the same nodes started by hand."""

import by_hand
import tools
from daemon import Daemon
from report import median, note, span

NAMES = ["create_vs_prewritten", "create_vs_prewritten_8_0", "create_vs_cli"]
RUNS = 7
RATIO_MAX = 1.15


def measure(report):
    with Daemon() as daemon:
        for name, engine in [("create_vs_prewritten", tools.ENGINE_9), ("create_vs_prewritten_8_0", tools.ENGINE_8)]:
            if name in report.wanted and usable(name, engine):
                against(report, daemon, name, engine, by_hand.create_from_nodes_conf, "6 nodes by hand from nodes.conf")
        if "create_vs_cli" in report.wanted and usable("create_vs_cli", tools.ENGINE_8):
            what = "valkey-cli --cluster create on 6 fresh nodes, from their exec"
            against(report, daemon, "create_vs_cli", tools.ENGINE_8, from_exec, what)


def usable(name, engine):
    if not engine.present:
        note(f"{name} skipped: {engine.server.name} of {engine.api_version} is not there")
    return engine.present


def from_exec(engine):
    return by_hand.create_with_cli(engine, engine.cli)[0]


def against(report, daemon, name, engine, baseline, what):
    ours, done, theirs = [], [], []
    for number in range(RUNS):
        writable, finished = daemon.create_until_writable(f"create-{number}", engine)
        ours.append(writable)
        done.append(finished)
        daemon.delete(f"create-{number}")
        theirs.append(baseline(engine))
    about = (f"{engine.api_version}, medians of {RUNS}: POST to writable {span(ours)} (operation done {median(done):.2f}); "
             f"{what} {span(theirs)}")
    ratio = median(ours) / median(theirs)
    report.figure(name, median(ours), "s", median(theirs), about, f"ratio <= {RATIO_MAX}", ratio <= RATIO_MAX)
