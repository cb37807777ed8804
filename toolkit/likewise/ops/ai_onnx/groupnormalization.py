"""GroupNormalization: each group of channels of each sample by its own mean and variance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.ops.case import Case, f32
from likewise.ops.checks import check_float, check_same_dtype
from likewise.ops.normalization import channels_of, check_per_channel, standardize, stash_dtype
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder, OldForm


class GroupNormalization(Operator, versions=(18, 21)):
    """scale * (x - mean) / sqrt(variance + epsilon) + bias, the statistics over a group.

    They are computed in `stash_type`, the rest in the type of X [N, C, D1 … Dn]. In opset 18
    scale and bias are per group.
    """

    epsilon: float = 1e-5
    num_groups: int
    stash_type: DType = DType.FLOAT
    on_narrow = "expand"

    def infer(self, X: TensorType, scale: TensorType, bias: TensorType) -> TensorType:
        check_float(X, "X")
        check_same_dtype(X=X, scale=scale, bias=bias)
        channels = channels_of(X)
        if self.num_groups < 1 or (isinstance(channels, int) and channels % self.num_groups):
            raise InferenceError(
                "num_groups does not divide the channels",
                given=f"{self.num_groups} groups of {channels} channels",
            )
        check_per_channel(channels, scale=scale, bias=bias)
        return X.with_shape(X.shape)

    def evaluate(self, X: Array, scale: Array, bias: Array) -> Array:
        if self.stash_type.is_narrow:
            return super().evaluate(X, scale, bias)
        stash = stash_dtype(self.stash_type, DType.of(X.dtype)).numpy
        per_group = math.prod(X.shape[1:]) // self.num_groups
        grouped = X.reshape(X.shape[0], self.num_groups, per_group).astype(stash, copy=False)
        y = standardize(grouped, (2,), self.epsilon)[0].reshape(X.shape).astype(X.dtype, copy=False)
        spread = (-1, *[1] * (X.ndim - 2))
        y *= scale.reshape(spread)
        y += bias.reshape(spread)
        return y

    def expand(self, b: Builder[V], X: V, scale: V, bias: V) -> V:
        given = b.type(X)
        stash = stash_dtype(self.stash_type, given.dtype)
        x = b.Reshape(X, b.ints(0, self.num_groups, -1))
        x = x if stash is given.dtype else b.Cast(x, to=stash.value)
        centred = b.Sub(x, b.ReduceMean(x, b.ints(2)))
        variance = b.ReduceMean(b.Mul(centred, centred), b.ints(2))
        y = b.Div(centred, b.Sqrt(b.Add(variance, self.epsilon)))
        y = y if stash is given.dtype else b.Cast(y, to=given.dtype.value)
        y = b.Reshape(y, b.Shape(X))
        if given.rank > 2:
            behind = b.ints(*range(1, given.rank - 1))
            scale, bias = b.Unsqueeze(scale, behind), b.Unsqueeze(bias, behind)
        return b.Add(b.Mul(y, scale), bias)

    @classmethod
    def upgrade(cls, old: OldForm) -> Any:
        x = old.type(0)
        if old.opset >= 21 or x is None:
            return
        channels = x.shape[1]
        groups = old.attributes.get("num_groups", 1)
        if not isinstance(channels, int):
            raise InferenceError("GroupNormalization-18 needs a known number of channels", given=x)
        b = old.builder
        for position in (1, 2):
            wide = b.Expand(
                b.Unsqueeze(old.inputs[position], b.ints(1)), b.ints(groups, channels // groups)
            )
            old.inputs[position] = b.Reshape(wide, b.ints(-1))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[[1, 3], [1, 3], [2, 10], [2, 10]]])
        y = f32([[[-1, 1], [-1, 1], [-1, 1], [-2, 2]]])
        rest = [f32([1, 1, 1, 2]), f32([0, 0, 0, 0])]
        yield Case(cls(num_groups=2, epsilon=1e-12), [x, *rest], [y], rtol=1e-6)
        flat = x.reshape(2, 4)
        yield Case(cls(num_groups=1), [flat, *rest], [_by_hand(flat) * rest[0]], rtol=1e-5)
        yield Case(cls(num_groups=3), [x, *rest], error="num_groups does not divide")


def _by_hand(x: Array) -> Array:
    return ((x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)).astype("f4")
