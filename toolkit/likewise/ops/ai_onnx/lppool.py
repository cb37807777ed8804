"""LpPool: the p-norm of the elements under each window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import UnsupportedError
from likewise.ir import DType
from likewise.loop import math as loop_math
from likewise.ops.case import Case, f32
from likewise.ops.convolution import working_dtype
from likewise.ops.pooling import Pool, over_windows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.loop import Value
    from likewise.lower import Kernel, Lowering, TensorView
    from likewise.ops.build import OldForm

_LARGEST_P = 16


class LpPool(Pool, versions=(1, 2, 11, 18, 22)):
    """sum(|x| ** p) ** (1 / p) over the elements of X under each window."""

    p: int = 2

    def evaluate(self, X: Array) -> Array:
        x = X.astype(working_dtype(X.dtype), copy=False)
        total = over_windows(np.add, power(x, self.p), self.placed(X), 0)
        return root(total, self.p).astype(X.dtype, copy=False)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        windows = self.windows(x.shape[2:], self.kernel_shape, ceil_mode=self.ceil_mode)
        dtype = x.dtype
        powers = lower_power(lowering, x, self.p)
        total = lowering.pool(powers, windows, 0, lambda _, a, b: a + b, "lppool")
        return lower_root(lowering, total, self.p, dtype)

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        whole_p(old)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[[3, -4, 0, 12]]])
        yield Case(cls(kernel_shape=(2,)), [x], [f32([[[5, 4, 12]]])])
        yield Case(cls(kernel_shape=(2,), p=1), [x], [f32([[[7, 4, 12]]])])
        third = f32([[[91 ** (1 / 3), 4, 12]]])
        yield Case(cls(kernel_shape=(2,), p=3), [x], [third], rtol=1e-6)
        yield Case(cls(kernel_shape=(2,), strides=(2,), pads=(1, 1)), [x], [f32([[[3, 4, 12]]])])


def whole_p(old: OldForm) -> None:
    """Opset 1 has `p` as a float; the later forms take an int."""
    p = old.attributes.get("p", 2)
    if int(p) != p:
        raise UnsupportedError("p is no whole number", given=p, allowed="an integer")
    old.attributes["p"] = int(p)


def power(x: Array, p: int) -> Array:
    """The absolute value to the power of p."""
    if p == 2:
        return x * x
    return np.abs(x) if p == 1 else np.abs(x) ** p


def lower_power(lowering: Lowering, x: TensorView, p: int) -> TensorView:
    """`power` of a view, in float32 at least."""
    work = DType.FLOAT if x.dtype in {DType.FLOAT16, DType.BFLOAT16} else x.dtype

    def compute(_kernel: Kernel, v: Value) -> Value:
        size = abs(v)
        found = size
        for _ in range(p - 1):
            found = found * size
        return found

    if p < 1 or p > _LARGEST_P:
        raise UnsupportedError("p is no number of multiplications", given=p, allowed="1 to 16")
    return lowering.elementwise(compute, work, x, cost=p)


def lower_root(lowering: Lowering, x: TensorView, p: int, dtype: DType) -> TensorView:
    """`root` of a view, as `dtype`."""
    if p == 1:
        return lowering.elementwise(lambda _, v: v, dtype, x)
    if p == 2:
        return lowering.elementwise(lambda k, v: k.sqrt(v), dtype, x, cost=4)
    return lowering.elementwise(
        lambda k, v: loop_math.exp(k, loop_math.log(k, v) * (1 / p)), dtype, x, cost=40
    )


def root(x: Array, p: int) -> Array:
    """The p-th root."""
    if p == 2:
        return np.sqrt(x)
    return x if p == 1 else x ** x.dtype.type(1 / p)
