"""A cluster client at work in a process of its own, and what it saw: while something is changed, by us or by hand.

As a program (`traffic.py HOST PORT`) it reads and writes until standard input closes, then prints one JSON object. It
follows MOVED and ASK and tries again after TRYAGAIN, CLUSTERDOWN and lost connections, as cluster clients do; anything
else is an error.
"""

import json
import os
import select
import subprocess
import sys
import time

import resp

KEYS = 1_500
PER_SECOND = 400
TRY_LIMIT_SECS = 10
ANSWER_LIMIT_SECS = 0.5
GAP_SECS = 0.001
START_LIMIT_SECS = 10


class Client:
    def __init__(self, address):
        self.first = address
        self.connections, self.owners = {}, {}
        self.refresh()

    def connection(self, address):
        if address not in self.connections:
            made = resp.Connection(address)
            made.socket.settimeout(ANSWER_LIMIT_SECS)
            self.connections[address] = made
        return self.connections[address]

    def refresh(self):
        for address in [*self.connections, self.first]:
            try:
                for low, high, primary, *_ in self.connection(address).call("CLUSTER", "SLOTS"):
                    owner = (primary[0].decode(), primary[1])
                    self.owners.update((slot, owner) for slot in range(low, high + 1))
                return
            except (OSError, resp.Refused):
                self.drop(address)

    def drop(self, address):
        dropped = self.connections.pop(address, None)
        if dropped:
            dropped.close()

    def call(self, key, *words):
        """The answer, however often it has to be asked for. A refusal that clients do not follow is raised."""
        slot, deadline, asking = resp.slot_of(key), time.monotonic() + TRY_LIMIT_SECS, None
        while True:
            address = asking or self.owners[slot]
            try:
                connection = self.connection(address)
                if asking:
                    connection.call("ASKING")
                return connection.call(*words)
            except resp.Refused as refused:
                asking = self.follow(str(refused), slot)
            except OSError:
                self.drop(address)
                asking = None
                self.refresh()
                time.sleep(GAP_SECS)
            if time.monotonic() > deadline:
                raise resp.Refused(f"not within {TRY_LIMIT_SECS} s")

    def follow(self, refusal, slot):
        kind, *rest = refusal.split()
        if kind in ("MOVED", "ASK"):
            host, port = rest[1].rsplit(":", 1)
            if kind == "ASK":
                return host, int(port)
            self.owners[slot] = (host, int(port))
        elif kind in ("TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN"):
            time.sleep(GAP_SECS)
        else:
            raise resp.Refused(refusal)
        return None


def work(address):
    client = Client(address)
    keys = [b"traffic:%d" % number for number in range(KEYS)]
    written, errors, latencies = {}, [], []
    value, due = 0, time.monotonic()
    print("at work", flush=True)
    while not select.select([sys.stdin], [], [], max(0, due - time.monotonic()))[0]:
        value += 1
        key = keys[value % KEYS]
        started = time.monotonic()
        try:
            if value % 3:
                client.call(key, "SET", key, value)
                written[key] = value
            else:
                client.call(key, "GET", key)
        except resp.Refused as refused:
            errors.append(str(refused))
        latencies.append((started, (time.monotonic() - started) * 1000))
        due = max(due + 1 / PER_SECOND, time.monotonic())
    lost = sum(int(client.call(key, "GET", key) or 0) != wanted for key, wanted in written.items())
    print(json.dumps({"acknowledged": len(latencies) - len(errors), "lost": lost, "errors": errors, "latencies": latencies}))


class Traffic:
    """`with` runs it on a cluster; afterwards it tells what it saw."""

    def __init__(self, address):
        self.process = subprocess.Popen([sys.executable, "-B", os.path.abspath(__file__), address[0], str(address[1])],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.seen = None

    def __enter__(self):
        if not select.select([self.process.stdout], [], [], START_LIMIT_SECS)[0]:
            raise RuntimeError("the traffic does not start")
        self.process.stdout.readline()
        return self

    def __exit__(self, *_):
        try:
            output, _ = self.process.communicate(timeout=TRY_LIMIT_SECS * 3)
            if self.process.returncode == 0:
                self.seen = json.loads(output)
        finally:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()
        if self.seen is None:
            raise RuntimeError("the traffic failed")

    def latencies(self, begin, end):
        """Milliseconds of the commands sent between two moments of time.monotonic."""
        return [ms for sent, ms in self.seen["latencies"] if begin <= sent < end]

    def verdict(self):
        return f"{self.seen['acknowledged']} acknowledged, {self.seen['lost']} lost, {len(self.seen['errors'])} errors"

    def flawless(self):
        return self.seen["lost"] == 0 and not self.seen["errors"]


if __name__ == "__main__":
    work((sys.argv[1], int(sys.argv[2])))
