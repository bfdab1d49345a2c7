"""Writes to one primary at a rate: `writes.py HOST PORT PER_SECOND SECS`. Prints how many writes were answered."""

import sys
import time

import resp

KEYS = 100_000
VALUE = b"x" * 64
# Sent together, and answered before more is sent.
TOGETHER = 50
OK = len(b"+OK\r\n")


def encoded(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def main(host, port, per_second, secs):
    connection = resp.Connection((host, int(port)))
    batches = [b"".join(encoded(b"SET", b"key:%06d" % ((first + index) * 7919 % KEYS), VALUE) for index in range(TOGETHER))
               for first in range(0, KEYS, TOGETHER)]
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < float(secs):
        connection.socket.sendall(batches[done // TOGETHER % len(batches)])
        waiting = TOGETHER * OK
        while waiting:
            waiting -= len(connection.socket.recv(waiting))
        done += TOGETHER
        ahead = started + done / float(per_second) - time.perf_counter()
        if ahead > 0:
            time.sleep(ahead)
    print(done)


if __name__ == "__main__":
    main(*sys.argv[1:])
