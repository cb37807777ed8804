"""Real networks agree with onnxruntime: all ten architectures, PP-OCRv4 and magika."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from demo.ocr.images import batch_of_strips, normalise
from demo.page import draw_page
from likewise.conform.inputs import draw_feeds
from tests.models.peers import check, model
from tools.models import ARCHITECTURES

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.network

VOCABULARIES = {"minilm": 30522, "lstm_tagger": 5000}
"""What the word numbers that an architecture takes are below."""


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_architecture(name: str, record_property: Callable[[str, object], None]) -> None:
    (port,) = model(name).inputs
    if name in VOCABULARIES:
        assert port.shape is not None
        shape = tuple(int(str(dim)) for dim in port.shape)
        words = np.random.default_rng(5).integers(0, VOCABULARIES[name], shape)
        feeds = {port.name: words}
    else:
        feeds = draw_feeds([port], {}, {}, seed=5)
    check(name, feeds, record_property)


def pages(batch: int, height: int, width: int) -> np.ndarray:
    """Pages of text as the detection takes them, each a little lower on the paper."""
    page = draw_page().image
    parts = [page.crop((0, 40 * i, page.width, 40 * i + 600)) for i in range(batch)]
    return np.stack([normalise(np.asarray(part.resize((width, height)))) for part in parts])


def strips(batch: int, height: int, width: int) -> np.ndarray:
    """Lines of text as the other two take them: the lines of the page from the top."""
    page = draw_page().image
    tops = (50, 110, 180, 220, 260, 334)[:batch]
    parts = [np.asarray(page.crop((50, top, 50 + width, top + 40))) for top in tops]
    return batch_of_strips(parts, height, width)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("ppocr_det", (1, 320, 320)),
        ("ppocr_det", (1, 640, 640)),
        ("ppocr_det", (1, 736, 1280)),
        ("ppocr_det", (2, 192, 256)),
        ("ppocr_rec", (1, 48, 320)),
        ("ppocr_rec", (1, 48, 800)),
        ("ppocr_rec", (3, 48, 96)),
        ("ppocr_cls", (1, 48, 192)),
        ("ppocr_cls", (6, 48, 192)),
    ],
    ids=lambda value: value if isinstance(value, str) else "x".join(map(str, value)),
)
def test_ppocr(
    name: str, shape: tuple[int, int, int], record_property: Callable[[str, object], None]
) -> None:
    check(name, {"x": (pages if name == "ppocr_det" else strips)(*shape)}, record_property)


def file_contents(count: int) -> np.ndarray:
    """Beginnings and ends of files of several kinds, as magika takes them; 256 is padding.

    None is nearly constant: the variance in magika's normalisation then cancels, and onnxruntime
    itself gives answers 3e-3 apart for a file alone and among others.
    """
    rng = np.random.default_rng(11)
    contents = [
        Path(__file__).read_bytes(),
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + rng.bytes(3000),
        b"{" + b'"name": [1, 2.5, null], ' * 60 + b'"end": true}',
        b"\x7fELF\x02\x01\x01" + rng.bytes(900),
    ]
    rows = np.full((count, 2048), 256, np.int32)
    for row, content in zip(rows, contents, strict=False):
        first, last = content[:1024], content[-1024:]
        row[: len(first)] = list(first)
        row[2048 - len(last) :] = list(last)
    return rows


@pytest.mark.parametrize("batch", [1, 4])
def test_magika(batch: int, record_property: Callable[[str, object], None]) -> None:
    check("magika", {"bytes": file_contents(batch)}, record_property)
