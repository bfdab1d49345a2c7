"""Every node replaced, by a later version and by another size, with data and under traffic, against the same done by hand."""

import by_hand
import by_hand_changes
import gaps
import mixed_data
import tools
from daemon import Daemon
from figures.scale import LIMIT_SECS, WORST_MS_MAX, Seen
from report import note

NAMES = ["upgrade_s", "upgrade_worst_ms", "node_type_s", "node_type_worst_ms"]
RATIO_MAX = 1.5


def measure(report):
    if not (tools.ENGINE_8.present and tools.ENGINE_9.present):
        note(f"{', '.join(NAMES)} skipped: both engines are needed")
        return
    with Daemon() as daemon:
        daemon.wait(daemon.post("rolled", tools.ENGINE_8))
        address = daemon.discovery("rolled")
        mixed_data.fill(address)
        gaps.wait_until_whole(address, 3, 1)
        upgraded = Seen(address, lambda: daemon.change("rolled", LIMIT_SECS, engineVersion=tools.ENGINE_9.api_version))
        gaps.wait_until_whole(address, 3, 1)
        resized = Seen(address, lambda: daemon.change("rolled", LIMIT_SECS, nodeType="STANDARD_SMALL"))
    with by_hand.Nodes(tools.ENGINE_8) as nodes:
        nodes.write_topology()
        nodes.start()
        nodes.wait_until_writable()
        mixed_data.fill((nodes.ip, nodes.ports[0]))
        gaps.wait_until_whole((nodes.ip, nodes.ports[0]), 3, 1)
        upgraded_by_hand = by_hand_rolled(nodes)
        gaps.wait_until_whole((nodes.ip, nodes.ports[0]), 3, 1)
        resized_by_hand = by_hand_rolled(nodes)
    compare(report, "upgrade", "8.0 to 9.1", upgraded, upgraded_by_hand)
    compare(report, "node_type", "SHARED_CORE_NANO to STANDARD_SMALL", resized, resized_by_hand)


def by_hand_rolled(nodes):
    # The nodes that are there leave, so that the count afterwards has to ask a new one.
    return Seen((nodes.ip, nodes.ports[0]), lambda: by_hand_changes.roll(nodes, tools.ENGINE_9), lambda: (nodes.ip, nodes.ports[0]))


def compare(report, name, what, ours, theirs):
    about = f"{what}, 3 x 1 with {mixed_data.DATA_MB} MiB: {ours}; baseline: a script: {theirs}"
    ratio = ours.secs / theirs.secs
    met = ratio <= RATIO_MAX and ours.traffic.flawless() and ours.missing == 0
    report.figure(f"{name}_s", ours.secs, "s", theirs.secs, about, f"ratio <= {RATIO_MAX}, 0 lost, 0 errors", met)
    met = ours.worst <= WORST_MS_MAX
    about = "longest request during the change; baseline: by hand"
    report.figure(f"{name}_worst_ms", ours.worst, "ms", theirs.worst, about, f"<= {WORST_MS_MAX} ms", met)
