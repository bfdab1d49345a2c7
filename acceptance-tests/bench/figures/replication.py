"""One link between two shards against a replica of the same primary, in turn."""

import re
import signal
import sys
import tempfile
import time
from pathlib import Path

import by_hand
import processes
import resp
import tools
from report import median, note, percentile

NAMES = ["replication_lag_p99_ms", "replication_writes_s", "replication_link_mb"]
ROUNDS = 3
SECRET = "ab" * 32
USER = "valkyard-admin"
# What clients do who write as fast as a primary takes it.
CONNECTIONS, PIPELINE, WRITES = 20, 16, 600_000
LAG_SECS = 6
PROBE_GAP_SECS = 0.008
LIMIT_SECS = 120
LOOK_SECS = 0.002
LAG_MS_MAX = 10
RATE_RATIO_MIN = 0.9
LINK_MB_MAX = 32
WRITER = tools.BENCH / "writes.py"


class Node:
    """One process of an engine: a primary with all slots, or a node outside of any cluster."""

    def __init__(self, engine, is_clustered, *settings):
        self.folder = tempfile.TemporaryDirectory(prefix="bench-")
        self.address = (next(by_hand.ADDRESSES), by_hand.FIRST_PORT)
        host, port = self.address
        arguments = ["--bind", host, "--port", port, "--save", "", "--protected-mode", "no", "--repl-diskless-sync-delay", "0",
                     "--enable-debug-command", "yes", "--repl-backlog-size", "512mb", "--client-output-buffer-limit", "replica 0 0 0", *settings]
        if is_clustered:
            own = "a" * 40
            bus = port + by_hand.BUS_OFFSET
            Path(self.folder.name, "nodes.conf").write_text(
                f"{own} {host}:{port}@{bus},,tls-port=0,shard-id={own} myself,master - 0 0 1 connected 0-{resp.SLOTS - 1}\n"
                "vars currentEpoch 1 lastVoteEpoch 0\n", encoding="ascii")
            arguments += ["--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-announce-ip", host]
        self.process = processes.start([engine.server, *arguments], cwd=self.folder.name, env=engine.environment)
        self.client = until("a node listens", self._connected)
        self.client.socket.settimeout(LIMIT_SECS)
        self.client.call("ACL", "SETUSER", USER, "on", f">{SECRET}", "~*", "&*", "+@all")
        if is_clustered:
            until("the cluster is up", lambda: b"cluster_state:ok" in self.client.call("CLUSTER", "INFO"))

    def _connected(self):
        try:
            return resp.Connection(self.address)
        except OSError:
            return None

    def info(self, name):
        found = re.search(rf"^{name}:(\S+)", self.client.call("INFO", "replication").decode(), re.M)
        return found.group(1) if found else None

    def offset(self):
        return int(self.info("master_repl_offset"))

    def end(self):
        processes.end_all([self.process])
        self.folder.cleanup()


def until(what, look):
    deadline = time.perf_counter() + LIMIT_SECS
    while time.perf_counter() < deadline:
        seen = look()
        if seen:
            return seen
        time.sleep(LOOK_SECS)
    raise RuntimeError(f"gave up waiting until {what}")


class Replica:
    """The baseline: a node that follows the source as engines do."""

    def __init__(self, source, node):
        self.source, self.node, self.pid = source, node, node.process.pid

    def __enter__(self):
        self.node.client.call("CONFIG", "SET", "primaryuser", USER, "primaryauth", SECRET)
        self.node.client.call("REPLICAOF", *self.source.address)
        until("the replica is in sync", lambda: self.node.info("master_link_status") == "up")
        self.wait()
        return self

    def __exit__(self, *_):
        self.node.client.call("REPLICAOF", "NO", "ONE")

    def wait(self):
        until("the replica has everything", lambda: int(self.node.info("slave_repl_offset") or 0) >= self.source.offset())


class Link:
    """What is measured: a link in a process of its own."""

    def __init__(self, source, node, engine, start):
        self.source, self.node, self.start = source, node, start
        self.imports = "yes" if engine is tools.ENGINE_9 else "no"
        self.process, self.mb = None, 0.0

    def __enter__(self):
        addresses = [f"{host}:{port}" for host, port in (self.source.address, self.node.address)]
        self.process = processes.start([tools.RUN_LINK, *addresses, SECRET, *self.start, self.imports])
        self.wait()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.mb = most_mb(self.process.pid)
        processes.end(self.process, signal.SIGTERM)

    def applied(self):
        library = self.node.client.call("FUNCTION", "LIST", "LIBRARYNAME", "valkyard_replication", "WITHCODE")
        return int(re.search(rb" at=\w+:(\d+) ", library[0][-1]).group(1)) if library else -1

    def wait(self):
        until("the target has everything", lambda: self.applied() >= self.source.offset())


