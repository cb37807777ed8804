"""Pictures of the page to look at: every view as it comes and at its end, on a phone and wide.

    python -m tools.page_views FOLDER [VIEW ...]

Every flow runs on every engine first, which takes some minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from demo.web.server import served
from demo.web.site import make_site
from tools.browser import launch

if TYPE_CHECKING:
    from playwright.sync_api import Page, ViewportSize

VIEWS: Final = {
    "digit": "A handwritten 4",
    "text": "A weather report",
    "model": "Which way up is a line of text?",
}
"""What is pressed on each, so that it shows all that it can."""
WIDTHS: Final[dict[str, ViewportSize]] = {
    "phone": {"width": 390, "height": 844},
    "desktop": {"width": 1280, "height": 900},
}
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")


def to_the_end(page: Page, view: str) -> None:
    """Run a view's flow on every engine, and unfold what is folded."""
    page.get_by_role("button", name=VIEWS[view]).click()
    page.locator("button.main:enabled").click()
    for engine in page.locator("[data-engine]:not([data-state=barred])").all():
        name = engine.get_attribute("data-engine")
        page.locator(f"[data-engine={name}][data-state=answered]").wait_for()
    page.get_by_role("button", name="Time the kernels").click()
    page.get_by_role("button", name="Time the kernels again").wait_for()
    folded = page.locator("details:not([open]) summary")
    while folded.count():
        folded.first.click()


def pictures(page: Page, folder: Path, name: str) -> None:
    """The whole page at every width in every scheme."""
    for width, size in WIDTHS.items():
        page.set_viewport_size(size)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)


def main(arguments: list[str]) -> int:
    """Take the pictures; the exit status."""
    folder, *views = arguments
    Path(folder).mkdir(parents=True, exist_ok=True)
    with served(make_site()) as address, launch() as browser:
        for view in views or VIEWS:
            page = browser.new_page()
            page.set_default_timeout(300_000)
            page.goto(f"{address}#{view}")
            page.locator("h2").first.wait_for()
            pictures(page, Path(folder), f"{view}-first")
            to_the_end(page, view)
            pictures(page, Path(folder), f"{view}-end")
            page.close()
            print(f"{view}: done", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
