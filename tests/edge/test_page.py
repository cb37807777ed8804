"""The status page, as Chromium shows it: nothing is asked for, nothing in it is code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.browser import launch

if TYPE_CHECKING:
    from tests.edge.devices import Device


def test_the_status_page(device: Device) -> None:
    wrong = {"model.wasm": b"\0asm\1\0\0\0<script>document.title = 'hurt'</script>"}
    device.install(device.bundle(2, engines=("wasm", "numpy"), spoilt=wrong))
    with device.serving() as agent, launch() as browser:
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        problems: list[str] = []
        page.on("console", lambda message: problems.append(message.text))
        url = f"http://localhost:{agent.port}/"
        page.goto(url)
        assert "No run yet; 0 waiting." in page.inner_text("body")
        for _ in range(5):
            agent.answer()
        page.goto(url)
        text = page.inner_text("body")
        for words in (
            "m\n",
            "version 1 on numpy",
            "ready, on probation",
            "numpy (serves)",
            "passed",
        ):
            assert words in text
        assert "this WebAssembly module has no section `likewise`" in text
        assert "The last 5 runs: median " in text
        assert page.locator("svg circle").count() == 5
        assert page.title() == "likewise-edge"
        assert [one for one in asked if not one.endswith("favicon.ico")] == [url, url]
        assert not [line for line in problems if "favicon" not in line]
