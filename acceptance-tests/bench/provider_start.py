"""Starting the provider as Terraform does: environment, handshake line, and what the process costs at that moment."""

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import tools

COOKIE = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"
OPENSSL_LIMIT_SECS = 30


def host_certificate():
    """A P-521 certificate with the fields that go-plugin gives its own, as PEM."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        certificate = Path(folder) / "certificate.pem"
        extensions = ["subjectAltName=DNS:localhost", "keyUsage=digitalSignature,keyEncipherment,keyAgreement,keyCertSign",
                      "extendedKeyUsage=clientAuth,serverAuth", "basicConstraints=critical,CA:TRUE"]
        arguments = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp521r1", "-nodes", "-sha512",
                     "-days", "3650", "-subj", "/O=HashiCorp/CN=localhost", "-keyout", f"{folder}/key.pem", "-out", certificate]
        for extension in extensions:
            arguments += ["-addext", extension]
        subprocess.run(arguments, check=True, capture_output=True, timeout=OPENSSL_LIMIT_SECS)
        return certificate.read_text(encoding="ascii")


def environment(certificate):
    """What Terraform sets; without a certificate the provider serves without TLS."""
    variables = {**os.environ, "TF_PLUGIN_MAGIC_COOKIE": COOKIE, "PLUGIN_PROTOCOL_VERSIONS": "5,6",
                 "PLUGIN_MIN_PORT": "10000", "PLUGIN_MAX_PORT": "25000"}
    variables.pop("PLUGIN_CLIENT_CERT", None)
    if certificate:
        variables["PLUGIN_CLIENT_CERT"] = certificate
    return variables


class Started:
    """A process, how long it took from exec to its first line, and that line. Ended and collected by `with`."""

    def __init__(self, arguments, variables):
        reading, writing = os.pipe()
        quiet = os.open(os.devnull, os.O_RDWR)
        actions = [(os.POSIX_SPAWN_DUP2, quiet, 0), (os.POSIX_SPAWN_DUP2, writing, 1), (os.POSIX_SPAWN_DUP2, quiet, 2)]
        arguments = [str(argument) for argument in arguments]
        started = time.perf_counter()
        self.pid = os.posix_spawn(arguments[0], arguments, variables, file_actions=actions)
        os.close(writing)
        with os.fdopen(reading, "rb") as output:
            self.line = output.readline()
            self.ms = (time.perf_counter() - started) * 1e3
        os.close(quiet)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def provider(certificate):
    started = Started([tools.PROVIDER], environment(certificate))
    fields = started.line.decode(errors="replace").strip().split("|")
    if fields[:3] != ["1", "6", "unix"] or (len(fields[5]) > 50) != bool(certificate):
        with started:
            raise RuntimeError(f"not the handshake line that was expected: {started.line!r}")
    return started