def most_mb(pid):
    """The most memory that the process had so far."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) * 1024 / 1e6


def write_all(source, follower):
    """Writes a second that reached the follower, and that the source took, while clients write as fast as they can."""
    host, port = source.address
    command = [tools.ENGINE_8.folder / "bin/valkey-benchmark", "-h", host, "-p", port, "-t", "set", "-d", 64, "-r", 100_000, "-q",
               "-c", CONNECTIONS, "-P", PIPELINE, "-n", WRITES]
    started = time.perf_counter()
    processes.run(command, LIMIT_SECS, env=tools.ENGINE_8.environment)
    took = time.perf_counter() - started
    follower.wait()
    return WRITES / (time.perf_counter() - started), WRITES / took


def lags(source, follower, per_second):
    """Milliseconds from sending a write to the source until somebody who waits at the follower has it."""
    writer = processes.start([sys.executable, WRITER, *source.address, int(per_second), LAG_SECS])
    reader, seen = resp.Connection(follower.node.address), []
    reader.socket.settimeout(LIMIT_SECS)
    source.client.call("XADD", "probe", "MAXLEN", 1, "*", "f", "v")
    until("the first probe arrives", lambda: follower.node.client.call("EXISTS", "probe") == 1)
    waiting = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in (b"XREAD", b"BLOCK", b"5000", b"STREAMS", b"probe", b"$"))
    while writer.poll() is None:
        reader.socket.sendall(b"*6\r\n" + waiting)
        time.sleep(PROBE_GAP_SECS)
        started = time.perf_counter()
        source.client.call("XADD", "probe", "MAXLEN", 1, "*", "f", "v")
        if reader._answer() is None:  # pylint: disable=protected-access (asked and answered apart)
            raise RuntimeError("a write did not arrive in five seconds")
        seen.append((time.perf_counter() - started) * 1000)
    reader.close()
    return percentile(seen, 99)


def measure(report):
    if not (tools.ENGINE_9.present and tools.ENGINE_8.present):
        note(f"{', '.join(NAMES)} skipped: 9.1 and valkey-benchmark of 8.0 are needed")
        return
    engine, nodes = tools.ENGINE_9, []
    try:
        source = Node(engine, True)
        nodes.append(source)
        native = Node(engine, False)
        nodes.append(native)
        target = Node(engine, True, "--import-mode", "yes")
        nodes.append(target)
        rounds(report, engine, source, native, target)
    finally:
        for node in nodes:
            node.end()


def rounds(report, engine, source, native, target):
    rates, lag, taken, link_mb = {True: [], False: []}, {True: [], False: []}, [], []
    with Replica(source, native):
        start = source.info("master_replid"), source.info("master_repl_offset")
    for _ in range(ROUNDS):
        with Replica(source, native) as replica:
            rate, source_rate = write_all(source, replica)
            rates[False].append(rate)
            taken.append(source_rate)
            lag[False].append(lags(source, replica, source_rate / 2))
        with Link(source, target, engine, start) as link:
            rates[True].append(write_all(source, link)[0])
            lag[True].append(lags(source, link, median(taken) / 2))
        link_mb.append(link.mb)
    if source.client.call("DEBUG", "DIGEST") != target.client.call("DEBUG", "DIGEST"):
        raise RuntimeError("the target is no copy of the source")
    half = median(taken) / 2
    value, baseline = median(lag[True]), median(lag[False])
    about = f"p99 of the time until a write is at the other side, at {half:.0f} writes/s, half of what the source takes; baseline: a replica"
    report.figure("replication_lag_p99_ms", value, "ms", baseline, about, f"<= {LAG_MS_MAX} ms", value <= LAG_MS_MAX)
    value, baseline = median(rates[True]), median(rates[False])
    about = (f"writes of {CONNECTIONS} clients with pipelines of {PIPELINE}, until the other side has the last; baseline: a replica; "
             f"medians of {ROUNDS}, digests equal")
    met = value >= RATE_RATIO_MIN * baseline
    report.figure("replication_writes_s", value, "1/s", baseline, about, f"ratio >= {RATE_RATIO_MIN}", met)
    about = "most memory of a process with one link, program and all; baseline: the bound of a link"
    report.figure("replication_link_mb", max(link_mb), "MB", LINK_MB_MAX, about, f"<= {LINK_MB_MAX} MB", max(link_mb) <= LINK_MB_MAX)
