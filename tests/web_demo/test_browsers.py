"""Browsers that lack something, and servers that fail: the page says so, and the next try works."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import pytest

from tests.web_demo.conftest import watched
from tools.browser import launch

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

NO_SIMD = "--js-flags=--no-enable-sse4-1"
"""V8 has vectors on x86-64 from SSE 4.1 on."""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="elsewhere V8 always has vectors")
def test_without_simd_numpy_answers_alone(address: str) -> None:
    with launch([NO_SIMD]) as browser, watched(browser, address) as page:
        page.goto(address)
        words = "This browser's WebAssembly has no SIMD, which compiled modules use. "
        assert page.get_by_role("alert").inner_text().startswith(words)
        page.get_by_role("button", name="A handwritten 6").click()
        page.get_by_role("button", name="Run: NumPy").click()
        said = page.locator("[data-engine=numpy][data-state=answered] output")
        assert said.inner_text() == "6"
        assert page.locator("[data-state=barred]").count() == 2


@pytest.mark.parametrize("failure", ["connection", "status"])
def test_a_module_that_does_not_come(page: Page, address: str, failure: str) -> None:
    def fail(route: Route) -> None:
        if failure == "connection":
            route.abort("connectionreset")
        else:
            route.fulfill(status=503)

    page.route("**/digits*.wasm", fail)
    page.goto(address)
    page.get_by_role("button", name="A handwritten 2").click()
    error = page.locator("[data-engine=prebuilt][data-state=failed] .error")
    assert error.inner_text().startswith("the module could not be downloaded: ")
    page.unroute("**/digits*.wasm")
    page.get_by_role("button", name="Run: Compiled beforehand").click()
    said = page.locator("[data-engine=prebuilt][data-state=answered] output")
    assert said.inner_text() == "2"
