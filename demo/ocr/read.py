"""The whole way from an image to its text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from demo.ocr.classify import upside_down
from demo.ocr.detect import detect
from demo.ocr.recognise import recognise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from demo.ocr.geometry import Floats
    from demo.ocr.images import Network

__all__ = ["Line", "Networks", "read"]


@dataclass(frozen=True)
class Networks:
    """PP-OCRv4 in some engine: each takes one array and gives one."""

    detection: Network
    direction: Network
    recognition: Network
    classes: Sequence[str]
    """What the classes of the recognition mean."""


@dataclass(frozen=True)
class Line:
    """A line of text: what it says, how sure that is, and where it stands."""

    text: str
    confidence: float
    corners: Floats
    """[4, 2]: x and y of the top left corner of the box, then clockwise."""
    turned: bool
    """Whether it stood on its head."""


def read(image: NDArray[np.uint8], networks: Networks, side: int) -> list[Line]:
    """The lines of text on an RGB image [height, width, 3], in reading order.

    `side` bounds the longer side of what the detection sees.
    """
    places = [box.place.upright() for box in detect(image, networks.detection, side)]
    strips = [place.cut_out(image) for place in places]
    turned = upside_down(strips, networks.direction)
    strips = [
        np.ascontiguousarray(strip[::-1, ::-1]) if turn else strip
        for strip, turn in zip(strips, turned, strict=True)
    ]
    texts = recognise(strips, networks.recognition, networks.classes)
    return [
        Line(text, confidence, place.corners(), turn)
        for (text, confidence), place, turn in zip(texts, places, turned, strict=True)
        if text
    ]
