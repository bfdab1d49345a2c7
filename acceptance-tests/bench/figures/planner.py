"""One decision for the largest instance."""

import subprocess

import tools

NAMES = ["plan_converged_ms", "plan_mid_scale_ms"]
CONVERGED_MS_MAX = 1
MID_MS_MAX = 5
LIMIT_SECS = 120


def measure(report):
    done = subprocess.run([tools.PLAN_TIME], capture_output=True, text=True, timeout=LIMIT_SECS, check=True)
    converged, middle = (float(word) / 1000 for word in done.stdout.split()[:2])
    about = "median of one plan() for 250 nodes; baseline: the planner's own quiet look, twice a second"
    report.figure("plan_converged_ms", converged, "ms", 500, about, f"<= {CONVERGED_MS_MAX} ms", converged <= CONVERGED_MS_MAX)
    about = "median of one plan() for 250 nodes half-way through a change of shards; baseline: converged"
    report.figure("plan_mid_scale_ms", middle, "ms", converged, about, f"<= {MID_MS_MAX} ms", middle <= MID_MS_MAX)
