"""A client of the judge's load that uses valkey-py's cluster client as it comes.

Reads its plan, one JSON object, from the first line of standard input, and works until standard input closes. Says what it
did, one JSON array a line: [key, written value or null, sent, done, outcome, detail], with times of time.monotonic_ns.
"""

import json
import select
import sys
import time

from valkey.cluster import ValkeyCluster

EXPIRE_SECS = 7200


def write(client, name, kind, value):
    """Writes, and returns the outcome with its detail."""
    match kind:
        case "register":
            return "replaced", number(client.set(name, value, get=True))
        case "expiring":
            client.set(name, value, ex=EXPIRE_SECS)
        case "hash":
            client.hset(name, value, value)
        case "list":
            client.rpush(name, value)
        case "sorted_set":
            client.zadd(name, {value: value})
        case "stream":
            client.xadd(name, {"n": value})
    return "acknowledged", None


def read(client, name, kind, newest):
    match kind:
        case "register" | "expiring":
            return number(client.get(name))
        case "hash":
            return number(client.hget(name, newest))
        case "list":
            return number(client.lindex(name, -1))
        case "sorted_set":
            return number(next(iter(client.zrange(name, -1, -1)), None))
        case "stream":
            entries = client.xrevrange(name, count=1)
            return number(entries[0][1][b"n"]) if entries else None


def number(answer):
    return None if answer is None else int(answer)


def main():
    plan = json.loads(sys.stdin.readline())
    client = ValkeyCluster.from_url(plan["url"])
    gap = 1 / plan["commands_per_second"]
    keys = [{"index": index, "name": name, "kind": kind, "attempted": 0, "acknowledged": 0} for index, name, kind in plan["keys"]]
    turn, due = 0, time.monotonic()
    # Nothing more is written to standard input: it becomes readable when it closes.
    while not select.select([sys.stdin], [], [], max(0, due - time.monotonic()))[0]:
        key = keys[turn // plan["turns_per_read"] % len(keys)]
        reads = turn % plan["turns_per_read"] == plan["turns_per_read"] - 1
        turn += 1
        if not reads:
            key["attempted"] += 1
        value = None if reads else key["attempted"]
        sent = time.monotonic_ns()
        try:
            if reads:
                outcome, detail = "found", read(client, key["name"], key["kind"], key["acknowledged"])
            else:
                outcome, detail = write(client, key["name"], key["kind"], value)
                key["acknowledged"] = value
        except Exception as error:  # pylint: disable=broad-exception-caught (every error that reaches the caller is a finding)
            outcome, detail = "failed", f"{type(error).__name__}: {error}"
        done = time.monotonic_ns()
        print(json.dumps([key["index"], value, sent, done, outcome, detail]), flush=True)
        # After a pause the pace goes on: writes that were due meanwhile are not made up for.
        due = max(due + gap, time.monotonic())


if __name__ == "__main__":
    main()
