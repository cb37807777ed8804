"""What strips of text say: the recognition network and its alphabet."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from demo.ocr.images import batch_of_strips

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from demo.ocr.images import Network

__all__ = ["alphabet", "decode", "recognise"]

HEIGHT, LEAST_WIDTH = 48, 320
BATCH = 6
BLANK = 0


def alphabet(characters: str) -> list[str]:
    """The meaning of the network's classes, from its metadata: one character a line.

    The blank of CTC stands before them, the space after them.
    """
    return ["", *characters.removesuffix("\n").split("\n"), " "]


def recognise(
    strips: Sequence[NDArray[np.uint8]], network: Network, classes: Sequence[str]
) -> list[tuple[str, float]]:
    """For each strip [height, width, 3] its text and the mean chance of its characters.

    Strips of like widths share a batch, as wide as its widest needs, so that little is padded.
    """
    found: list[tuple[str, float]] = [("", 0.0)] * len(strips)
    shape = [strip.shape[1] / strip.shape[0] for strip in strips]
    order = sorted(range(len(strips)), key=shape.__getitem__)
    for first in range(0, len(order), BATCH):
        members = order[first : first + BATCH]
        width = max(LEAST_WIDTH, math.ceil(HEIGHT * shape[members[-1]]))
        chances = network(batch_of_strips([strips[i] for i in members], HEIGHT, width))
        for member, steps in zip(members, chances, strict=True):
            found[member] = decode(steps, classes)
    return found


def decode(chances: NDArray[np.float32], classes: Sequence[str]) -> tuple[str, float]:
    """The text in chances [steps, classes], trimmed, and the mean chance of its characters.

    The likeliest class at each step; repetitions are one character, blanks none (connectionist
    temporal classification, read greedily).
    """
    best = chances.argmax(axis=1)
    new = np.append(True, best[1:] != best[:-1]) & (best != BLANK)
    if not new.any():
        return "", 0.0
    text = "".join(classes[index] for index in best[new]).strip()
    return text, float(chances.max(axis=1)[new].mean())
