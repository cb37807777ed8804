"""A digit that one draws."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

import likewise
from demo.web.digits import ACCURACY, held_out
from demo.web.site import MODELS
from likewise.lower.graph import lower_graph
from likewise.lower.threads import share_out
from likewise.passes import simplify
from likewise.targets.wasm.prepare import prepare
from likewise.targets.wasm.steps import steps_of, title_of

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

STROKES = {
    0: [(0.5, 0.1), (0.25, 0.3), (0.25, 0.7), (0.5, 0.9), (0.75, 0.7), (0.75, 0.3), (0.5, 0.1)],
    1: [(0.35, 0.3), (0.5, 0.1), (0.5, 0.9)],
    7: [(0.2, 0.1), (0.8, 0.1), (0.4, 0.9)],
}
"""How one draws a digit: points on the pad, from 0 to 1."""


def answer(page: Page, engine: str = "prebuilt") -> str:
    """What the engine says, once it has answered."""
    return page.locator(f"[data-engine={engine}][data-state=answered] output").inner_text()


@pytest.mark.parametrize("digit", STROKES)
def test_a_digit_drawn_with_the_pointer(page: Page, address: str, digit: int) -> None:
    page.goto(address)
    box = page.locator("canvas").bounding_box()
    assert box
    places = [
        (box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in STROKES[digit]
    ]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()
    assert answer(page) == str(digit)


def test_a_digit_drawn_with_the_keyboard(page: Page, address: str) -> None:
    page.goto(address)
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.tagName") != "CANVAS":
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    for _ in range(22):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    assert answer(page) == "1"


def test_digits_that_training_never_saw(page: Page, address: str) -> None:
    page.goto(address)
    for digit in (3, 5, 8):
        page.get_by_role("button", name="Start over").click()
        page.get_by_role("button", name=f"A handwritten {digit}").click()
        assert answer(page) == str(digit)


def test_every_engine_reads_the_same_digit(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="A handwritten 9").click()
    assert answer(page) == "9"
    page.get_by_role("button", name="Run on every engine").click()
    for engine in ("compiled", "numpy", "prebuilt"):
        assert answer(page, engine) == "9"
    said = page.locator(".agreement").inner_text()
    assert said.startswith("≡\nAll three engines agree: ")
    operators = page.get_by_role("table", name="In NumPy, by operator")
    assert operators.get_by_role("rowheader").all_inner_texts().count("Conv") == 1
    # From here on every engine answers every digit.
    page.get_by_role("button", name="A handwritten 1").click()
    for engine in ("prebuilt", "compiled", "numpy"):
        page.locator(f"[data-engine={engine}] output", has_text="1").wait_for()


def test_the_kernels_of_a_compiled_module_are_timed(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="A handwritten 2").click()
    assert answer(page) == "2"
    page.get_by_role("button", name="Time the kernels").click()
    rows = page.get_by_role("table", name="In compiled code, by kernel").locator("tbody tr")
    rows.first.wait_for()
    found = {
        row.locator("th").inner_text(): int(row.locator("td").first.inner_text())
        for row in rows.all()
    }
    graph = likewise.load(MODELS / "digits.onnx").graph
    program = share_out(lower_graph(prepare(simplify(graph))).program, 1)
    titles = [title_of(step) for step in steps_of(program.functions[-1].body)]
    kernels = Counter(re.sub(r"(_\d+)?(\.\d+)?$", "", title) for title in titles)
    assert sum(found.values()) == kernels.total()
    assert len(found) >= min(8, len(kernels))
    assert not [one for one in found if found[one] != kernels[one] and not one.endswith(" more")]
    # A new digit keeps them: they are those of the net.
    page.get_by_role("button", name="A handwritten 3").click()
    page.locator("[data-engine=prebuilt] output", has_text="3").wait_for()
    assert rows.count() == len(found)


def test_the_net_reads_digits_held_out_as_well_as_it_says(site: Path) -> None:
    del site  # it has trained the net
    model = likewise.load(MODELS / "digits.onnx")
    images, labels = held_out()
    found = [model.run({"image": image[None]})["chances"].argmax() for image in images]
    right = float((np.array(found) == labels).mean())
    assert right >= ACCURACY
    assert f"{right:.4f}" == model.metadata["accuracy on digits held out"]
