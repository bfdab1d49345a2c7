"""Measures the figures named on the command line, or all, and prints them as `name value unit baseline ratio`.

Called by bench.sh, which builds what is measured. Lines that begin with # explain; everything listens on loopback, and
every process started here is ended here, also on SIGTERM, SIGINT and when the time is up.
"""

import importlib
import os
import platform
import signal
import sys
import time

# Nobody wants compiled files beside the sources.
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from report import Report, note  # noqa: E402 (the line above makes it importable)

GROUPS = ["provider", "requests", "commands", "create", "idle", "planner", "failover", "scale", "roll", "backup", "replication"]
# Half of it goes to filling clusters with data.
TIME_LIMIT_SECS = 2400


class Ended(SystemExit):
    """A signal asked for the end: everything started is ended on the way out."""


def end_on(number, _frame):
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
        signal.signal(each, signal.SIG_IGN)
    why = f"not done after {TIME_LIMIT_SECS} s" if number == signal.SIGALRM else f"ended by {signal.Signals(number).name}"
    print(f"bench: {why}", file=sys.stderr)
    raise Ended(1)


def machine():
    with open("/proc/loadavg", encoding="ascii") as file:
        load = file.read().split()[0]
    return f"{platform.system()} {platform.release()}, {os.cpu_count()} cores, load {load} at the start"


def main(names):
    groups = [importlib.import_module(f"figures.{group}") for group in GROUPS]
    known = [name for group in groups for name in group.NAMES]
    if names == ["--list"]:
        print("\n".join(known))
        return 0
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"bench: no figure is called {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
        signal.signal(each, end_on)
    signal.alarm(TIME_LIMIT_SECS)
    note(f"{machine()}")
    note("name value unit baseline ratio")
    report, started, failed = Report(names or known), time.perf_counter(), []
    for group in groups:
        if set(group.NAMES) & set(report.wanted):
            try:
                group.measure(report)
            except Exception as error:  # pylint: disable=broad-exception-caught (the other groups still have figures)
                failed.append(group.__name__)
                print(f"bench: {group.__name__}: {type(error).__name__}: {error}", file=sys.stderr)
    note(f"took {time.perf_counter() - started:.0f} s; targets missed: {', '.join(report.missed) or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
