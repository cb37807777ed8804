"""Text in a picture: the page says what `./dev demo` says in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from demo.page import draw_page

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

TITLE = draw_page().lines[0]


def words(page: Page, engine: str) -> list[str]:
    """The lines that an engine read, once it has answered."""
    answered = page.locator(f"[data-engine={engine}][data-state=answered]")
    answered.locator("summary").click()
    said = answered.locator(".words li").all_inner_texts()
    return [line.split("\n")[0] for line in said]


@pytest.mark.network
def test_a_page_is_read_as_python_reads_it(page: Page, address: str) -> None:
    page.goto(f"{address}#text")
    page.get_by_role("button", name="A weather report").click()
    assert words(page, "prebuilt") == list(draw_page().lines)
    assert page.locator(".read svg polygon").count() == len(draw_page().lines)
    assert page.locator(".read svg .turned text").inner_html() == "Turn the page to read this line"


@pytest.mark.network
def test_a_picture_of_ones_own(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(f"{address}#text")
    path = tmp_path / "mine.png"
    draw_page().image.crop((40, 330, 740, 530)).save(path)
    page.locator(".picker input").set_input_files(path)
    assert words(page, "prebuilt")[:3] == ["Tides", "High water", "03:12"]


@pytest.mark.network
def test_what_is_no_picture_is_said_and_the_next_one_read(
    page: Page, address: str, tmp_path: Path
) -> None:
    page.goto(f"{address}#text")
    path = tmp_path / "none.png"
    path.write_text("no picture")
    page.locator(".picker input").set_input_files(path)
    said = page.get_by_role("alert").inner_text()
    assert said == "This file is no picture that the browser can read."
    page.get_by_role("button", name="A sign").click()
    assert words(page, "prebuilt") == [TITLE]
    assert not page.get_by_role("alert").count()


@pytest.mark.network
def test_a_reading_is_stopped_and_begun_again(page: Page, address: str) -> None:
    page.goto(f"{address}#text")
    page.get_by_role("button", name="A weather report").click()
    page.get_by_text("Which way up is line").wait_for()
    page.get_by_role("button", name="Stop").click()
    row = page.locator("[data-engine=prebuilt]")
    assert row.locator(".error").inner_text() == "Stopped."
    page.get_by_role("button", name="Run: Compiled beforehand").click()
    assert words(page, "prebuilt") == list(draw_page().lines)


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize(
    ("picture", "lines"), [("A sign", [TITLE]), ("A weather report", list(draw_page().lines))]
)
def test_every_engine_reads_the_same(
    page: Page, address: str, picture: str, lines: list[str]
) -> None:
    page.set_default_timeout(600_000)
    page.goto(f"{address}#text")
    page.get_by_role("button", name=picture).click()
    page.locator("[data-engine=prebuilt][data-state=answered]").wait_for()
    page.get_by_role("button", name="Run on every engine").click()
    page.locator("[data-engine=numpy][data-state=answered]").wait_for()
    for engine in ("prebuilt", "compiled", "numpy"):
        assert words(page, engine) == lines
    assert page.get_by_role("status").inner_text().startswith("≡\nAll three engines agree:")
    page.get_by_role("button", name="Time the kernels").click()
    kernels = page.get_by_role("table", name="In compiled code, by kernel")
    assert kernels.get_by_role("rowheader").first.inner_text().startswith("f32_")
