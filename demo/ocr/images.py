"""What the three networks want their images to look like."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["Network", "batch_of_strips", "normalise", "resize"]

Network: TypeAlias = "Callable[[NDArray[np.float32]], NDArray[np.float32]]"
"""A network of one input and one output, in some engine."""


def resize(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """The image [height, width, 3] at another size; when it shrinks, every pixel counts."""
    if image.shape[:2] == (height, width):
        return image
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(resized)


def normalise(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """An RGB image [height, width, 3] as [3, height, width] from -1 to 1.

    The channels are blue, green, red: the networks were trained so.
    """
    channels = image[:, :, ::-1].transpose(2, 0, 1)
    return np.ascontiguousarray(channels, np.float32) / np.float32(127.5) - np.float32(1)


def batch_of_strips(
    strips: Sequence[NDArray[np.uint8]], height: int, width: int
) -> NDArray[np.float32]:
    """Strips of text as [n, 3, height, width]: scaled to the height, then squeezed or padded.

    The padding is 0, the middle grey.
    """
    batch = np.zeros((len(strips), 3, height, width), np.float32)
    for place, strip in zip(batch, strips, strict=True):
        needed = math.ceil(height * strip.shape[1] / strip.shape[0])
        columns = min(width, needed)
        place[:, :, :columns] = normalise(resize(strip, columns, height))
    return batch
