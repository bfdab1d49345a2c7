"""Fills a cluster with keys of every type, all of one size in sum."""

import binascii
import os
import random

import resp

# 1 GiB is what the targets are about; CI uses less.
DATA_MB = int(os.environ.get("VALKYARD_BENCH_DATA_MB", "1024"))
BATCH = 400
TEXT_BYTES = 1000
FIELD_BYTES = 90
# Commands for one key of each type, each about this many bytes.
KEY_BYTES = 1000
# Values are pieces of records with the same fields and made-up words, the same in every run: the engine halves them.
WORDS = 2000
RECORDS = 8000
# From one piece to the next, with no common divisor with the pool's size.
STRIDE = 7919


def pool_of_records():
    chance = random.Random(1)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(3, 10))) for _ in range(WORDS)]
    records = []
    for number in range(RECORDS):
        name, city = chance.choice(words), chance.choice(words)
        records.append(f'{{"id": {number}, "name": "{name}", "email": "{name}@example.com", "city": "{city}", "score": '
                       f'{chance.randint(0, 9999)}, "active": true, "seen": "2026-11-{chance.randint(1, 30):02}T12:00:00Z"}}')
    return "\n".join(records).encode()


POOL = pool_of_records()


def piece(number, length):
    start = number * STRIDE % (len(POOL) - length)
    return POOL[start:start + length]


def encoded(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def command(number):
    """The key and the command that makes it: mostly strings, and one of each other type among ten."""
    key = b"mixed:%d" % number
    kind = number % 10

    def field(index):
        return piece(number + index, FIELD_BYTES)

    if kind == 0:
        return key, encoded(b"HSET", key, *[part for index in range(10) for part in (b"f%d" % index, field(index))])
    if kind == 1:
        return key, encoded(b"RPUSH", key, *[field(index) for index in range(10)])
    if kind == 2:
        return key, encoded(b"ZADD", key, *[part for index in range(10) for part in (b"%d" % index, field(index) + b"%d" % index)])
    if kind == 3:
        return key, encoded(b"SET", key, piece(number, TEXT_BYTES), b"EX", b"86400")
    if kind == 4:
        return key, encoded(b"XADD", key, b"*", b"f", piece(number, TEXT_BYTES))
    return key, encoded(b"SET", key, piece(number, TEXT_BYTES))


def fill(address, megabytes=None):
    """Writes about so many MiB over all primaries; returns the number of keys."""
    first = resp.Connection(address)
    owners = [None] * resp.SLOTS
    for low, high, primary, *_ in first.call("CLUSTER", "SLOTS"):
        there = resp.Connection((primary[0].decode(), primary[1]))
        # A primary that copies itself to a replica may pause for a moment.
        there.socket.settimeout(60)
        for slot in range(low, high + 1):
            owners[slot] = there
    first.close()
    count = (DATA_MB if megabytes is None else megabytes) * 1024 * 1024 // KEY_BYTES
    waiting = {}
    for number in range(count):
        key, words = command(number)
        owner = owners[binascii.crc_hqx(key, 0) % resp.SLOTS]
        batch = waiting.setdefault(owner, [])
        batch.append(words)
        if len(batch) == BATCH:
            send(owner, batch)
    for owner, batch in waiting.items():
        send(owner, batch)
    for owner in set(owners):
        owner.close()
    return count


def send(owner, batch):
    owner.socket.sendall(b"".join(batch))
    for _ in batch:
        owner._answer()  # pylint: disable=protected-access (a pipeline is nobody else's business)
    batch.clear()


def count_keys(address):
    connection = resp.Connection(address)
    ranges = connection.call("CLUSTER", "SLOTS")
    connection.close()
    total = 0
    for primary in {(each[2][0].decode(), each[2][1]) for each in ranges}:
        there = resp.Connection(primary)
        total += there.call("DBSIZE")
        there.close()
    return total
