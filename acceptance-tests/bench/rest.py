"""HTTP/1.1 over one kept connection, thin enough that the server's time is what is measured."""

import json
import socket
import time

ANSWER_LIMIT_SECS = 30


class Rest:
    def __init__(self, host, port):
        self.host = f"{host}:{port}"
        self.socket = socket.create_connection((host, port), ANSWER_LIMIT_SECS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def close(self):
        self.socket.close()

    def form(self, method, path, body=None):
        payload = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nhost: {self.host}\r\ncontent-length: {len(payload)}\r\n"
        kind = "content-type: application/json\r\n" if payload else ""
        return f"{head}{kind}\r\n".encode() + payload

    def exchange(self, request):
        """Status and body of a formed request."""
        self.socket.sendall(request)
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, rest = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").lower().split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines[1:])
        if fields.get("transfer-encoding") == "chunked":
            raise RuntimeError("answers in chunks are not read here")
        length = int(fields.get("content-length", 0))
        parts, have = [rest], len(rest)
        while have < length:
            part = self.socket.recv(1 << 20)
            if not part:
                raise ConnectionError("the server closed the connection")
            parts.append(part)
            have += len(part)
        whole = b"".join(parts)
        self.buffer = whole[length:]
        return int(lines[0].split(" ")[1]), whole[:length]

    def _more(self):
        part = self.socket.recv(1 << 16)
        if not part:
            raise ConnectionError("the server closed the connection")
        self.buffer += part

    def call(self, method, path, body=None, expected=200):
        status, answer = self.exchange(self.form(method, path, body))
        if status != expected:
            raise RuntimeError(f"{method} {path}: {status} {answer.decode(errors='replace')}")
        return json.loads(answer) if answer.startswith((b"{", b"[")) else answer

    def times_ms(self, path, count):
        """Milliseconds of each of `count` GETs, from the first byte sent to the last received."""
        request = self.form("GET", path)
        times = []
        for _ in range(count):
            started = time.perf_counter()
            status, _ = self.exchange(request)
            times.append((time.perf_counter() - started) * 1e3)
            if status != 200:
                raise RuntimeError(f"GET {path}: {status}")
        return times
