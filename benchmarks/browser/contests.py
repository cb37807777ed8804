"""The models that are timed in the browser, their inputs, and the goals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.conform.inputs import draw_feeds
from likewise.ir import TensorType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from likewise.model import Model

__all__ = ["CONTESTS", "Contest"]


@dataclass(frozen=True)
class Contest:
    """A model, the shapes of its inputs where it leaves them open, and how many times as fast as
    onnxruntime-web the module has to be. Whole numbers are drawn below `words`; `given` makes
    inputs on which the outputs mean something. `fixed` inputs are compiled in with their value.
    """

    model: str
    label: str
    goal: float
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    words: int = 0
    given: Callable[[], dict[str, Any]] = dict
    fixed: tuple[str, ...] = ()

    def feeds(self, model: Model) -> dict[str, Any]:
        """The inputs, the same on every machine."""
        given = self.given()
        for port in model.inputs if self.words else ():
            if not isinstance(port.type, TensorType):
                continue
            shape = self.shapes.get(port.name) or [int(str(dim)) for dim in port.shape or ()]
            numbers = np.random.default_rng(5).integers(0, self.words, shape)
            given[port.name] = numbers.astype(port.type.dtype.numpy)
        return draw_feeds(model.inputs, given, self.shapes)


def _page_of_text() -> dict[str, Any]:
    """A page of text as the detection takes it. On noise it finds nothing, so that what it gives
    is all rounding.
    """
    from demo.ocr.images import normalise
    from demo.page import draw_page

    return {"x": normalise(np.asarray(draw_page().image.resize((640, 640))))[None]}


def _silence() -> dict[str, Any]:
    """A detector of voice that has heard nothing yet, at 16 kHz."""
    return {"state": np.zeros((2, 1, 128), np.float32), "sr": np.array(16000, np.int64)}


CONTESTS = (
    Contest("resnet18", "resnet18 224", 2.0),
    Contest("resnet18_int8", "resnet18 224, int8", 1.0),
    Contest("resnet18_qdq", "resnet18 224, int8 as QDQ", 1.0),
    Contest("resnet50", "resnet50 224", 2.0),
    Contest("mobilenetv2", "mobilenetv2 224", 2.0),
    Contest("efficientnet_b0", "efficientnet_b0 224", 2.0),
    Contest("unet", "unet 128", 2.0),
    Contest("segformer_b0", "segformer_b0 256", 1.8),
    Contest("vit_tiny", "vit_tiny 224", 1.8),
    Contest("minilm", "minilm, 128 words", 1.8, words=30522),
    Contest("whisper_tiny_encoder", "whisper_tiny encoder, 30 s", 1.8),
    Contest(
        "ppocr_det", "PP-OCRv4 detection 640x640", 1.8, {"x": (1, 3, 640, 640)}, given=_page_of_text
    ),
    Contest("ppocr_rec", "PP-OCRv4 recognition 48x320", 1.8, {"x": (1, 3, 48, 320)}),
    Contest("magika", "magika", 1.8, {"bytes": (1, 2048)}, words=257),
    Contest("lstm_tagger", "lstm_tagger, 40 words", 1.8, words=5000),
    Contest(
        "silero_vad",
        "silero_vad, 32 ms at 16 kHz",
        1.8,
        {"input": (1, 576), "state": (2, 1, 128), "sr": ()},
        given=_silence,
        fixed=("sr",),
    ),
)
