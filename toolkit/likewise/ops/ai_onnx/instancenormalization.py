"""InstanceNormalization: each channel of each sample by its own mean and variance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.ops.case import Case, f32
from likewise.ops.checks import check_float, check_same_dtype
from likewise.ops.convolution import working_dtype
from likewise.ops.normalization import channels_of, check_per_channel, per_channel, standardize
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder, OldForm
    from likewise.ops.operator import V


class InstanceNormalization(Operator, versions=(1, 6, 22)):
    """scale * (x - mean) / sqrt(variance + epsilon) + B over D1 … Dn of [N, C, D1 … Dn]."""

    epsilon: float = 1e-5

    def infer(self, input: TensorType, scale: TensorType, B: TensorType) -> TensorType:  # noqa: A002 — ONNX's name
        check_float(input, "input")
        check_same_dtype(input=input, scale=scale, B=B)
        check_per_channel(channels_of(input), scale=scale, B=B)
        return input.with_shape(input.shape)

    def evaluate(self, x: Array, scale: Array, B: Array) -> Array:
        axes = tuple(range(2, x.ndim))
        wide = x.astype(working_dtype(x.dtype), copy=False)
        y, _, _ = standardize(wide, axes, self.epsilon)
        y *= per_channel(scale, x.ndim)
        y += per_channel(B, x.ndim)
        return y.astype(x.dtype, copy=False)

    def expand(self, b: Builder[V], x: V, scale: V, B: V) -> V:
        rank = b.type(x).rank
        axes = b.ints(*range(2, rank))
        behind = b.ints(*range(1, rank - 1))
        centred = b.Sub(x, b.ReduceMean(x, axes, noop_with_empty_axes=1))
        variance = b.ReduceMean(b.Mul(centred, centred), axes, noop_with_empty_axes=1)
        y = b.Div(centred, b.Sqrt(b.Add(variance, self.epsilon)))
        return b.Add(b.Mul(y, b.Unsqueeze(scale, behind)), b.Unsqueeze(B, behind))

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        old.attributes.pop("consumed_inputs", None)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[[1, 3], [2, 10]], [[5, 7], [4, 4]]])
        y = f32([[[-1, 1], [-1, 3]], [[-1, 1], [1, 1]]])
        norm = cls(epsilon=1e-12)
        yield Case(norm, [x, f32([1, 2]), f32([0, 1])], [y], rtol=1e-6)
        yield Case(norm, [x[:0], f32([1, 2]), f32([0, 1])], [np.zeros((0, 2, 2), np.float32)])
        yield Case(norm, [x, f32([1]), f32([0, 1])], error="the size of scale and the channels")
