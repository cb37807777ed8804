"""Normalizer: rows divided by their norm."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from likewise.ir import DType, TensorType
from likewise.ops.case import Case, f32, i32
from likewise.ops.checks import check_rank
from likewise.ops.operator import Operator
from likewise.ops.scores import batch_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.loop import Value
    from likewise.lower import Kernel, Lowering, TensorView


class Normalizer(Operator, versions=(1,)):
    """Each row over its maximum (MAX), the sum of magnitudes (L1) or the Euclidean norm (L2).

    Signs are kept and L1 sums magnitudes, as the norms' names say and onnxruntime does: ONNX's
    formulas only hold for what is not negative. A row whose norm is 0 stays as it is.
    """

    norm: Literal["MAX", "L1", "L2"] = "MAX"

    def infer(self, x: TensorType) -> TensorType:
        batch_of(x)
        check_rank(x, {1, 2}, "X")
        return TensorType(DType.FLOAT, x.dims)

    def evaluate(self, x: Array) -> Array:
        if x.size == 0:
            return x.astype(np.float32)
        if self.norm == "MAX":
            norm = x.max(-1, keepdims=True).astype(np.float64)
        elif self.norm == "L1":
            norm = np.abs(x.astype(np.float64)).sum(-1, keepdims=True)
        else:
            norm = np.sqrt(np.square(x.astype(np.float64)).sum(-1, keepdims=True))
        return (x / np.where(norm == 0, 1, norm)).astype(np.float32)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        wide = lowering.cast(lowering.materialise(x), DType.DOUBLE)
        axes = [x.rank - 1]
        if self.norm == "MAX":
            norm = lowering.reduce(wide, axes, -math.inf, lambda k, a, b: k.max(a, b))
        else:
            part = (lambda _, v: abs(v)) if self.norm == "L1" else (lambda _, v: v * v)
            parts = lowering.elementwise(part, DType.DOUBLE, wide)
            norm = lowering.reduce(parts, axes, 0.0, lambda _, a, b: a + b)
        root = self.norm == "L2"

        def share(k: Kernel, value: Value, size: Value) -> Value:
            size = k.sqrt(size) if root else size
            return value / k.select(size.eq(0.0), k.const(1.0, size.type), size)

        made = lowering.elementwise(share, DType.DOUBLE, wide, norm)
        return lowering.cast(made, DType.FLOAT)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[3, -4], [0, 0], [-2, -1]])
        made = f32([[1, -4 / 3], [0, 0], [2, 1]])
        yield Case(cls(), [x], [made], rtol=1e-6)
        made = f32([[3 / 7, -4 / 7], [0, 0], [-2 / 3, -1 / 3]])
        yield Case(cls(norm="L1"), [x], [made], rtol=1e-6)
        yield Case(cls(norm="L2"), [i32([3, -4])], [f32([0.6, -0.8])], rtol=1e-6)
        yield Case(cls(), [f32([[[1]]])], error="X has 3 dims")
