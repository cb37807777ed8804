"""LRN: each element by the squares of its neighbours in other channels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.loop import math as loop_math
from likewise.ops.case import Case, f32
from likewise.ops.checks import check_float
from likewise.ops.convolution import working_dtype
from likewise.ops.normalization import channels_of
from likewise.ops.operator import Operator
from likewise.ops.pooling import over_windows
from likewise.ops.windows import slide

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.loop import Value
    from likewise.lower import Kernel, Lowering, TensorView


class LRN(Operator, versions=(1, 13)):
    """X / (bias + alpha / size * squares) ** beta for X [N, C, D1 … Dn].

    `squares` sums X * X over `size` channels, (size - 1) // 2 of them before the own one.
    """

    alpha: float = 0.0001
    beta: float = 0.75
    bias: float = 1.0
    size: int

    def infer(self, X: TensorType) -> TensorType:
        check_float(X, "X")
        channels_of(X)
        if self.size < 1:
            raise InferenceError("size is not positive", given=self.size, allowed="1 or more")
        return X.with_shape(X.shape)

    def evaluate(self, X: Array) -> Array:
        if X.size == 0:
            return X
        x = X.astype(working_dtype(X.dtype), copy=False)
        before = (self.size - 1) // 2
        flat = x.reshape(*x.shape[:2], -1)
        windows = slide(flat.shape[1:], (self.size, 1), pads=(before, 0, self.size - 1 - before, 0))
        squares = over_windows(np.add, flat * flat, windows, 0)
        squares = squares * x.dtype.type(self.alpha / self.size) + x.dtype.type(self.bias)
        y = flat / squares ** x.dtype.type(self.beta)
        return y.reshape(X.shape).astype(X.dtype, copy=False)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        dtype = x.dtype
        work = DType.FLOAT if dtype in {DType.FLOAT16, DType.BFLOAT16} else dtype
        before = (self.size - 1) // 2
        x = lowering.materialise(x)
        flat = x.reshape((*x.shape[:2], math.prod(x.shape[2:])))
        windows = slide(flat.shape[1:], (self.size, 1), pads=(before, 0, self.size - 1 - before, 0))
        squares = lowering.elementwise(lambda _, v: v * v, work, flat)
        images = squares.viewed(
            (flat.shape[0], 1, *flat.shape[1:]), lambda _, index: (index[0], *index[2:])
        )
        sums = lowering.pool(images, windows, 0, lambda _, a, b: a + b, "lrn").reshape(x.shape)

        def compute(k: Kernel, v: Value, total: Value) -> Value:
            total = total * (self.alpha / self.size) + self.bias
            return v / loop_math.exp(k, loop_math.log(k, total) * self.beta)

        return lowering.elementwise(compute, dtype, x, sums, cost=40)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[[1], [2], [3], [4]]])
        norm = cls(size=3, alpha=3.0, beta=1.0, bias=0.0)
        yield Case(norm, [x], [x / f32([[[5], [14], [29], [25]]])], rtol=1e-6)
        even = cls(size=2, alpha=2.0, beta=1.0, bias=1.0)
        yield Case(even, [x], [x / f32([[[6], [14], [26], [17]]])], rtol=1e-6)
        yield Case(cls(size=0), [x], error="size is not positive")
