"""Writes keys through a cluster client that knows only the discovery endpoint, reads them back, and shows their shards."""

import collections
import sys

from valkey.cluster import ValkeyCluster

KEYS = 300
WANTED_SHARDS = int(sys.argv[2])

host, port = sys.argv[1].rsplit(":", 1)
client = ValkeyCluster(host=host, port=int(port))
for number in range(KEYS):
    client.set(f"greeting:{number}", f"hello {number}")
shards = collections.Counter()
for number in range(KEYS):
    key = f"greeting:{number}"
    value = client.get(key)
    if value != f"hello {number}".encode():
        sys.exit(f"{key} holds {value!r}")
    shards[client.get_node_from_key(key).name] += 1
for node, count in sorted(shards.items()):
    print(f"  {count:3} keys on {node}")
if len(shards) != WANTED_SHARDS:
    sys.exit(f"keys are on {len(shards)} shards, not on {WANTED_SHARDS}")
