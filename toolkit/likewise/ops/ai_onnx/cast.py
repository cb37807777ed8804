"""Cast: the same elements in another element type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.ir import DType
from likewise.ops.case import Case, boolean, f16, f32, f64, i8, i16, i32, i64, strings, u8
from likewise.ops.checks import check_dtype
from likewise.ops.conversion import RoundMode, convert
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.lower import Lowering, TensorView
    from likewise.ops.build import OldForm

_CASTABLE = frozenset(dtype for dtype in DType if not dtype.is_complex)


class Cast(Operator, versions=(1, 6, 9, 13, 19, 21, 23, 24, 25, 28)):
    """The elements as `to`, by the rules of `conversion.convert`."""

    to: DType
    round_mode: RoundMode = "up"
    saturate: bool = True
    symbolic = True
    keeps_extents = True
    on_narrow = "take"

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, _CASTABLE, "input")
        check_dtype(x.with_dtype(self.to), _CASTABLE, "output")
        return x.with_dtype(self.to)

    def evaluate(self, x: Array) -> Array:
        return convert(x, self.to, saturate=self.saturate, round_mode=self.round_mode)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        return lowering.cast(x, self.to)

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        if isinstance(to := old.attributes.get("to"), str | bytes):  # opset 1 spells the type
            name = to if isinstance(to, str) else to.decode()
            old.attributes["to"] = DType.__members__.get(name.upper(), name)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([1.75, -1.75, 0, 300.5])
        yield Case(cls(to=DType.INT32), [x], [i32([1, -1, 0, 300])])
        yield Case(cls(to=DType.BOOL), [x], [boolean([True, True, False, True])])
        yield Case(cls(to=DType.BOOL), [f32([np.nan, -0.0])], [boolean([True, False])])
        yield Case(cls(to=DType.INT8), [i16([200, -129])], [i8([-56, 127])])
        yield Case(cls(to=DType.FLOAT16), [f64([1e6, -1e6])], [f16([np.inf, -np.inf])])
        yield Case(cls(to=DType.FLOAT), [boolean([[True], [False]])], [f32([[1], [0]])])
        yield Case(cls(to=DType.INT64), [f32([]).reshape(0, 3)], [i64([]).reshape(0, 3)])
        numbers = strings(["100.5", "-1E3", "+INF", "nan"])
        yield Case(cls(to=DType.FLOAT), [numbers], [f32([100.5, -1000, np.inf, np.nan])])
        yield Case(cls(to=DType.UINT8), [strings(["255", "1e2"])], [u8([255, 100])])
        yield Case(cls(to=DType.INT64), [strings(["-9223372036854775807"])], [i64([1 - 2**63])])
        large = f64([0.1, 1e16, -np.inf, np.nan, 3])
        texts = strings(["0.1", "10000000000000000", "-INF", "NaN", "3"])
        yield Case(cls(to=DType.STRING), [large], [texts])
        yield Case(cls(to=DType.STRING), [i64(-5)], [strings("-5")])
        yield from cls._small_cases()
        words = strings(["1", "Hello"])
        yield Case(cls(to=DType.FLOAT), [words], error="a string is no number; given: 'Hello'")
        yield Case(cls(to=DType.INT8), [strings(["-inf"])], error="a string is no integer")
        yield Case(cls(to=DType.COMPLEX64), [x], error="output has an element type")

    @classmethod
    def _small_cases(cls) -> Iterator[Case]:
        x = f32([1e6, -np.inf, 17, 0.75])
        for dtype, saturated, other in (
            (DType.FLOAT8E4M3FN, [448, -448, 16, 0.75], [np.nan, np.nan, 16, 0.75]),
            (DType.FLOAT8E5M2, [57344, -57344, 16, 0.75], [np.inf, -np.inf, 16, 0.75]),
        ):
            yield Case(cls(to=dtype), [x], [convert(f32(saturated), dtype)])
            unsaturated = convert(f32(other), dtype, saturate=False)
            yield Case(cls(to=dtype, saturate=False), [x], [unsaturated], atol=1e-9)
        yield Case(cls(to=DType.INT4), [i64([7, 8, -9])], [convert(i8([7, -8, 7]), DType.INT4)])
        pairs = convert(i8([3, 1]), DType.UINT2)
        yield Case(cls(to=DType.UINT2), [convert(i8([7, -3]), DType.INT4)], [pairs])
        # One rounding: through float32 the last bit would be lost, and the tie go down.
        tie = convert(f32([1.0078125]), DType.BFLOAT16)
        yield Case(cls(to=DType.BFLOAT16), [f64([1 + 2**-8 + 2**-40])], [tie])
        scales = f32([5, 6, 0, np.inf, 2])
        e8m0 = DType.FLOAT8E8M0
        for cast, values in (
            (cls(to=e8m0, round_mode="up"), [8, 8, 2**-127, 2.0**127, 2]),
            (cls(to=e8m0, round_mode="down"), [4, 4, 2**-127, 2.0**127, 2]),
            (cls(to=e8m0, round_mode="nearest", saturate=False), [4, 8, np.nan, np.nan, 2]),
        ):
            made = convert(f64(values), e8m0, saturate=False)
            yield Case(cast, [scales], [made], rtol=1e-9)
