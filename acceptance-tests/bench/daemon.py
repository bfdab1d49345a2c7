"""A daemon of this run's own: its data folder, its port, its instances, its end."""

import os
import shutil
import socket
import tempfile
import time
from pathlib import Path

import processes
import resp
import tools
from rest import Rest

PARENT = "/v1/projects/bench/locations/us-central1"
START_LIMIT_SECS = 20
CHANGE_LIMIT_SECS = 60
DOWN_LIMIT_SECS = 60


class Daemon:
    """`with` starts it and waits until it is ready; at the end its nodes are stopped and its folder removed."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self.data = self.folder / "data"
        self.process = None

    def __enter__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        with open(self.folder / "daemon.log", "wb") as log:
            self.process = processes.start(
                [tools.DAEMON, "serve", "--listen", f"127.0.0.1:{self.port}", "--data-dir", self.data, "--engine-paths",
                 tools.TOOLS / "engines", "--config", os.devnull], stderr=log)
        try:
            self.rest = self._connected()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            if self.data.exists():
                processes.run([tools.DAEMON, "down", "--data-dir", self.data], DOWN_LIMIT_SECS)
        finally:
            processes.end(self.process)
            shutil.rmtree(self.folder, ignore_errors=True)

    def _connected(self):
        deadline = time.perf_counter() + START_LIMIT_SECS
        while time.perf_counter() < deadline and self.process.poll() is None:
            try:
                rest = Rest("127.0.0.1", self.port)
                rest.call("GET", "/readyz")
                return rest
            except (OSError, RuntimeError):
                time.sleep(resp.GAP_SECS)
        raise RuntimeError(f"the daemon did not get ready:\n{(self.folder / 'daemon.log').read_text()[-2000:]}")

    def path(self, instance_id):
        return f"{PARENT}/instances/{instance_id}"

    def change(self, instance_id, limit_secs, **fields):
        """Changes fields, and returns the seconds until the operation is done."""
        started = time.perf_counter()
        path = f"{self.path(instance_id)}?updateMask={','.join(fields)}"
        self.wait(self.rest.call("PATCH", path, fields)["name"], limit_secs)
        return time.perf_counter() - started

    def fail_over(self, instance_id, shard):
        self.rest.call("POST", self.path(instance_id).replace("/v1/", "/v1/admin/") + ":failOver", {"shard": shard})

    def post(self, instance_id, engine, shards=3, replicas=1, node_type="SHARED_CORE_NANO"):
        """Sends a create request and returns its operation's name."""
        body = {"shardCount": shards, "replicaCount": replicas, "engineVersion": engine.api_version,
                "nodeType": node_type, "deletionProtectionEnabled": False}
        return self.rest.call("POST", f"{PARENT}/instances?instanceId={instance_id}", body)["name"]

    def discovery(self, instance_id):
        """The discovery endpoint, as soon as the API tells it."""
        deadline = time.perf_counter() + CHANGE_LIMIT_SECS
        while time.perf_counter() < deadline:
            endpoints = self.rest.call("GET", self.path(instance_id)).get("discoveryEndpoints")
            if endpoints:
                return endpoints[0]["address"], endpoints[0].get("port", 6379)
            time.sleep(resp.GAP_SECS)
        raise RuntimeError(f"{instance_id} has no discovery endpoint")

    def wait(self, operation, limit_secs=CHANGE_LIMIT_SECS):
        deadline = time.perf_counter() + limit_secs
        while time.perf_counter() < deadline:
            seen = self.rest.call("GET", f"/v1/{operation}")
            if seen.get("done"):
                if "error" in seen:
                    raise RuntimeError(f"{operation}: {seen['error']}")
                return
            time.sleep(resp.GAP_SECS)
        raise RuntimeError(f"{operation} is not done after {limit_secs} s")

    def delete(self, instance_id):
        self.wait(self.rest.call("DELETE", self.path(instance_id))["name"])

    def create_until_writable(self, instance_id, engine):
        """Seconds from the request to the first write on every shard, and to the operation being done."""
        started = time.perf_counter()
        operation = self.post(instance_id, engine)
        writable = resp.WritableProbe(self.discovery(instance_id), 3).wait() - started
        self.wait(operation)
        return writable, time.perf_counter() - started

    def node_pids(self):
        return processes.pids_below(self.data / "instances")
