"""The whole way from an image to its text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from demo.ocr.classify import upside_down
from demo.ocr.detect import detect
from demo.ocr.recognise import recognise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from demo.ocr.geometry import Floats, Rectangle
    from demo.ocr.images import Network

__all__ = ["Line", "Networks", "read", "reading_order"]


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
        Line(*texts[index], places[index].corners(), turned[index])
        for index in reading_order(places, turned)
        if texts[index][0]
    ]


def reading_order(places: Sequence[Rectangle], turned: Sequence[bool]) -> list[int]:
    """The numbers of the places from the top to the bottom of the page, as its text runs.

    Places that stand side by side come in the direction of the text: that of most places, by
    their widths, those on their heads the other way round.
    """
    if not places:
        return []
    headings = [
        place.axes[0] * (-place.width if turn else place.width)
        for place, turn in zip(places, turned, strict=True)
    ]
    x, y = np.sum(headings, axis=0)
    length = max(math.hypot(x, y), 1e-9)
    cosine, sine = x / length, y / length
    along = [place.x * cosine + place.y * sine for place in places]
    down = [place.y * cosine - place.x * sine for place in places]
    ordered: list[int] = []
    line: list[int] = []
    for index in sorted(range(len(places)), key=down.__getitem__):
        if line:
            height = min(places[index].height, places[line[-1]].height)
            if down[index] - down[line[-1]] > height / 2:
                ordered += sorted(line, key=along.__getitem__)
                line = []
        line.append(index)
    return ordered + sorted(line, key=along.__getitem__)
