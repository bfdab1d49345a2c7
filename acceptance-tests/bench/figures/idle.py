"""What the daemon costs while nothing happens."""

import time

import processes
import tools
from daemon import Daemon
from report import note

NAMES = ["daemon_idle_cpu_percent", "daemon_idle_rss_mb"]
INSTANCES = 10
NODES = 60
# Creating ten clusters at once leaves replication and gossip to settle before idle is idle.
SETTLE_SECS = 5
WINDOW_SECS = 30
CPU_PERCENT_MAX = 1
RSS_MB_MAX = 40


def measure(report):
    with Daemon() as daemon:
        started = time.perf_counter()
        for operation in [daemon.post(f"idle-{number}", tools.ENGINE_9) for number in range(INSTANCES)]:
            daemon.wait(operation)
        note(f"{INSTANCES} instances created in {time.perf_counter() - started:.1f} s")
        nodes = daemon.node_pids()
        if len(nodes) != NODES:
            raise RuntimeError(f"{len(nodes)} nodes run, not {NODES}")
        time.sleep(SETTLE_SECS)
        watched = [daemon.process.pid, *nodes]
        before, began = [processes.cpu_secs(pid) for pid in watched], time.perf_counter()
        time.sleep(WINDOW_SECS)
        took = time.perf_counter() - began
        percents = [100 * (processes.cpu_secs(pid) - cpu) / took for pid, cpu in zip(watched, before)]
        ours, theirs = percents[0], sum(percents[1:]) / NODES
        about = (f"of one core over {took:.0f} s with {INSTANCES} instances; baseline: one idle valkey-server among the {NODES} "
                 f"(mean; all of them together {sum(percents[1:]):.1f})")
        met = ours <= CPU_PERCENT_MAX
        report.figure("daemon_idle_cpu_percent", ours, "%", theirs, about, f"<= {CPU_PERCENT_MAX} %", met)
        rss, node_rss = processes.rss_mb(watched[0]), processes.rss_mb(nodes[0])
        about = "VmRSS at the end of the window; baseline: one of the nodes"
        report.figure("daemon_idle_rss_mb", rss, "MB", node_rss, about, f"<= {RSS_MB_MAX} MB", rss <= RSS_MB_MAX)
