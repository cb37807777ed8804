"""Real networks agree with onnxruntime: all ten architectures, PP-OCRv4 and magika."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from likewise.conform.inputs import draw_feeds
from tests.models.feeds import VOCABULARIES, file_contents, pages, strips
from tests.models.peers import check, model
from tools.models import ARCHITECTURES

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.network


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


@pytest.mark.parametrize("batch", [1, 4])
def test_magika(batch: int, record_property: Callable[[str, object], None]) -> None:
    check("magika", {"bytes": file_contents(batch)}, record_property)
