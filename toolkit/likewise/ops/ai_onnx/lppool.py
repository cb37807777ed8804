"""LpPool: the p-norm of the elements under each window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import UnsupportedError
from likewise.ops.case import Case, f32
from likewise.ops.convolution import working_dtype
from likewise.ops.pooling import Pool, over_windows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.ops.build import OldForm


class LpPool(Pool, versions=(1, 2, 11, 18, 22)):
    """sum(|x| ** p) ** (1 / p) over the elements of X under each window."""

    p: int = 2

    def evaluate(self, X: Array) -> Array:
        x = X.astype(working_dtype(X.dtype), copy=False)
        total = over_windows(np.add, power(x, self.p), self.placed(X), 0)
        return root(total, self.p).astype(X.dtype, copy=False)

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


def root(x: Array, p: int) -> Array:
    """The p-th root."""
    if p == 2:
        return np.sqrt(x)
    return x if p == 1 else x ** x.dtype.type(1 / p)
