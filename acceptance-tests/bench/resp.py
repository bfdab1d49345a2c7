"""A cluster client of a few lines, and the probe built on it: when does a write succeed on every shard?

The probe is the same for clusters made by the daemon and for those made by hand. It looks all the time, with gaps of
GAP_SECS, so that the moment is known to a few milliseconds.
"""

import binascii
import socket
import time

GAP_SECS = 0.002
CONNECT_LIMIT_SECS = 1
SLOTS = 16384
WRITABLE_LIMIT_SECS = 60


class Refused(Exception):
    """The server answered with an error."""


class Connection:
    def __init__(self, address):
        self.socket = socket.create_connection(address, CONNECT_LIMIT_SECS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")

    def close(self):
        self.reader.close()
        self.socket.close()

    def call(self, *words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        parts = [b"*%d\r\n" % len(words)] + [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
        self.socket.sendall(b"".join(parts))
        return self._answer()

    def _answer(self):
        line = self.reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b"-":
            raise Refused(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if rest == b"-1":
                return None
            return self.reader.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self._answer() for _ in range(int(rest))]
        raise ConnectionError(f"not RESP2: {line!r}")


def slot_of(key):
    """CRC16/XMODEM of the key, modulo the number of slots."""
    return binascii.crc_hqx(key, 0) % SLOTS


def key_in(first, last):
    number = 0
    while not first <= slot_of(b"bench:%d" % number) <= last:
        number += 1
    return b"bench:%d" % number


def whole_topology(ranges, shards):
    covered = sum(last - first + 1 for first, last, *_ in ranges)
    primaries = {(bytes(primary[0]), primary[1]) for _, _, primary, *_ in ranges}
    return covered == SLOTS and len(primaries) == shards


class WritableProbe:
    """Asks one address for the topology, then writes a key to each shard's primary until all have taken one."""

    def __init__(self, address, shards):
        self.address, self.shards = address, shards
        self.deadline = time.perf_counter() + WRITABLE_LIMIT_SECS
        self.last = "nothing yet"

    def wait(self):
        """Returns the moment (time.perf_counter) at which the last shard took its first write."""
        ranges = self._until(self._topology)
        by_primary = {(primary[0].decode(), primary[1]): (first, last) for first, last, primary, *_ in ranges}
        for address, (first, last) in by_primary.items():
            self._until(lambda address=address, key=key_in(first, last): self._written(address, key))
        return time.perf_counter()

    def _topology(self):
        connection = Connection(self.address)
        try:
            ranges = connection.call("CLUSTER", "SLOTS")
        finally:
            connection.close()
        return ranges if whole_topology(ranges, self.shards) else None

    def _written(self, address, key):
        connection = Connection(address)
        try:
            while time.perf_counter() < self.deadline:
                try:
                    return connection.call("SET", key, "x") == b"OK"
                except Refused as refused:
                    # CLUSTERDOWN until the engine accepts writes; MOVED would mean that the topology was not the last.
                    self.last = str(refused)
                    time.sleep(GAP_SECS)
        finally:
            connection.close()
        return False

    def _until(self, look):
        while time.perf_counter() < self.deadline:
            try:
                seen = look()
                if seen:
                    return seen
            except (OSError, Refused) as error:
                self.last = str(error)
            time.sleep(GAP_SECS)
        raise RuntimeError(f"{self.address} is not writable after {WRITABLE_LIMIT_SECS} s; last seen: {self.last}")
