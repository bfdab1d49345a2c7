"""The provider by itself: its start, its memory, its size."""

import os
import shutil
import sys
from pathlib import Path

import processes
import provider_start
import tools
from daemon import Daemon
from report import median, note, percentile, span

NAMES = ["provider_handshake_ms", "provider_rss_handshake_mb", "provider_binary_mb", "provider_rss_growth_mb"]
STARTS = 100
HANDSHAKE_MS_MAX = 4
RSS_MB_MAX = 9
BINARY_MB_MAX = 12
GROWTH_MB_MAX = 2
# The first calls fill caches and the allocator's arenas; growth counts from here.
WARM_CALLS = 1_000
CALLS = 30_000
LOAD_LIMIT_SECS = 120
# The shortest Python that prints a line and stays, for its memory.
IDLE_PYTHON = [sys.executable, "-I", "-S", "-c", "import os; os.write(1, b'up\\n'); os.read(os.pipe()[0], 1)"]


def measure(report):
    if set(NAMES[:2]) & set(report.wanted):
        starts(report)
    if "provider_binary_mb" in report.wanted:
        size(report)
    if "provider_rss_growth_mb" in report.wanted:
        growth(report)


def starts(report):
    note("Go framework provider, measured elsewhere (protocol reference, section 8.1): 15.2 ms, 14 MB, 18.3 MB")
    if not shutil.which("openssl"):
        note("provider_handshake_ms and provider_rss_handshake_mb skipped: openssl, for the host's certificate, is not on PATH")
        return
    certificate = provider_start.host_certificate()
    ours, plain, floor, ours_mb, python_mb = [], [], [], [], []
    for _ in range(STARTS):
        with provider_start.provider(certificate) as started:
            ours.append(started.ms)
            ours_mb.append(processes.rss_mb(started.pid))
        with provider_start.provider(None) as started:
            plain.append(started.ms)
        with provider_start.Started([shutil.which("echo"), "line"], dict(os.environ)) as started:
            floor.append(started.ms)
        with provider_start.Started(IDLE_PYTHON, dict(os.environ)) as started:
            python_mb.append(processes.rss_mb(started.pid))
    about = (f"medians of {STARTS}, exec to line: with mTLS p95 {percentile(ours, 95):.2f}; without TLS {median(plain):.2f}; "
             f"baseline: the line of `echo` {span(floor)}")
    met = median(ours) <= HANDSHAKE_MS_MAX
    report.figure("provider_handshake_ms", median(ours), "ms", median(floor), about, f"<= {HANDSHAKE_MS_MAX} ms", met)
    about = f"medians of {STARTS}, VmRSS when the line is read; baseline: a bare Python interpreter"
    met = median(ours_mb) <= RSS_MB_MAX
    report.figure("provider_rss_handshake_mb", median(ours_mb), "MB", median(python_mb), about, f"<= {RSS_MB_MAX} MB", met)


def size(report):
    ours = tools.PROVIDER.stat().st_size / 1e6
    theirs = Path(tools.ENGINE_9.server).stat().st_size / 1e6
    about = "release profile, stripped; baseline: valkey-server 9.1.2"
    report.figure("provider_binary_mb", ours, "MB", theirs, about, f"<= {BINARY_MB_MAX} MB", ours <= BINARY_MB_MAX)


def growth(report):
    """The example reads one instance again and again, as a host would, and prints the provider's memory on the way."""
    with Daemon() as daemon:
        daemon.wait(daemon.post("read", tools.ENGINE_9, shards=1, replicas=0))
        output = daemon.folder / "read_load.txt"
        with open(output, "wb") as lines:
            arguments = [tools.READ_LOAD, tools.PROVIDER, "projects/bench/locations/us-central1/instances/read",
                         WARM_CALLS, CALLS]
            load = processes.start(arguments, stdout=lines, stderr=sys.stderr,
                                   env={**os.environ, "VALKYARD_ENDPOINT": daemon.endpoint})
            try:
                load.wait(LOAD_LIMIT_SECS)
            finally:
                processes.end(load)
        if load.returncode != 0:
            raise RuntimeError(f"read_load failed with code {load.returncode}")
        seen = [line.split() for line in output.read_text(encoding="ascii").splitlines()]
    (_, warm, _), (_, end, secs) = [(int(calls), float(mb), float(secs)) for calls, mb, secs in seen]
    grown = end - warm
    per_call = secs / CALLS * 1e6
    about = (f"VmRSS {warm:.2f} MB after {WARM_CALLS} ReadResource calls, {end:.2f} after {CALLS} ({per_call:.0f} us a call); "
             "baseline: the former; Go framework provider elsewhere: +690 MB")
    report.figure("provider_rss_growth_mb", grown, "MB", warm, about, f"<= {GROWTH_MB_MAX} MB", grown <= GROWTH_MB_MAX)
