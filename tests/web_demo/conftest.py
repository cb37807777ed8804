"""The page, built and served, in headless Chromium."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from demo.web.server import served
from demo.web.site import make_site
from tools.browser import launch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built site."""
    return make_site()


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    with served(site) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module: Playwright runs once in a process, and other tests have browsers too."""
    with launch() as browser:
        yield browser


@contextmanager
def watched(browser: Browser, address: str, **options: object) -> Iterator[Page]:
    """A new page on which nothing fails unnoticed, and that asks no other server for anything."""
    context = browser.new_context(**options)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(120_000)
    wrong: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    context.on("request", lambda request: asked.append(request.url))
    try:
        yield page
        assert not wrong
        assert asked
        assert not [url for url in asked if not url.startswith((address, f"blob:{address}"))]
    finally:
        context.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with watched(browser, address) as page:
        yield page
