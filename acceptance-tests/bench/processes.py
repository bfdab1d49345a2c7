"""Processes this run starts, each ended by its own pid, and what the kernel tells about them."""

import os
import signal
import subprocess
import time

END_LIMIT_SECS = 5


def start(arguments, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("stdout", subprocess.DEVNULL)
    options.setdefault("stderr", subprocess.DEVNULL)
    return subprocess.Popen([str(argument) for argument in arguments], **options)


def end(process, how=signal.SIGTERM):
    """Ends one process of ours, the hard way if it does not go when asked."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(END_LIMIT_SECS)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def end_all(processes):
    """Kills at once, then collects: for nodes whose data nobody wants."""
    for process in processes:
        if process.poll() is None:
            process.kill()
    for process in processes:
        process.wait()


def run(arguments, limit_secs, **options):
    """Runs to the end and returns the seconds it took; its output is the error when it fails."""
    started = time.perf_counter()
    done = subprocess.run([str(argument) for argument in arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=limit_secs, check=False, **options)
    took = time.perf_counter() - started
    if done.returncode != 0:
        raise RuntimeError(f"{arguments[0]} failed with code {done.returncode}:\n{done.stdout.decode(errors='replace')}")
    return took


def rss_mb(pid):
    """Resident memory in MB of 10^6 bytes (VmRSS, which the kernel gives in KiB)."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"process {pid} has no memory: it ended")


def cpu_secs(pid):
    """User and system time so far, from the scheduler's own clock (nanoseconds) of each thread."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as schedstat:
            total += int(schedstat.read().split()[0])
    return total / 1e9


def pids_below(folder):
    """Processes that work in a folder below this one: the nodes of a daemon."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            working = os.readlink(f"/proc/{name}/cwd")
        except OSError:
            continue
        if working.startswith(f"{folder}/"):
            found.append(int(name))
    return sorted(found)
