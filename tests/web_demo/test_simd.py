"""A browser without SIMD: the page says so, and NumPy answers alone."""

from __future__ import annotations

import platform

import pytest

from tests.web_demo.conftest import watched
from tools.browser import launch

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
