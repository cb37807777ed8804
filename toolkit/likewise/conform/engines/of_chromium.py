"""Compiled to WebAssembly, in a page of headless Chromium."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

from likewise.conform.engines import Answer, Engine
from likewise.conform.engines.compiled import MODES
from likewise.conform.engines.of_node import PLAIN, order_in
from likewise.conform.engines.outside import find_chromium, launched, page_folder, served
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from likewise.conform.subject import Feeds, Subject

__all__ = ["ENGINE", "in_page", "program", "without_chromium"]


class _Chromium(Engine):
    name = "chromium"
    modes: ClassVar[tuple[str, ...]] = MODES
    order: ClassVar[int] = 30

    def missing(self) -> str:
        return without_chromium()

    def version(self) -> str:
        done = subprocess.run([program(), "--version"], check=False, capture_output=True, text=True)
        return " ".join(done.stdout.split()[:2])

    def answer(self, subject: Subject, feeds: Sequence[Feeds], mode: str = "") -> Answer:
        with page_folder() as folder:
            exchange = order_in(folder, subject, feeds, mode or MODES[0])
            told = in_page(folder, "compiled")
            outputs = exchange.unpacked((folder / "outputs.bin").read_bytes(), len(feeds))
        return Answer(outputs, "" if told["relaxed"] else PLAIN)


def in_page(folder: Path, function: str) -> Any:
    """What a function of the page returns, served from a folder in a browser of its own."""
    from playwright.sync_api import Error

    with served(folder) as address, launched(program()) as browser:
        page = browser.new_page()
        page.set_default_timeout(0)
        try:
            page.goto(address)
            page.wait_for_function("globalThis.ready")
            return page.evaluate(f"globalThis.{function}()")
        except Error as error:
            raise LikewiseError("the page failed", given=error.message.splitlines()[0]) from None


def without_chromium() -> str:
    """What to install before a page can be opened; empty where one can."""
    if find_spec("playwright") is None:
        return "pip install 'likewise[conform]'"
    return "" if find_chromium() else "apt-get install chromium, or playwright install chromium"


def program() -> str:
    """The browser, which must be there."""
    found = find_chromium()
    if found is None:
        raise LikewiseError("Chromium is not here", hint=without_chromium())
    return found


ENGINE = _Chromium()
