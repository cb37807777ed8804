"""A module that does not come: the page says so, and the next try works."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route


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
