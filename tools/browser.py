"""A headless Chromium for tests and for looking at pages: found, or installed where that can be."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from likewise.conform.engines.outside import chromium_on_path, launched, starts
from tools.environment import DevError, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser

__all__ = ["find_chromium", "launch"]

NONE = """no Chromium was found, and none could be installed ({reason}). One of these helps:
    apt-get install chromium                    # Debian, as root
    python -m playwright install chromium       # Playwright's own, where the network allows
    LIKEWISE_CHROMIUM=/path/to/chromium ./dev …"""


@functools.cache
def find_chromium() -> str:
    """LIKEWISE_CHROMIUM, else one on the PATH, else Debian's (as root), else Playwright's own.

    The last two are installed if need be. Raises DevError where none can be had.
    """
    named = os.environ.get("LIKEWISE_CHROMIUM")
    if named:
        if starts(named):
            return named
        raise DevError(f"LIKEWISE_CHROMIUM={named} does not run")
    found = chromium_on_path()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        say("no Chromium here: installing Debian's with apt-get")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
            if _failure(["apt-get", "--quiet", *arguments], environment) is not None:
                break
        found = chromium_on_path()
    return found or _playwrights()


@contextlib.contextmanager
def launch(arguments: Sequence[str] = ()) -> Iterator[Browser]:
    """A headless Chromium, driven by Playwright and closed at the end."""
    with launched(find_chromium(), arguments) as browser:
        yield browser


def _playwrights() -> str:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path: str = playwright.chromium.executable_path
    if not starts(path):
        say("no Chromium here: downloading Playwright's own")
        failure = _failure([sys.executable, "-m", "playwright", "install", "chromium"])
        if failure is not None or not starts(path):
            raise DevError(NONE.format(reason=failure or "it does not run"))
    return path


def _failure(command: Sequence[str], environment: dict[str, str] | None = None) -> str | None:
    """Run a command in silence; its last words if it failed, else None."""
    try:
        done = subprocess.run(
            command,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except OSError as error:
        return str(error)
    if not done.returncode:
        return None
    return (done.stdout.strip().splitlines() or [f"exit status {done.returncode}"])[-1]


if __name__ == "__main__":
    try:
        print(find_chromium())
    except DevError as error:
        sys.exit(f"error: {error}")
