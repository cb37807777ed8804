"""Which strips of text stand on their heads: the direction network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from demo.ocr.images import batch_of_strips

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from demo.ocr.images import Network

__all__ = ["upside_down"]

HEIGHT, WIDTH = 48, 192
BATCH = 6
THRESHOLD = 0.9
"""How sure the network must be before a strip is turned."""


def upside_down(strips: Sequence[NDArray[np.uint8]], network: Network) -> list[bool]:
    """For each strip [height, width, 3] whether it has to be turned by half a circle.

    The network sees pieces of the shape that it is made for and their answers are averaged: a
    long line squeezed into that shape misleads it.
    """
    pieces = [_pieces(strip) for strip in strips]
    flat = [piece for group in pieces for piece in group]
    chances = np.concatenate(
        [
            network(batch_of_strips(flat[first : first + BATCH], HEIGHT, WIDTH))[:, 1]
            for first in range(0, len(flat), BATCH)
        ]
        or [np.empty(0, np.float32)]
    )
    ends = np.cumsum([len(group) for group in pieces], dtype=int)
    return [bool(part.mean() > THRESHOLD) for part in np.split(chances, ends[:-1]) if len(part)]


def _pieces(strip: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    height, width = strip.shape[:2]
    return np.array_split(strip, max(1, round(width * HEIGHT / (height * WIDTH))), axis=1)
