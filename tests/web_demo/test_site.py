"""The site as a whole: its weight, any path, and what axe-core finds."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING, Literal

import pytest

from demo.web.server import served
from demo.web.site import PAGE
from tests.web_demo.conftest import watched

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page, ViewportSize

AXE = PAGE / "node_modules" / "axe-core" / "axe.min.js"
MOST_BYTES = 150_000
WIDTHS: list[ViewportSize] = [{"width": 360, "height": 740}, {"width": 1280, "height": 900}]
SCHEMES: list[Literal["light", "dark"]] = ["light", "dark"]
VIEWS = {"digit": "A handwritten 4", "text": "A sign", "model": "The digits’ net"}
"""What is pressed on each, so that it shows all that it can."""


def test_the_page_weighs_at_most_150_kilobytes_compressed(site: Path) -> None:
    files = [site / "index.html", *(site / "assets").iterdir()]
    assert len(files) > 4
    assert sum(len(gzip.compress(file.read_bytes(), 9)) for file in files) <= MOST_BYTES


def test_it_says_how_much_python_weighs(page: Page, site: Path, address: str) -> None:
    page.goto(f"{address}#model")
    megabytes = sum(file.stat().st_size for file in (site / "pyodide").iterdir()) / 1e6
    said = re.search(r"some (\d+) MB", page.locator(".given").inner_text())
    assert said
    assert abs(int(said[1]) - megabytes) < 1.5


def test_it_works_under_any_path(browser: Browser, site: Path, tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "page").symlink_to(site)
    with served(tmp_path) as root, watched(browser, root) as page:
        page.goto(f"{root}a/b/page/")
        page.get_by_role("button", name="A handwritten 4").click()
        found = page.locator("[data-engine=prebuilt][data-state=answered] output")
        assert found.inner_text() == "4"


@pytest.mark.network
@pytest.mark.parametrize("view", VIEWS)
def test_axe_core_finds_nothing_at_any_width_in_either_theme(
    browser: Browser, address: str, view: str
) -> None:
    with watched(browser, address, bypass_csp=True) as page:
        page.goto(f"{address}#{view}")
        page.get_by_role("button", name=VIEWS[view]).click()
        if view == "model":
            page.get_by_role("button", name="Run on every engine").click()
            page.locator("[data-engine=numpy][data-state=answered]").wait_for()
        else:
            page.locator("[data-engine=prebuilt][data-state=answered]").wait_for()
        page.add_script_tag(path=AXE)
        for width in WIDTHS:
            page.set_viewport_size(width)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                found = page.evaluate("axe.run()")
                assert found["passes"]
                assert [(one["id"], one["nodes"]) for one in found["violations"]] == []
