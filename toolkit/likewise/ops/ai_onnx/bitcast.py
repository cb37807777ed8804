"""BitCast: the same bits read as another element type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.ops.case import Case, boolean, f32, f64, i8, i64, strings, u8, u32
from likewise.ops.conversion import convert
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.lower import Lowering, TensorView

_BYTE = 8


class BitCast(Operator, versions=(26,)):
    """The bits of each element as `to`, which has as many. A byte other than 0 is true."""

    to: DType
    on_narrow = "take"

    def infer(self, x: TensorType) -> TensorType:
        if x.dtype.bits != self.to.bits or DType.STRING in (x.dtype, self.to):
            raise InferenceError(
                "the element types differ in size or are strings",
                given=f"{x.dtype} to {self.to}",
                allowed="types of equally many bits",
            )
        return x.with_dtype(self.to)

    def evaluate(self, x: Array) -> Array:
        bits = self.to.bits
        if self.to is DType.BOOL:
            return x.view(np.uint8) != 0
        if bits >= _BYTE:
            return x.view(self.to.numpy)
        # Smaller ones take a byte each in memory, of which the other bits mean nothing.
        return (x.view(np.uint8) & np.uint8((1 << bits) - 1)).view(self.to.numpy)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        return lowering.bitcast(x, self.to)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(to=DType.UINT32), [f32([[1, -0.0]])], [u32([[0x3F800000, 0x80000000]])])
        yield Case(cls(to=DType.DOUBLE), [i64(0x3FF0000000000000)], [f64(1)])
        yield Case(cls(to=DType.BOOL), [u8([0, 1])], [boolean([False, True])])
        nibbles = convert(i8([-1, 7, -8]), DType.INT4)
        others = convert(u8([15, 7, 8]), DType.UINT4)
        yield Case(cls(to=DType.UINT4), [nibbles], [others])
        yield Case(cls(to=DType.INT4), [others], [nibbles])
        floats = convert(f32([-6, 6, -0.0]), DType.FLOAT4E2M1)
        yield Case(cls(to=DType.FLOAT4E2M1), [nibbles], [floats])
        yield Case(cls(to=DType.INT32), [f64([1])], error="given: double to int32")
        yield Case(cls(to=DType.STRING), [strings("a")], error="are strings")
