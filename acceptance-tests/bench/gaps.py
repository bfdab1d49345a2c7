"""How long no write to a shard is acknowledged while it changes its primary."""

import socket
import time

import resp

# Writes before a blow: the last of them is the gap's begin.
WARM_WRITES = 50
# Between two tries; and how long a node that does not answer is waited for before another is asked.
GAP_SECS = 0.0005
ANSWER_LIMIT_SECS = 0.02
GAP_LIMIT_SECS = 60


class Shard:
    """The nodes of one shard, and writes to it wherever its primary is."""

    def __init__(self, primary, others, key):
        self.addresses, self.key = [primary, *others], key
        self.connections = {}
        self.written = 0

    def close(self):
        for connection in self.connections.values():
            connection.close()

    def write(self, address):
        """Whether this node acknowledged the next value."""
        try:
            if address not in self.connections:
                connection = resp.Connection(address)
                connection.socket.settimeout(ANSWER_LIMIT_SECS)
                self.connections[address] = connection
            self.connections[address].call("SET", self.key, self.written + 1)
        except resp.Refused:
            return False
        except (OSError, socket.timeout):
            dropped = self.connections.pop(address, None)
            if dropped:
                dropped.close()
            return False
        self.written += 1
        return True

    def gap_ms(self, blow):
        """Milliseconds from the last acknowledged write before the blow takes effect to the first by another node."""
        primary = self.addresses[0]
        for _ in range(WARM_WRITES):
            if not self.write(primary):
                raise RuntimeError(f"{primary} takes no writes before the blow")
        last = time.perf_counter()
        blow()
        deadline = last + GAP_LIMIT_SECS
        while time.perf_counter() < deadline:
            for address in self.addresses:
                if self.write(address):
                    now = time.perf_counter()
                    if address != primary:
                        self.addresses.remove(address)
                        self.addresses.insert(0, address)
                        return (now - last) * 1000
                    last = now
                    break
            else:
                time.sleep(GAP_SECS)
        raise RuntimeError(f"no other node of {self.addresses} took a write within {GAP_LIMIT_SECS} s")

    def last_is_kept(self):
        return int(self.connections[self.addresses[0]].call("GET", self.key) or 0) == self.written


def shard_of(address, index=0):
    """The shard with the index-th lowest slots, asked of any node."""
    connection = resp.Connection(address)
    try:
        ranges = sorted(connection.call("CLUSTER", "SLOTS"), key=lambda each: each[0])
    finally:
        connection.close()
    low, high, primary, *replicas = ranges[index]
    return Shard(address_of(primary), [address_of(replica) for replica in replicas], resp.key_in(low, high))


def address_of(node):
    return node[0].decode(), node[1]


def pid_of(address):
    connection = resp.Connection(address)
    try:
        info = connection.call("INFO", "server").decode()
    finally:
        connection.close()
    return int(info.split("process_id:")[1].split()[0])


def wait_until_whole(address, shards, replicas):
    """Waits until every shard lists its replicas and each is in sync."""
    deadline = time.perf_counter() + GAP_LIMIT_SECS
    last = "nothing yet"
    while time.perf_counter() < deadline:
        try:
            last = whole(address, shards, replicas)
            if last is None:
                return
        except (OSError, resp.Refused) as error:
            last = error
        time.sleep(0.02)
    raise RuntimeError(f"{address} is not whole after {GAP_LIMIT_SECS} s: {last}")


def whole(address, shards, replicas):
    connection = resp.Connection(address)
    try:
        ranges = connection.call("CLUSTER", "SLOTS")
    finally:
        connection.close()
    if not resp.whole_topology(ranges, shards):
        return ranges
    for _, _, primary, *others in ranges:
        if len(others) != replicas:
            return ranges
        there = resp.Connection(address_of(primary))
        try:
            info = there.call("INFO", "replication").decode()
        finally:
            there.close()
        if "role:master" not in info or info.count("state=online") < replicas:
            return info
    return None
