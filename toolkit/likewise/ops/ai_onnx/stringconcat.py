"""StringConcat: strings joined element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.ir import DType
from likewise.ops.case import Case, f32, strings
from likewise.ops.checks import broadcast, check_dtype
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType


class StringConcat(Operator, versions=(20,)):
    """X followed by Y, with broadcasting."""

    def infer(self, x: TensorType, y: TensorType) -> TensorType:
        check_dtype(x, {DType.STRING}, "X")
        check_dtype(y, {DType.STRING}, "Y")
        return x.with_shape(broadcast(x.shape, y.shape))

    def evaluate(self, x: Array, y: Array) -> Array:
        # An explicit output, since NumPy turns 0-d object arrays into what they hold.
        out = np.empty(np.broadcast_shapes(x.shape, y.shape), object)
        return np.add(x, y, out=out)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [strings(["a", "é"]), strings("-")], [strings(["a-", "é-"])])
        yield Case(cls(), [strings("a"), strings("b")], [strings("ab")])
        yield Case(cls(), [strings([]), strings(["b"])], [strings([])])
        yield Case(cls(), [strings(["a", "b"]), strings(["c"] * 3)], error="do not broadcast")
        yield Case(cls(), [f32(1), strings("b")], error="X has an element type")
