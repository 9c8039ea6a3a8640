"""A web server with one file: entity tags, ranges, and connections that break."""

from __future__ import annotations

import http.server
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

PATH = "/firmware.signed.bin"


@dataclass(frozen=True)
class Request:
    """What a device asked for."""

    path: str
    headers: dict[str, str]


@dataclass
class FileServer:
    """Serves `data` at PATH, from entering to leaving the context."""

    data: bytes = b""
    etag: str = '"1"'
    """Empty: none."""

    breaks: list[int] = field(default_factory=list)
    """How many bytes of the body each next connection lives for; then it is reset."""

    answers: dict[str, bytes] = field(default_factory=dict)
    """What other paths answer, byte for byte."""

    requests: list[Request] = field(default_factory=list)

    def __enter__(self) -> FileServer:
        self._asked = threading.Condition()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                owner.serve(self)

            def log_message(self, *words: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def url(self, path: str = PATH) -> str:
        return f"http://{self.authority}{path}"

    def wait_for_request(self, count: int, patience: float = 20) -> Request:
        """Return the request of this number, counted from 1, when it has come."""
        with self._asked:
            assert self._asked.wait_for(lambda: len(self.requests) >= count, patience)
            return self.requests[count - 1]

    def serve(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        headers = {name.lower(): value for name, value in handler.headers.items()}
        with self._asked:
            self.requests.append(Request(handler.path, headers))
            data, etag, answers = self.data, self.etag, self.answers
            self._asked.notify_all()
        handler.close_connection = True
        if handler.path in answers:
            handler.wfile.write(answers[handler.path])
            return
        if handler.path != PATH:
            handler.send_error(404)
            return
        if etag and headers.get("if-none-match") == etag:
            handler.send_response(304)
            handler.end_headers()
            return
        first = 0
        if "range" in headers and headers.get("if-range") == etag:
            first = int(headers["range"].removeprefix("bytes=").removesuffix("-"))
        body = data[first:]
        handler.send_response(206 if first else 200)
        if first:
            total = len(data)
            handler.send_header("Content-Range", f"bytes {first}-{total - 1}/{total}")
        if etag:
            handler.send_header("ETag", etag)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        try:
            if self.breaks:
                handler.wfile.write(body[: self.breaks.pop(0)])
                handler.connection.shutdown(socket.SHUT_RDWR)
            else:
                handler.wfile.write(body)
        except ConnectionError:
            pass  # the device has seen enough
