"""Where on an image there is text: the detection network and what its map of chances says.

The network gives each pixel the chance to lie in the core of a line of text. Cores are regions
above a threshold; a line's box is the smallest rectangle around its core, grown back to full size
(differentiable binarization, Liao et al. 2019, arXiv:1911.08947).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from demo.ocr.components import component_outlines
from demo.ocr.geometry import Rectangle, smallest_rectangle
from demo.ocr.images import normalise, resize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from demo.ocr.images import Network

__all__ = ["Box", "detect"]

PIXEL_THRESHOLD = 0.3
BOX_THRESHOLD = 0.5
GROWTH = 1.6
"""A core grows by this times its area over its circumference."""
SMALLEST_CORE, SMALLEST_BOX = 3.0, 5.0
"""Shorter sides, in pixels of the map, below which a region is taken for noise."""


@dataclass(frozen=True)
class Box:
    """Where a line of text is, and the mean chance of text in its core."""

    place: Rectangle
    score: float


def detect(image: NDArray[np.uint8], network: Network, side: int) -> list[Box]:
    """The lines of text on `image` [height, width, 3], in no particular order.

    The network sees the image with its longer side at most `side`, both multiples of 32.
    """
    height, width = image.shape[:2]
    seen_width, seen_height = _seen_size(width, height, side)
    chances = network(normalise(resize(image, seen_width, seen_height))[None])[0, 0]
    return [
        Box(box.place.scaled(width / seen_width, height / seen_height), box.score)
        for box in boxes_of(chances)
    ]


def _seen_size(width: int, height: int, side: int) -> tuple[int, int]:
    scale = min(1.0, side / max(width, height))
    return max(32, round(width * scale / 32) * 32), max(32, round(height * scale / 32) * 32)


def boxes_of(chances: NDArray[np.float32]) -> list[Box]:
    """The boxes in a map [height, width] of chances, in the coordinates of its pixels' corners."""
    found = []
    for outline in component_outlines(_core_mask(chances)):
        core = smallest_rectangle(outline)
        if min(core.width, core.height) < SMALLEST_CORE:
            continue
        score = _mean_inside(chances, core)
        if score < BOX_THRESHOLD:
            continue
        margin = core.width * core.height * GROWTH / (2 * (core.width + core.height))
        # From centres of pixels, which bound the core, to their corners.
        full = core.grown(margin + 0.5)
        place = Rectangle(full.x + 0.5, full.y + 0.5, full.width, full.height, full.angle)
        if min(place.width, place.height) >= SMALLEST_BOX:
            found.append(Box(place, score))
    return found


def _core_mask(chances: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The pixels above the threshold, each spread to its right, lower and diagonal neighbour.

    This closes gaps one pixel wide.
    """
    mask = chances > PIXEL_THRESHOLD
    spread = mask.copy()
    spread[:, 1:] |= mask[:, :-1]
    spread[1:, :] |= spread[:-1, :].copy()
    return spread


def _mean_inside(chances: NDArray[np.float32], core: Rectangle) -> float:
    """The mean chance of the pixels under a rectangle."""
    corners = core.corners()
    left, top = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 1
    part = chances[top:bottom, left:right]
    rows, columns = part.shape
    inside = core.grown(1e-6).covers(np.arange(left, left + columns), np.arange(top, top + rows))
    return float(part[inside].mean()) if inside.any() else 0.0
