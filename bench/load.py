"""A load generator in a process of its own: open connections, each with one request in flight.

    python -m bench.load PORT CONNECTIONS

For each line on its input, a number of seconds, it asks for that long and answers with one line of
JSON: the requests answered in a second, the 99th percentile of the time that one took, and the last
reply.  Sockets and epoll and nothing else: what it takes of the machine, the server doesn't get.
"""

from __future__ import annotations

import json
import os
import select
import socket
import statistics
import sys
import time

from bench.http import BODY, DIGEST_AT, DIGEST_SIZE, head

WARM_UP = 0.1
"""Seconds before those that count."""

PATIENCE = 10
"""Seconds without any reply before it is given up."""

_END, _LENGTH, _OK = b"\r\n\r\n", b"\r\ncontent-length: ", b"HTTP/1.1 200 "


class Connection:
    """One connection, and when its request was sent."""

    def __init__(self, port: int) -> None:
        """Connect."""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._begin = head() + BODY[:DIGEST_AT]
        self._end = BODY[DIGEST_AT + DIGEST_SIZE :]
        self._got = b""
        self.sent = 0.0

    def ask(self) -> None:
        """Send a request for another digest than any before."""
        self.sent = time.perf_counter()
        self.socket.sendall(self._begin + os.urandom(DIGEST_SIZE) + self._end)

    def read(self) -> bytes | None:
        """Return the body of a reply; None: a part is still to come."""
        more = self.socket.recv(65536)
        if not more:
            raise ConnectionError("the server hung up")
        self._got += more
        end = self._got.find(_END)
        if end < 0:
            return None
        at = self._got.find(_LENGTH) + len(_LENGTH)
        size = end + len(_END) + int(self._got[at : self._got.find(b"\r\n", at)])
        if len(self._got) < size:
            return None
        if not self._got.startswith(_OK):
            raise ConnectionError(self._got.decode("latin-1"))
        body, self._got = self._got[end + len(_END) : size], self._got[size:]
        return body


def run(port: int, connections: int, seconds: float) -> dict[str, object]:
    """Ask for `seconds`, and say how it went."""
    poll = select.epoll()
    asking = {}
    for _ in range(connections):
        connection = Connection(port)
        asking[connection.socket.fileno()] = connection
        poll.register(connection.socket, select.EPOLLIN)
        connection.ask()
    begin = time.perf_counter() + WARM_UP
    end = begin + seconds
    took: list[float] = []
    reply = b""
    now = 0.0
    while now < end:
        ready = poll.poll(PATIENCE)
        if not ready:
            raise TimeoutError("the server does not answer")
        for descriptor, _ in ready:
            connection = asking[descriptor]
            body = connection.read()
            if body is None:
                continue
            now = time.perf_counter()
            if begin <= now < end:
                took.append(now - connection.sent)
                reply = body
            connection.ask()
    for connection in asking.values():
        connection.socket.close()
    poll.close()
    percentile = statistics.quantiles(took, n=100)[98]
    return {"rate": len(took) / seconds, "p99": percentile, "reply": reply.hex()}


def main(port: str, connections: str) -> int:
    """Answer each line of input with one of output."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(int(port), int(connections), float(line))) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
