"""Backups of three shards against valkey-cli --rdb, and restores against the engine loading the same files by itself."""

import re
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path

import by_hand
import mixed_data
import processes
import resp
import tools
from daemon import PARENT, Daemon
from report import median, note, percentile
from traffic import Traffic

NAMES = ["backup_mb_s", "backup_daemon_mb", "backup_p99_ms", "restore_mb_s", "restore_reshard_mb_s"]
LIMIT_SECS = 900
ROUNDS = 3
BEFORE_SECS = 5
LOOK_SECS = 0.02
BACKUP_RATIO_MIN = 0.9
DAEMON_MB_MAX = 64
P99_RATIO_MAX = 1.3
RESTORE_RATIO_MIN = 0.8
RESHARD_RATIO_MIN = 0.35
SHARDS = 3
# Each shard has as much as a whole instance elsewhere; a node that holds it with room to spare.
DATA_MB = SHARDS * mixed_data.DATA_MB
NODE_TYPE = "STANDARD_SMALL"


def measure(report):
    engine = tools.ENGINE_9
    if not (engine.present and tools.ENGINE_8.present):
        note(f"{', '.join(NAMES)} skipped: {engine.api_version} and valkey-cli of 8.0 are needed")
        return
    with Daemon() as daemon:
        daemon.wait(daemon.post("full", engine, shards=SHARDS, replicas=1, node_type=NODE_TYPE), LIMIT_SECS)
        address = daemon.discovery("full")
        mixed_data.fill(address, DATA_MB)
        backups(report, daemon, address)
        restores(report, daemon, engine)


class Peak:
    """The daemon's memory above what it was, watched while something is done."""

    def __init__(self, pid):
        self.pid, self.before, self.most, self.stop = pid, processes.rss_mb(pid), 0.0, threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def _watch(self):
        while not self.stop.wait(LOOK_SECS):
            self.most = max(self.most, processes.rss_mb(self.pid) - self.before)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def take(daemon, name):
    """Seconds of a backup, and the bytes of its files."""
    started = time.perf_counter()
    daemon.wait(daemon.rest.call("POST", f"{daemon.path('full')}:backup", {"backupId": name})["name"], LIMIT_SECS)
    took = time.perf_counter() - started
    seen = daemon.rest.call("GET", f"{PARENT}/backupCollections/full/backups/{name}")
    return took, int(seen["totalSizeBytes"])


def replicas_of(daemon):
    """Address and password of one replica of each shard, as the nodes' own files tell them."""
    found = {}
    for conf in sorted(Path(daemon.data / "instances").glob("*/*/valkey.conf")):
        text = conf.read_text()
        nodes = (conf.parent / "nodes.conf").read_text()
        mine = re.search(r"^(\S+) (\S+):(\d+)@.*myself,slave (\S+)", nodes, re.M)
        if mine:
            password = re.search(r'^primaryauth "?([^"\n]+)"?', text, re.M)
            user = re.search(r'^primaryuser "?([^"\n]+)"?', text, re.M)
            found[mine.group(4)] = (mine.group(2), mine.group(3), user.group(1), password.group(1))
    return list(found.values())


def by_cli(daemon, folder):
    """Seconds of valkey-cli --rdb of a replica of each shard, side by side to the same disk."""
    cli, started = tools.ENGINE_8, time.perf_counter()
    running = [
        processes.start([cli.cli, "-h", host, "-p", port, "--user", user, "--pass", password, "--rdb", folder / f"{port}.rdb"],
                        env=cli.environment)
        for host, port, user, password in replicas_of(daemon)
    ]
    if len(running) != SHARDS:
        raise RuntimeError(f"{len(running)} replicas were found, not {SHARDS}")
    codes = [process.wait(LIMIT_SECS) for process in running]
    if any(codes):
        raise RuntimeError(f"valkey-cli --rdb ended with {codes}")
    return time.perf_counter() - started, sum(file.stat().st_size for file in folder.iterdir())


