"""A server of bundles that breaks off, changes and refuses as a test asks it to."""

from __future__ import annotations

import contextlib
import threading
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Site:
    """Serves `content`; each answer breaks off after `piece` bytes, where that is not None."""

    def __init__(self) -> None:
        self.content = b""
        self.piece: int | None = None
        self.status = 0
        self.stalled = threading.Event()
        self.stalls = False
        self.let_go = threading.Event()
        self.etags = True
        self.asked: list[dict[str, str]] = []
        self.sent = 0
        self.url = ""

    def etag(self) -> str:
        return f'"{sha256(self.content).hexdigest()[:8]}"'


@contextlib.contextmanager
def site() -> Iterator[Site]:
    state = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            state.asked.append({k.lower(): v for k, v in self.headers.items()})
            content, start = state.content, 0
            if state.stalls:
                state.stalled.set()
                state.let_go.wait(60)
            if state.status:
                self.send_error(state.status)
                return
            if state.etags and self.headers.get("if-none-match") == state.etag():
                self.send_response(304)
                self.end_headers()
                return
            wanted = self.headers.get("range")
            if wanted and self.headers.get("if-range") == state.etag():
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(content) > 0:
                self.send_response(416)
                self.send_header("content-range", f"bytes */{len(content)}")
                self.send_header("content-length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("content-range", f"bytes {start}-{len(content) - 1}/*")
            if state.etags:
                self.send_header("etag", state.etag())
            self.send_header("content-length", str(len(content) - start))
            self.end_headers()
            piece = content[start:] if state.piece is None else content[start:][: state.piece]
            self.wfile.write(piece)
            state.sent += len(piece)
            if len(piece) < len(content) - start:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}/m.lwb"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield state
        finally:
            state.let_go.set()
            server.shutdown()
            thread.join()
