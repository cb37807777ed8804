"""A server of the page, on this machine only."""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from threading import Event
from typing import TYPE_CHECKING, ClassVar, Final

from likewise.conform.engines import outside

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


class Handler(outside.Handler):
    """Serves files with the page's policy; what changed is asked for again."""

    added: ClassVar[dict[str, str]] = {
        "Content-Security-Policy": POLICY,
        **outside.ISOLATED,
        "Cache-Control": "no-cache",
    }

    def handle(self) -> None:
        # A page that stops a download is no error.
        with suppress(ConnectionError):
            super().handle()


@contextmanager
def served(folder: Path, port: int = 0, handler: type[outside.Handler] = Handler) -> Iterator[str]:
    """The address at which the folder is served while the context lasts; 0 takes any free port."""
    with outside.served(folder, handler, port) as address:
        yield f"{address}/"


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
