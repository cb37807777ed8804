"""ImageDecoder: the bytes of an image file as pixels."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Literal

import numpy as np

from likewise.errors import LikewiseError, MissingDependencyError
from likewise.ir import DType, TensorType, fresh
from likewise.ops.case import Case, f32
from likewise.ops.checks import check_dtype, check_rank
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array

_FORMATS = ("BMP", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")


class ImageDecoder(Operator, versions=(20,)):
    """The pixels, [height, width, channels] of uint8, decoded by Pillow.

    What cannot be decoded gives an empty array, [0, 0, channels]. Lossy formats are decoded as
    Pillow's codecs do it: pixels may differ by a few steps from those of other decoders.
    """

    bounded = False  # a small file may hold a large image

    pixel_format: Literal["RGB", "BGR", "Grayscale"] = "RGB"

    def infer(self, encoded_stream: TensorType) -> TensorType:
        check_dtype(encoded_stream, {DType.UINT8}, "encoded_stream")
        check_rank(encoded_stream, 1, "encoded_stream")
        return TensorType(DType.UINT8, (fresh("height"), fresh("width"), self._channels))

    @property
    def _channels(self) -> int:
        return 1 if self.pixel_format == "Grayscale" else 3

    def evaluate(self, encoded_stream: Array) -> Array:
        try:
            from PIL import Image
        except ImportError:
            raise MissingDependencyError("pillow", "image", "decoding images") from None
        mode = "L" if self.pixel_format == "Grayscale" else "RGB"
        try:
            with Image.open(io.BytesIO(encoded_stream.tobytes()), formats=_FORMATS) as image:
                pixels = np.array(image.convert(mode), np.uint8)
        except Image.DecompressionBombError as error:
            raise LikewiseError("the image is too large", given=str(error)) from None
        except (OSError, SyntaxError, ValueError, EOFError):
            return np.zeros((0, 0, self._channels), np.uint8)
        if mode == "L":
            return pixels[..., None]
        return pixels if self.pixel_format == "RGB" else pixels[..., ::-1]

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([0])], error="encoded_stream has an element type")
        yield Case(cls(), [np.zeros((2, 2), np.uint8)], error="encoded_stream has 2 dims")
