"""The baseline of creating: the same six nodes started by hand, from pre-written nodes.conf files or empty for valkey-cli.

They get what makes a cluster of the engine and nothing of the daemon's own (no ACL, no memory limits).
"""

import itertools
import os
import secrets
import shutil
import signal
import socket
import tempfile
import time
from pathlib import Path

import processes
import resp

FIRST_PORT = 11000
BUS_OFFSET = 10000
CLI_LIMIT_SECS = 60
# Above 127.119.0.0/16, where daemons allocate. A new address each time keeps old connections out of the measurement.
ADDRESSES = (f"127.160.{number // 250}.{number % 250 + 1}" for number in itertools.count(os.getpid() % 50_000))


def slot_ranges(shards):
    bounds = [resp.SLOTS * shard // shards for shard in range(shards + 1)]
    return [(low, high - 1) for low, high in itertools.pairwise(bounds)]


class Nodes:
    """Processes of one cluster in a folder of their own; `with` ends and removes them."""

    def __init__(self, engine, shards=3, replicas=1):
        self.engine, self.shards, self.replicas = engine, shards, replicas
        self.ip = next(ADDRESSES)
        self.ports = [FIRST_PORT + index for index in range(shards * (1 + replicas))]
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self.running = []
        for port in self.ports:
            (self.folder / str(port)).mkdir()
            self._write_config(port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        processes.end_all(self.running)
        shutil.rmtree(self.folder)

    def _write_config(self, port):
        directives = {
            "bind": self.ip, "bind-source-addr": self.ip, "port": port, "protected-mode": "no",
            "cluster-enabled": "yes", "cluster-config-file": "nodes.conf", "cluster-port": port + BUS_OFFSET,
            "cluster-announce-ip": self.ip, "cluster-node-timeout": 5000, "save": '""', "appendonly": "no",
            "repl-diskless-sync-delay": 0, "logfile": "valkey.log", "daemonize": "no",
        }
        text = "".join(f"{name} {value}\n" for name, value in directives.items())
        (self.folder / str(port) / "valkey.conf").write_text(text, encoding="ascii")

    def write_topology(self):
        """The whole cluster into each node's nodes.conf: primaries first, then a replica of each, shard by shard."""
        ids = [secrets.token_hex(20) for _ in self.ports]
        shard_ids = [secrets.token_hex(20) for _ in range(self.shards)]
        ranges = slot_ranges(self.shards)

        def line(index, me):
            shard = index % self.shards
            myself = "myself," if index == me else ""
            role = f"{myself}master - 0 0 {shard + 1}" if index < self.shards else f"{myself}slave {ids[shard]} 0 0 {shard + 1}"
            slots = f" {ranges[shard][0]}-{ranges[shard][1]}" if index < self.shards else ""
            port = self.ports[index]
            return (f"{ids[index]} {self.ip}:{port}@{port + BUS_OFFSET},,tls-port=0,shard-id={shard_ids[shard]} "
                    f"{role} connected{slots}\n")

        for me, port in enumerate(self.ports):
            text = "".join(line(index, me) for index in range(len(self.ports)))
            text += f"vars currentEpoch {self.shards} lastVoteEpoch 0\n"
            (self.folder / str(port) / "nodes.conf").write_text(text, encoding="ascii")

    def start(self):
        for port in self.ports:
            self._start(self.engine, port)

    def _start(self, engine, port):
        folder = self.folder / str(port)
        self.running.append(processes.start([engine.server, "valkey.conf"], cwd=folder, env=engine.environment))

    def add(self, engine):
        """Starts an empty node that knows nobody, and returns its port."""
        port = self.ports[-1] + 1
        self.ports.append(port)
        (self.folder / str(port)).mkdir()
        self._write_config(port)
        self._start(engine, port)
        return port

    def remove(self, port):
        """Ends a node."""
        index = self.ports.index(port)
        processes.end(self.running.pop(index), signal.SIGKILL)
        self.ports.pop(index)

    def process(self, port):
        return self.running[self.ports.index(port)]

    def call(self, port, *words):
        """The answer to one command over a connection of its own."""
        connection = resp.Connection((self.ip, port))
        try:
            return connection.call(*words)
        finally:
            connection.close()

    def wait_until_answering(self):
        deadline = time.perf_counter() + resp.WRITABLE_LIMIT_SECS
        for port in self.ports:
            while time.perf_counter() < deadline:
                try:
                    socket.create_connection((self.ip, port), resp.CONNECT_LIMIT_SECS).close()
                    break
                except OSError:
                    time.sleep(resp.GAP_SECS)
            else:
                raise RuntimeError(f"{self.ip}:{port} does not listen; see {self.folder}")

    def wait_until_writable(self):
        return resp.WritableProbe((self.ip, self.ports[0]), self.shards).wait()


def create_from_nodes_conf(engine):
    """Seconds from the first exec to the first write on every shard."""
    with Nodes(engine) as nodes:
        nodes.write_topology()
        started = time.perf_counter()
        nodes.start()
        return nodes.wait_until_writable() - started


def create_with_cli(engine, cli):
    """Seconds to the first write on every shard, from the first exec and from the start of valkey-cli."""
    with Nodes(engine) as nodes:
        started = time.perf_counter()
        nodes.start()
        nodes.wait_until_answering()
        cli_started = time.perf_counter()
        addresses = [f"{nodes.ip}:{port}" for port in nodes.ports]
        arguments = [cli, "--cluster", "create", *addresses, "--cluster-replicas", "1", "--cluster-yes"]
        joining = processes.start(arguments, env=engine.environment)
        try:
            writable = nodes.wait_until_writable()
        finally:
            joining.wait(CLI_LIMIT_SECS)
        if joining.returncode != 0:
            raise RuntimeError(f"valkey-cli --cluster create failed with code {joining.returncode}")
        return writable - started, writable - cli_started
