"""Real models written back to ONNX are valid and mean the same to onnxruntime."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

from demo.ocr.images import normalise
from demo.page import draw_page
from likewise.conform.inputs import draw_feeds
from likewise.onnx.exporter import save
from tests.models.peers import apart, model, open_session, report, run_session, session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.network

GIVEN: dict[str, dict[str, np.ndarray]] = {
    "silero_vad": {"sr": np.array(16000, np.int64)},
    # On noise its chances of text are next to nothing, and only rounding is left to compare.
    "ppocr_det": {"x": normalise(np.asarray(draw_page().image.crop((0, 40, 320, 232))))[None]},
}


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("mobilenetv2", {}),
        ("minilm", {}),
        ("lstm_tagger", {}),
        ("segformer_b0", {}),
        ("magika", {}),
        ("ppocr_det", {}),
        ("ppocr_cls", {"x": (2, 3, 48, 192)}),
        ("ppocr_rec", {"x": (1, 3, 48, 160)}),
        ("silero_vad", {"input": (2, 576), "state": (2, 2, 128)}),
        ("silero_vad_16k_sequence", {"input": (3, 576)}),
    ],
)
def test_round_trip(
    name: str,
    shapes: dict[str, tuple[int, ...]],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    path = tmp_path / "again.onnx"
    save(model(name).graph, path)
    onnx.checker.check_model(path)
    feeds = draw_feeds(model(name).inputs, GIVEN.get(name, {}), shapes, seed=9)
    again = run_session(open_session(str(path)), feeds)
    found = apart(again, run_session(session(name), feeds))
    report(f"{name} written back", found, record_property, limit=1e-5)
