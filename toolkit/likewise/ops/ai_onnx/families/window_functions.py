"""HannWindow, HammingWindow, BlackmanWindow: sums of cosines over a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from likewise.errors import LikewiseError, UnsupportedError
from likewise.ir import DType, TensorType, fresh
from likewise.ops.case import Case, f32, f64, i32, i64
from likewise.ops.checks import check_dtype
from likewise.ops.conversion import convert
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import TensorView


class CosineWindow(Operator):
    """Base of the three: the sum of `terms[i] * cos(2 pi i n / N)` for n in [0, size).

    N is `size` for a periodic and `size - 1` for a symmetric window (whose single element, for a
    size of 1, is NaN: 0 / 0, as the function that ONNX defines has it). Computed in float64.
    """

    terms: ClassVar[tuple[float, ...]]

    output_datatype: DType = DType.FLOAT
    periodic: bool = True

    def infer(self, size: TensorType) -> TensorType:
        check_dtype(size, {DType.INT32, DType.INT64}, "size")
        known = size.constant
        length = fresh("window") if known is None else int(known.item())
        if isinstance(length, int) and length < 0:
            raise LikewiseError("the size of a window is negative", given=length)
        return TensorType(self.output_datatype, (length,))

    def evaluate(self, size: Array) -> Array:
        length = int(size.item())
        angle = np.arange(length) * (2 * np.pi)
        with np.errstate(invalid="ignore"):
            angle /= np.float64(length if self.periodic else length - 1)
            made = sum(term * np.cos(i * angle) for i, term in enumerate(self.terms))
            return convert(np.asarray(made, np.float64), self.output_datatype)

    def lower(self, *_: object) -> TensorView:
        raise UnsupportedError("the size of the window depends on data")


class HannWindow(CosineWindow, versions=(17,)):
    """0.5 - 0.5 cos."""

    terms = (0.5, -0.5)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [i64(4)], [f32([0, 0.5, 1, 0.5])], atol=1e-7)
        yield Case(cls(periodic=False), [i32(5)], [f32([0, 0.5, 1, 0.5, 0])], atol=1e-7)
        double = cls(output_datatype=DType.DOUBLE)
        yield Case(double, [i64(4)], [f64([0, 0.5, 1, 0.5])], atol=1e-15)
        yield Case(cls(output_datatype=DType.INT32), [i64(2)], [i32([0, 1])])
        yield Case(cls(), [i64(0)], [f32([])])
        yield Case(cls(periodic=False), [i64(1)], [f32([np.nan])])
        yield Case(cls(), [i64(-1)], error="the size of a window is negative; given: -1")
        yield Case(cls(), [f32(4)], error="size has an element type")


class HammingWindow(CosineWindow, versions=(17,)):
    """25/46 - 21/46 cos."""

    terms = (25 / 46, -21 / 46)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        made = f32([4 / 46, 25 / 46, 1, 25 / 46])
        yield Case(cls(), [i64(4)], [made], atol=1e-7)


class BlackmanWindow(CosineWindow, versions=(17,)):
    """0.42 - 0.5 cos + 0.08 cos of twice the angle."""

    terms = (0.42, -0.5, 0.08)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [i64(4)], [f32([0, 0.34, 1, 0.34])], atol=1e-7)
