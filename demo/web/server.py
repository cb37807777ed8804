"""A server of the page, on this machine only."""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["serve", "served"]

POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; "
    "style-src 'self'; img-src 'self' blob:; connect-src 'self' blob:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""The page says the same of itself; as a header it binds the workers as well."""
PORT: Final = 8765


class Handler(SimpleHTTPRequestHandler):
    """Serves files with the page's policy; what changed is asked for again."""

    protocol_version = "HTTP/1.1"
    extensions_map = {  # noqa: RUF012 — the base class declares it so
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def handle(self) -> None:
        # A page that stops a download is no error.
        with suppress(ConnectionError):
            super().handle()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(
    folder: Path, port: int = 0, handler: type[SimpleHTTPRequestHandler] = Handler
) -> Iterator[str]:
    """The address at which the folder is served while the context lasts; 0 takes any free port."""
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(handler, directory=str(folder)))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def serve(port: int) -> int:
    """Build the page and serve it until Ctrl-C; the exit status."""
    from demo.web.site import make_site
    from tools.environment import DevError

    try:
        folder = make_site()
        with served(folder, port) as address:
            print(f"\nThe page: {address} (Ctrl-C ends it)", flush=True)
            with suppress(KeyboardInterrupt):
                Event().wait()
    except DevError as error:
        print(f"./dev demo: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        reason = f"port {port} cannot be had: {error.strerror}; --port names another"
        print(f"./dev demo: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0
