"""An image as the input of a model: its size, its layout and its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from likewise.errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    from pathlib import Path

    from likewise.ir import Array, Dim
    from likewise.targets.ports import Port
    from likewise_edge.config import Images

__all__ = ["SUFFIXES", "read_image"]

SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
PIXELS: Final = 50_000_000
"""More are not decoded: a small file may ask for any amount of memory."""


def read_image(path: Path, port: Port, how: Images) -> Array:
    """The image, upright and scaled bilinearly to the size that the input has.

    The input is an image of 1 or 3 channels, before or behind height and width, with or without a
    batch of one. Floats become (value × scale − mean) / std; 8-bit integers are the values.
    Raises `InputError` for another input, and for what is no image.
    """
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError:
        raise MissingDependencyError("pillow", "image", "reading images") from None
    height, width, channels, first = _layout(port)
    Image.MAX_IMAGE_PIXELS = None  # the limit below is narrower
    try:
        with Image.open(path) as opened:
            if opened.width * opened.height > PIXELS:
                raise InputError(
                    "the image is too large",
                    given=f"{opened.width} × {opened.height}",
                    allowed=f"{PIXELS} pixels",
                )
            image = ImageOps.exif_transpose(opened).convert("RGB" if channels == 3 else "L")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise InputError("this is no image that can be read", given=error) from None
    size = (width or image.width, height or image.height)
    if image.size != size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    array = np.asarray(image).reshape(size[1], size[0], channels)
    if how.bgr:
        array = array[:, :, ::-1]
    dtype = port.type.dtype.numpy  # type: ignore[union-attr]  # _layout found a tensor
    if dtype != np.uint8:
        mean, std = (np.asarray(values, np.float32) for values in (how.mean, how.std))
        array = ((array.astype(np.float32) * np.float32(how.scale) - mean) / std).astype(dtype)
    if first:
        array = array.transpose(2, 0, 1)
    return np.ascontiguousarray(array[None] if len(port.shape or ()) == 4 else array)


def _layout(port: Port) -> tuple[int, int, int, bool]:
    """Height and width, 0 where left open, channels, and whether those come first."""
    shape = port.shape or ()
    dims: tuple[Dim, ...] = shape[1:] if len(shape) == 4 else shape
    batch = shape[0] if len(shape) == 4 else 1
    kind = port.dtype.numpy if port.dtype is not None else None
    if len(dims) == 3 and not (isinstance(batch, int) and batch != 1) and kind is not None:
        for first in (True, False):
            channels = dims[0 if first else 2]
            if channels in {1, 3} and kind.kind in "fu":
                rows, columns = dims[1:] if first else dims[:2]
                sizes = [n if isinstance(n, int) else 0 for n in (rows, columns)]
                return sizes[0], sizes[1], 1 if channels == 1 else 3, first
    raise InputError(
        f"the input {port.name!r} is no image",
        given=port.type,
        allowed="[1, 3, height, width] or [1, height, width, 3], with 1 or 3 channels",
    )
