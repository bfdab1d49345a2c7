"""How long no write to a shard is acknowledged: its primary killed, hung, or changed by agreement."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import by_hand
import by_hand_changes
import gaps
import tools
from daemon import Daemon
from report import median, note, percentile, span

NAMES = ["failover_kill_p50_ms", "failover_kill_p99_ms", "failover_one_shard_p50_ms", "failover_hung_ms", "failover_planned_p99_ms"]
KILLS = 30
OTHER_KILLS = 10
HANGS = 5
PLANNED = 20
# Each native failover takes seven seconds.
NATIVE = 4
P50_MS_MAX = 20
P99_MS_MAX = 80
HUNG_MS_MAX = 2_000
PLANNED_MS_MAX = 30
ONE_SHARD_RATIO_MAX = 1.5
SETTLE_LIMIT_SECS = 60


def measure(report):
    wanted = set(report.wanted)
    with Daemon() as daemon:
        three = instance(daemon, "three", 3)
        if wanted & set(NAMES[:3]):
            killed(report, daemon, three)
        if "failover_hung_ms" in wanted:
            hung(report, three)
        if "failover_planned_p99_ms" in wanted:
            planned(report, daemon, three)


def instance(daemon, name, shards):
    daemon.wait(daemon.post(name, tools.ENGINE_9, shards=shards))
    address = daemon.discovery(name)
    gaps.wait_until_whole(address, shards, 1)
    return address


def strikes(address, shards, count, number):
    """Gaps of one shard after the other, each struck when all are whole; and how often the last write was not kept."""
    found, lost = [], 0
    for turn in range(count):
        gaps.wait_until_whole(address, shards, 1)
        shard = gaps.shard_of(address, turn % shards)
        pid = gaps.pid_of(shard.addresses[0])
        found.append(shard.gap_ms(lambda pid=pid: os.kill(pid, number)))
        lost += not shard.last_is_kept()
        shard.close()
    return found, lost


def native(number):
    """The same with nobody but the engine to act: three shards with a replica each, cluster-node-timeout 5 s."""
    found = []
    for _ in range(NATIVE):
        with by_hand.Nodes(tools.ENGINE_9) as nodes:
            nodes.write_topology()
            nodes.start()
            nodes.wait_until_writable()
            address = (nodes.ip, nodes.ports[1])
            gaps.wait_until_whole(address, 3, 1)
            shard = gaps.shard_of(address)
            process = nodes.process(shard.addresses[0][1])
            found.append(shard.gap_ms(lambda process=process: process.send_signal(number)))
            shard.close()
    return found


def killed(report, daemon, three):
    ours, lost = strikes(three, 3, KILLS, signal.SIGKILL)
    theirs = native(signal.SIGKILL)
    about = (f"{KILLS} kills of primaries of 3 x 1, {span(ours)}, {lost} lost; baseline: native failover of the same cluster, "
             f"cluster-node-timeout 5 s, {NATIVE} kills, {span(theirs)}")
    value, baseline = median(ours), median(theirs)
    report.figure("failover_kill_p50_ms", value, "ms", baseline, about, f"<= {P50_MS_MAX} ms", value <= P50_MS_MAX)
    value, baseline = percentile(ours, 99), percentile(theirs, 99)
    report.figure("failover_kill_p99_ms", value, "ms", baseline, about, f"<= {P99_MS_MAX} ms", value <= P99_MS_MAX)
    if "failover_one_shard_p50_ms" in report.wanted:
        one, _ = strikes(instance(daemon, "one-shard", 1), 1, OTHER_KILLS, signal.SIGKILL)
        five, _ = strikes(instance(daemon, "five-shards", 5), 5, OTHER_KILLS, signal.SIGKILL)
        about = (f"{OTHER_KILLS} kills of the primary of 1 x 1, {span(one)}; baseline: of primaries of 5 x 1, {span(five)}; "
                 "native failover of 1 x 1: never")
        value, baseline = median(one), median(five)
        met = value <= ONE_SHARD_RATIO_MAX * baseline
        report.figure("failover_one_shard_p50_ms", value, "ms", baseline, about, f"ratio <= {ONE_SHARD_RATIO_MAX}", met)
        for name in ("one-shard", "five-shards"):
            daemon.delete(name)


def hung(report, three):
    ours, lost = strikes(three, 3, HANGS, signal.SIGSTOP)
    theirs = native(signal.SIGSTOP)
    about = (f"longest of {HANGS} primaries of 3 x 1 stopped by SIGSTOP, {span(ours)}, {lost} lost; baseline: longest native "
             f"failover, cluster-node-timeout 5 s, {span(theirs)}")
    value = max(ours)
    report.figure("failover_hung_ms", value, "ms", max(theirs), about, f"<= {HUNG_MS_MAX} ms", value <= HUNG_MS_MAX)


def planned(report, daemon, three):
    ours, lost = [], 0
    with ThreadPoolExecutor(1) as asking:
        for turn in range(PLANNED):
            gaps.wait_until_whole(three, 3, 1)
            shard = gaps.shard_of(three, turn % 3)
            asked = []
            ours.append(shard.gap_ms(lambda turn=turn, asked=asked: asked.append(asking.submit(daemon.fail_over, "three", turn % 3))))
            asked[0].result(SETTLE_LIMIT_SECS)
            lost += not shard.last_is_kept()
            shard.close()
    theirs = []
    with by_hand.Nodes(tools.ENGINE_9) as nodes:
        nodes.write_topology()
        nodes.start()
        nodes.wait_until_writable()
        address = (nodes.ip, nodes.ports[0])
        for turn in range(PLANNED):
            gaps.wait_until_whole(address, 3, 1)
            shard = gaps.shard_of(address, turn % 3)
            replica = shard.addresses[1][1]
            by_hand_changes.wait("links", lambda replica=replica: by_hand_changes.links_are_up(nodes, replica))
            theirs.append(shard.gap_ms(lambda replica=replica: nodes.call(replica, "CLUSTER", "FAILOVER")))
            shard.close()
            time.sleep(0.1)
    value, baseline = percentile(ours, 99), percentile(theirs, 99)
    about = (f"{PLANNED} planned failovers of 3 x 1 by the administration API, {span(ours)}, p50 {median(ours):.1f}, {lost} lost; "
             f"baseline: CLUSTER FAILOVER by hand, {span(theirs)}")
    met = value <= PLANNED_MS_MAX and not lost
    report.figure("failover_planned_p99_ms", value, "ms", baseline, about, f"<= {PLANNED_MS_MAX} ms and 0 lost", met)
    note("errors and losses under the judge's clients: acceptance-tests, failover::a_planned_failover…")
