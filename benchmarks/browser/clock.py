"""How long a page's thread was at work: other programs do not add to it as to the clock's time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["ProcessorClock"]


class ProcessorClock:
    """Reads the processor time of the main threads of all pages of a browser, on Linux."""

    def __init__(self, browser: Browser) -> None:
        self._session = browser.new_browser_cdp_session()

    def milliseconds(self) -> float | None:
        """The time so far of the pages there are; None where the system does not say."""
        processes = self._session.send("SystemInfo.getProcessInfo")["processInfo"]
        total = 0
        for one in processes:
            if one["type"] == "renderer":
                number = one["id"]
                try:
                    told = Path(f"/proc/{number}/task/{number}/schedstat").read_text()
                except OSError:
                    return None
                total += int(told.split()[0])
        return total / 1e6 if total else None
