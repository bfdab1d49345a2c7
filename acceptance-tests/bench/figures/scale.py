"""From three shards to six with data, under traffic, against the same done by hand."""

import time

import by_hand
import by_hand_changes
import gaps
import mixed_data
import resp
import tools
from daemon import Daemon
from report import note, percentile
from traffic import Traffic

NAMES = ["scale_out_s", "scale_out_p99_ms", "scale_out_worst_ms", "scale_out_8_0_s", "scale_out_8_0_p99_ms"]
LIMIT_SECS = 900
BEFORE_SECS = 5
RATIO_MAX = 1.2
P99_RATIO_MAX = 3
WORST_MS_MAX = 100
# What one movement carries at most, here as in the planner.
PART_MB = 8


def measure(report):
    for suffix, engine in [("", tools.ENGINE_9), ("_8_0", tools.ENGINE_8)]:
        names = [name for name in NAMES if name in report.wanted and ("_8_0" in name) == bool(suffix)]
        if names and engine.present:
            against(report, suffix, engine)
        elif names:
            note(f"{', '.join(names)} skipped: {engine.api_version} is not there")


class Seen:
    """A change under traffic."""

    def __init__(self, address, change, address_after=None):
        keys = mixed_data.count_keys(address)
        with Traffic(address) as self.traffic:
            began = time.monotonic()
            time.sleep(BEFORE_SECS)
            changed = time.monotonic()
            self.secs = change()
            ended = time.monotonic()
        before, during = self.traffic.latencies(began, changed), self.traffic.latencies(changed, ended)
        self.p99_before, self.p99, self.worst = percentile(before, 99), percentile(during, 99), max(during)
        # The traffic's own keys may be new.
        self.missing = max(0, keys - mixed_data.count_keys(address_after() if address_after else address))

    def __str__(self):
        return (f"{self.secs:.1f} s, worst request {self.worst:.0f} ms, p99 {self.p99:.1f} ms ({self.p99_before:.1f} before), "
                f"{self.traffic.verdict()}, {self.missing} keys missing")


def by_hand_seen(engine, change):
    """The same data on nodes started by hand, and this done with them."""
    with by_hand.Nodes(engine, shards=3, replicas=0) as nodes:
        nodes.write_topology()
        nodes.start()
        nodes.wait_until_writable()
        address = (nodes.ip, nodes.ports[0])
        mixed_data.fill(address)
        return Seen(address, lambda: change(nodes))


def against(report, suffix, engine):
    with Daemon() as daemon:
        daemon.wait(daemon.post("scaled", engine, shards=3, replicas=0))
        address = daemon.discovery("scaled")
        mixed_data.fill(address)
        ours = Seen(address, lambda: daemon.change("scaled", LIMIT_SECS, shardCount=6))
        gaps.wait_until_whole(address, 6, 0)
    if suffix:
        what = "valkey-cli --cluster rebalance"
        theirs = by_hand_seen(engine, lambda nodes: by_hand_changes.double_with_cli(nodes, engine.cli))
    else:
        what = f"CLUSTER MIGRATESLOTS by a script in parts of {PART_MB} MiB"
        slots = max(1, resp.SLOTS * PART_MB // mixed_data.DATA_MB)
        theirs = by_hand_seen(engine, lambda nodes: by_hand_changes.double_in_parts(nodes, slots))
        note(f"  by hand, everything at once: {by_hand_seen(engine, by_hand_changes.double_at_once)}")
    about = f"{engine.api_version}, 3 to 6 shards with {mixed_data.DATA_MB} MiB: {ours}; baseline: {what}: {theirs}"
    ratio = ours.secs / theirs.secs
    met = ratio <= RATIO_MAX and ours.traffic.flawless() and ours.missing == 0
    report.figure(f"scale_out{suffix}_s", ours.secs, "s", theirs.secs, about, f"ratio <= {RATIO_MAX}, 0 lost, 0 errors", met)
    met = ours.p99 <= P99_RATIO_MAX * ours.p99_before
    about = "p99 of requests during the change; baseline: before it"
    report.figure(f"scale_out{suffix}_p99_ms", ours.p99, "ms", ours.p99_before, about, f"ratio <= {P99_RATIO_MAX}", met)
    about = "longest request during the change; baseline: by hand"
    met = ours.worst <= WORST_MS_MAX
    report.figure(f"scale_out{suffix}_worst_ms", ours.worst, "ms", theirs.worst, about, f"<= {WORST_MS_MAX} ms", met)
