"""The site as a whole: its weight, any path, and what axe-core finds."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from demo.web.server import served
from demo.web.site import PAGE
from tests.web_demo.conftest import watched

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

AXE = PAGE / "node_modules" / "axe-core" / "axe.min.js"
MOST_BYTES = 150_000
WIDTHS = {"phone": {"width": 360, "height": 740}, "desktop": {"width": 1280, "height": 900}}
VIEWS = ("digit",)


def test_the_page_weighs_at_most_150_kilobytes_compressed(site: Path) -> None:
    files = [site / "index.html", *(site / "assets").iterdir()]
    assert len(files) > 4
    assert sum(len(gzip.compress(file.read_bytes(), 9)) for file in files) <= MOST_BYTES


def test_it_works_under_any_path(browser: Browser, site: Path, tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "page").symlink_to(site)
    with served(tmp_path) as root, watched(browser, root) as page:
        page.goto(f"{root}a/b/page/")
        page.get_by_role("button", name="A handwritten 4").click()
        found = page.locator("[data-engine=prebuilt][data-state=answered] output")
        assert found.inner_text() == "4"


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_core_finds_nothing(
    browser: Browser, address: str, view: str, scheme: str, width: str
) -> None:
    with watched(
        browser, address, color_scheme=scheme, viewport=WIDTHS[width], bypass_csp=True
    ) as page:
        page.goto(f"{address}#{view}")
        page.locator("main h2").first.wait_for()
        if view == "digit":
            page.get_by_role("button", name="A handwritten 4").click()
            page.locator("[data-state=answered]").wait_for()
        page.add_script_tag(path=AXE)
        found = page.evaluate("axe.run()")
        assert found["passes"]
        assert [
            (one["id"], [node["target"] for node in one["nodes"]]) for one in found["violations"]
        ] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
