"""Latency of REST requests over a kept connection."""

import gc
import subprocess

import processes
import tools
from daemon import Daemon
from report import median, percentile
from rest import Rest

NAMES = ["get_p99_ms", "list_1000_p99_ms"]
GETS = 4_000
LISTS = 300
# Requests of both kinds alternate in blocks, so that noise of the machine hits both.
BLOCKS = 10
STORED = 1_000
GET_MS_MAX = 2
LIST_MS_MAX = 40


def measure(report):
    if "get_p99_ms" in report.wanted:
        with Daemon() as daemon:
            daemon.wait(daemon.post("read", tools.ENGINE_9))
            ours, theirs = interleaved(daemon.rest, daemon.path("read"), "/livez", GETS)
        what = "GET of a running 3 x 1 instance"
        compare(report, "get_p99_ms", ours, theirs, GET_MS_MAX, what, "GET /livez of the same daemon")
    if "list_1000_p99_ms" in report.wanted:
        stored(report)


def interleaved(rest, path, trivial, count):
    ours, theirs = [], []
    # Python's collector would add pauses of its own.
    gc.disable()
    try:
        rest.times_ms(path, count // BLOCKS)
        for _ in range(BLOCKS):
            ours += rest.times_ms(path, count // BLOCKS)
            theirs += rest.times_ms(trivial, count // BLOCKS)
    finally:
        gc.enable()
    return ours, theirs


def compare(report, name, ours, theirs, limit, what, against):
    value, baseline = percentile(ours, 99), percentile(theirs, 99)
    about = (f"p99 of {len(ours)}: {what}, p50 {median(ours):.2f}, max {max(ours):.2f}; baseline: p99 of {against}, "
             f"p50 {median(theirs):.2f}")
    report.figure(name, value, "ms", baseline, about, f"<= {limit} ms", value <= limit)


def stored(report):
    """Against the server of the example, which holds stored instances and runs no nodes."""
    server = processes.start([tools.SERVE_STORED, STORED], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        host, port = server.stdout.readline().decode().strip().rsplit(":", 1)
        rest = Rest(host, int(port))
        location = "/v1/projects/local/locations/us-central1"
        listing = f"{location}/instances?pageSize={STORED}"
        found = rest.call("GET", listing)
        if len(found["instances"]) != STORED or found.get("nextPageToken"):
            raise RuntimeError(f"the list has {len(found['instances'])} instances on one page, not {STORED}")
        ours, theirs = interleaved(rest, listing, location, LISTS)
        rest.close()
    finally:
        server.stdin.close()
        processes.end(server)
    what = f"list of {STORED} stored instances on one page"
    compare(report, "list_1000_p99_ms", ours, theirs, LIST_MS_MAX, what, "GET of a location, which reads nothing")