def backups(report, daemon, address):
    ours, theirs, peaks = [], [], []
    for number in range(ROUNDS):
        with Peak(daemon.process.pid) as peak:
            secs, size = take(daemon, f"b{number}")
        ours.append(size / 1e6 / secs)
        peaks.append(peak.most)
        folder = Path(tempfile.mkdtemp(prefix="bench-", dir=daemon.folder))
        secs, size = by_cli(daemon, folder)
        theirs.append(size / 1e6 / secs)
        shutil.rmtree(folder)
    value, baseline = median(ours), median(theirs)
    about = (f"{SHARDS} shards with {DATA_MB} MiB, read, checked, hashed and kept; baseline: valkey-cli --rdb of the same "
             f"shards side by side; medians of {ROUNDS}")
    met = value >= BACKUP_RATIO_MIN * baseline
    report.figure("backup_mb_s", value, "MB/s", baseline, about, f"ratio >= {BACKUP_RATIO_MIN}", met)
    rss = processes.rss_mb(daemon.process.pid)
    about = f"most that the daemon grew during a backup; baseline: its memory now; extra disk: none, files are streamed"
    report.figure("backup_daemon_mb", max(peaks), "MB", rss, about, f"<= {DAEMON_MB_MAX} MB", max(peaks) <= DAEMON_MB_MAX)
    with Traffic(address) as traffic:
        began = time.monotonic()
        time.sleep(BEFORE_SECS)
        changed = time.monotonic()
        take(daemon, "busy")
        ended = time.monotonic()
        folder = Path(tempfile.mkdtemp(prefix="bench-", dir=daemon.folder))
        by_cli(daemon, folder)
        by_cli_ended = time.monotonic()
        shutil.rmtree(folder)
    spans = ((began, changed), (changed, ended), (ended, by_cli_ended))
    before, during, theirs = (percentile(traffic.latencies(*span), 99) for span in spans)
    about = (f"p99 of requests to primaries during a backup taken from replicas ({traffic.verdict()}); baseline: before it; during "
             f"valkey-cli --rdb of the same replicas: {theirs:.2f} ms")
    met = during <= P99_RATIO_MAX * before
    report.figure("backup_p99_ms", during, "ms", before, about, f"ratio <= {P99_RATIO_MAX}", met)


def natively(engine, files):
    """Seconds until engines that were started side by side on copies of these files have loaded them."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    running, host = [], next(by_hand.ADDRESSES)
    try:
        for index, file in enumerate(files):
            (folder / str(index)).mkdir()
            shutil.copy(file, folder / str(index) / "dump.rdb")
        started = time.perf_counter()
        for index, _ in enumerate(files):
            running.append(processes.start(
                [engine.server, "--bind", host, "--port", by_hand.FIRST_PORT + index, "--save", "", "--protected-mode", "no"],
                cwd=folder / str(index), env=engine.environment))
        for index, _ in enumerate(files):
            wait_until_loaded((host, by_hand.FIRST_PORT + index))
        return time.perf_counter() - started
    finally:
        processes.end_all(running)
        shutil.rmtree(folder)


def wait_until_loaded(address):
    deadline = time.perf_counter() + LIMIT_SECS
    while time.perf_counter() < deadline:
        try:
            connection = resp.Connection(address)
            connection.socket.settimeout(60)
            try:
                connection.call("DBSIZE")
                return
            finally:
                connection.close()
        except (OSError, resp.Refused, socket.timeout):
            time.sleep(LOOK_SECS)
    raise RuntimeError(f"{address} did not load its file")


def restore(daemon, shards):
    """Seconds of a restore, from the request to the instance being complete."""
    body = {"shardCount": shards, "nodeType": NODE_TYPE, "deletionProtectionEnabled": False,
            "managedBackupSource": {"backup": f"{PARENT[4:]}/backupCollections/full/backups/b0"}}
    started = time.perf_counter()
    daemon.wait(daemon.rest.call("POST", f"{PARENT}/instances?instanceId=copy", body)["name"], LIMIT_SECS)
    took = time.perf_counter() - started
    daemon.delete("copy")
    return took


def restores(report, daemon, engine):
    files = sorted((daemon.data / "backups").glob("*/b0/*.rdb"))
    size = sum(file.stat().st_size for file in files) / 1e6
    # What runs already would share the processors with what is measured.
    daemon.delete("full")
    same, other, native = [], [], []
    for _ in range(ROUNDS):
        native.append(size / natively(engine, files))
        same.append(size / restore(daemon, SHARDS))
        other.append(size / restore(daemon, 5))
    baseline = median(native)
    about = (f"{size:.0f} MB in {SHARDS} shards, from the request until the instance is complete, the engine's own 2 s before a primary "
             f"writes included; baseline: the engine loading the same files, side by side; medians of {ROUNDS}")
    met = median(same) >= RESTORE_RATIO_MIN * baseline
    report.figure("restore_mb_s", median(same), "MB/s", baseline, about, f"ratio >= {RESTORE_RATIO_MIN}", met)
    about = f"the same from {SHARDS} into 5 shards"
    met = median(other) >= RESHARD_RATIO_MIN * baseline
    report.figure("restore_reshard_mb_s", median(other), "MB/s", baseline, about, f"ratio >= {RESHARD_RATIO_MIN}", met)
