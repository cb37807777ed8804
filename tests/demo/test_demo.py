"""`python -m demo`: the page is read right by both engines; mistakes are told plainly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from demo.__main__ import THREAD_VARIABLES, main
from demo.page import draw_page
from demo.picture import draw_lines

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets back afterwards what the demo sets."""
    for name in THREAD_VARIABLES:
        monkeypatch.setenv(name, "1")


@pytest.mark.network
def test_the_page_is_read_right_by_both(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    picture = tmp_path / "read.png"
    assert main(["--json", "--runs", "1", "--save", str(picture)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["agree"]
    assert [engine["name"] for engine in said["engines"]] == ["likewise", "onnxruntime"]
    lines = said["engines"][0]["lines"]
    assert [line["text"] for line in lines] == list(draw_page().lines)
    assert [line["text"] for line in lines if line["upside_down"]] == [
        "Turn the page to read this line"
    ]
    for apart in said["differences"].values():
        # onnxruntime's optimized convolutions alone are 2e-4 away from the same in float64.
        assert apart["relative"] <= 1e-3
    with Image.open(picture) as drawn:
        assert drawn.size == (1600, 960)


@pytest.mark.network
def test_an_image_without_text_is_read_as_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "empty.png"
    Image.new("LA", (70, 40), (255, 0)).save(path)
    assert main(["--image", str(path), "--runs", "1", "--alone"]) == 0
    assert "detection" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "reason"),
    [("absent.png", "No such file"), ("text.png", "cannot identify"), (".", "directory")],
)
def test_a_picture_that_cannot_be_read_is_named(
    name: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.png").write_text("no picture")
    assert main(["--image", str(tmp_path / name)]) == 2
    error = capsys.readouterr().err
    assert str(tmp_path / name) in error
    assert reason in error


def test_the_page_is_the_same_each_time() -> None:
    assert np.array_equal(np.asarray(draw_page().image), np.asarray(draw_page().image))


def test_a_picture_of_nothing_is_the_page_and_white() -> None:
    page = draw_page()
    both = np.asarray(draw_lines(page.image, []))
    assert np.array_equal(both[:, :780], np.asarray(page.image)[:, :780])
    assert (both[:, 820:] == 255).all()
