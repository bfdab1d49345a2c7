"""The baselines of changing: the same steps on nodes started by hand, by a script that asks and waits and does no more."""

import time

import processes
import resp

WAIT_LIMIT_SECS = 120
CLI_LIMIT_SECS = 900
GAP_SECS = 0.005


def wait(what, look):
    deadline = time.perf_counter() + WAIT_LIMIT_SECS
    while time.perf_counter() < deadline:
        try:
            if look():
                return
        except (OSError, resp.Refused):
            pass
        time.sleep(GAP_SECS)
    raise RuntimeError(f"not within {WAIT_LIMIT_SECS} s: {what}")


def info(nodes, port, name):
    """One line of CLUSTER INFO or INFO replication."""
    text = (nodes.call(port, "CLUSTER", "INFO") + b"\r\n" + nodes.call(port, "INFO", "replication")).decode()
    return next((line.split(":", 1)[1] for line in text.splitlines() if line.startswith(f"{name}:")), None)


def identity(nodes, port):
    return nodes.call(port, "CLUSTER", "MYID").decode()


def join(nodes, ports):
    """Introduces new nodes, and waits until everybody knows everybody and calls the cluster ok."""
    wait("new nodes listen", lambda: all(nodes.call(port, "PING") for port in ports))
    for port in ports:
        nodes.call(port, "CLUSTER", "MEET", nodes.ip, nodes.ports[0])
    count = str(len(nodes.ports))
    wait("everybody knows everybody", lambda: all(
        info(nodes, port, "cluster_known_nodes") == count and info(nodes, port, "cluster_state") == "ok" for port in nodes.ports))


def slots_of(nodes, port):
    listing = nodes.call(port, "CLUSTER", "NODES").decode()
    fields = next(line for line in listing.splitlines() if "myself" in line).split()[8:]
    return [tuple(map(int, (field.split("-") * 2)[:2])) for field in fields if not field.startswith("[")]


def migrations(nodes, port):
    """The states of a node's migrations, newest first."""
    return [dict(zip(one[::2], one[1::2]))[b"state"] for one in nodes.call(port, "CLUSTER", "GETSLOTMIGRATIONS")]


def upper_halves(nodes):
    """As many new primaries as there are, joined; for each old one: itself, the first and last slot of its upper half, and the
    new one that is to get that."""
    sources = nodes.ports[:nodes.shards]
    targets = [nodes.add(nodes.engine) for _ in sources]
    join(nodes, targets)
    for source, target in zip(sources, targets):
        low, high = slots_of(nodes, source)[0]
        yield source, (low + high + 1) // 2, high, identity(nodes, target)


def double_in_parts(nodes, slots_at_once):
    """As many new primaries as there are, each with the upper half of the slots of one of them, in parts of this many slots,
    one after the other: CLUSTER MIGRATESLOTS as somebody uses it who has clients to think of."""
    started = time.perf_counter()
    for source, half, high, target in upper_halves(nodes):
        for last in range(high, half - 1, -slots_at_once):
            first = max(half, last - slots_at_once + 1)
            nodes.call(source, "CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", first, last, "NODE", target)
            wait("the part has moved", lambda: migrations(nodes, source)[0] == b"success")
    return time.perf_counter() - started


def double_at_once(nodes):
    """As many new primaries as there are, each with the upper half of the slots of one of them: one CLUSTER MIGRATESLOTS each,
    all at the same time. The fastest way, whatever it does to clients."""
    started = time.perf_counter()
    for source, half, high, target in upper_halves(nodes):
        nodes.call(source, "CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", half, high, "NODE", target)
    wait("every target has slots, in everybody's view", lambda: all(
        len({each[2][1] for each in nodes.call(port, "CLUSTER", "SLOTS")}) == 2 * nodes.shards for port in nodes.ports))
    return time.perf_counter() - started


def double_with_cli(nodes, cli):
    """As many new primaries as there are, filled by valkey-cli --cluster rebalance."""
    started = time.perf_counter()
    targets = [nodes.add(nodes.engine) for _ in range(nodes.shards)]
    join(nodes, targets)
    processes.run([cli, "--cluster", "rebalance", f"{nodes.ip}:{nodes.ports[0]}", "--cluster-use-empty-masters",
                   "--cluster-pipeline", "100"], CLI_LIMIT_SECS, env=nodes.engine.environment)
    return time.perf_counter() - started


def links_are_up(nodes, port):
    """Whether every other node has a link to this one in both directions: else a failover waits for votes in vain."""
    me = identity(nodes, port).encode()
    for other in nodes.ports:
        if other != port:
            links = nodes.call(other, "CLUSTER", "LINKS")
            directions = {link[link.index(b"direction") + 1] for link in links if me in link}
            if directions != {b"to", b"from"}:
                return False
    return True


def roll(nodes, engine):
    """Every node replaced by one of this engine: all new nodes join; then shard by shard one takes over and the old leave."""
    started = time.perf_counter()
    listing = [line.split() for line in nodes.call(nodes.ports[0], "CLUSTER", "NODES").decode().splitlines()]
    port_of = {fields[0]: int(fields[1].split("@")[0].rsplit(":", 1)[1]) for fields in listing}
    shards = [(fields[0], [other[0] for other in listing if other[3] == fields[0]]) for fields in listing if "master" in fields[2]]
    joined = [(primary, replicas, [nodes.add(engine) for _ in [primary, *replicas]]) for primary, replicas in shards]
    join(nodes, [port for _, _, new in joined for port in new])
    for primary, replicas, new in joined:
        replace(nodes, primary, new)
        leave(nodes, [(identifier, port_of[identifier]) for identifier in [primary, *replicas]])
    return time.perf_counter() - started


def replace(nodes, primary, new):
    """New nodes copy a primary, and the first takes over when it has everything."""
    for port in new:
        nodes.call(port, "CLUSTER", "REPLICATE", primary)
    wait("new replicas in sync", lambda: all(info(nodes, port, "master_link_status") == "up" for port in new))
    wait("links in both directions", lambda: links_are_up(nodes, new[0]))
    nodes.call(new[0], "CLUSTER", "FAILOVER")
    wait("the new primary", lambda: info(nodes, new[0], "role") == "master")
    wait("its replica", lambda: all(info(nodes, port, "master_link_status") == "up" for port in new[1:]))


def leave(nodes, gone):
    for _, port in gone:
        nodes.remove(port)
    for port in nodes.ports:
        for identifier, _ in gone:
            try:
                nodes.call(port, "CLUSTER", "FORGET", identifier)
            except resp.Refused:
                # It knows that node no more.
                pass
