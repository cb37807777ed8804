"""BatchNormalization: each channel shifted and scaled by its statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ops.case import Case, f16, f32
from likewise.ops.checks import check_float
from likewise.ops.convolution import working_dtype
from likewise.ops.normalization import check_per_channel, per_channel
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder, OldForm


class BatchNormalization(Operator, versions=(1, 6, 7, 9, 14, 15)):
    """(X - mean) / sqrt(var + epsilon) * scale + B for each channel of X [N, C, D1 … Dn].

    With `training_mode` the statistics are those of X itself (the population variance), and the
    running ones follow, moved towards them by 1 - momentum. X of one dim has one channel.
    """

    epsilon: float = 1e-5
    momentum: float = 0.9
    training_mode: bool = False

    def infer(
        self,
        X: TensorType,
        scale: TensorType,
        B: TensorType,
        input_mean: TensorType,
        input_var: TensorType,
    ) -> Any:
        inputs = {"scale": scale, "B": B, "input_mean": input_mean, "input_var": input_var}
        for name, given in {"X": X, **inputs}.items():
            check_float(given, name)
        check_per_channel(X.shape[1] if X.rank > 1 else 1, **inputs)
        y = X.with_shape(X.shape)
        if not self.training_mode:
            return y
        return y, input_mean.with_shape(input_mean.shape), input_var.with_shape(input_var.shape)

    def evaluate(
        self, X: Array, scale: Array, B: Array, input_mean: Array, input_var: Array
    ) -> Any:
        x = X.astype(working_dtype(X.dtype), copy=False)
        mean, variance = (per_channel(v, X.ndim) for v in (input_mean, input_var))
        running: tuple[Array, ...] = ()
        if self.training_mode:
            axes = tuple(axis for axis in range(X.ndim) if axis != 1)
            old = mean.reshape(-1), variance.reshape(-1)
            mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
            if X.ndim > 1:
                mean, variance = mean[0], variance[0]
            share = x.dtype.type(self.momentum)
            running = tuple(
                (was * share + now.reshape(-1) * (1 - share)).astype(input_mean.dtype)
                for was, now in zip(old, (mean, variance), strict=True)
            )
        factor = per_channel(scale, X.ndim) / np.sqrt(variance + variance.dtype.type(self.epsilon))
        y = x - mean
        y *= factor
        y += per_channel(B, X.ndim)
        y = y.astype(X.dtype, copy=False)
        return (y, *running) if self.training_mode else y

    @classmethod
    def upgrade(cls, old: OldForm) -> Any:
        """Before opset 14 a node trains where it asks for more than Y (and is no test, `is_test`).

        `spatial` 0 has statistics of their own for each element of a sample; two more outputs
        are the statistics of the batch.
        """
        if old.opset >= 14:
            return None
        old.attributes.pop("consumed_inputs", None)
        test, spatial = old.attributes.pop("is_test", 0), old.attributes.pop("spatial", 1)
        training = old.outputs > 1 and not test
        x, *statistics = old.inputs
        if spatial and not training:
            return None
        b = old.builder
        if not spatial:
            shape = b.Shape(x)
            flat = b.ints(-1)
            x, statistics = b.Flatten(x, axis=1), [b.Reshape(v, flat) for v in statistics]
        if not training:
            return b.Reshape(b.BatchNormalization(x, *statistics, **old.attributes), shape)
        given = {**old.attributes, "training_mode": 1}
        y, *running = b.BatchNormalization(x, *statistics, outputs=3, **given)
        if old.outputs > 3:
            given["momentum"] = 0.0
            running += b.BatchNormalization(x, *statistics, outputs=3, **given)[1:]
        if not spatial:
            y = b.Reshape(y, shape)
            own = b.Shape(old.inputs[1])
            running = [b.Reshape(v, own) for v in running]
        return (y, *running)

    def expand(
        self, b: Builder[V], X: V, scale: V, B: V, input_mean: V, input_var: V
    ) -> V | tuple[V, ...]:
        dtype, rank = b.type(X).dtype, b.type(X).rank

        def spread(v: V) -> V:
            v = v if b.type(v).dtype is dtype else b.Cast(v, to=dtype.value)
            return b.Unsqueeze(v, b.ints(*range(1, rank - 1))) if rank > 2 else v

        running: tuple[V, ...] = ()
        mean, variance = spread(input_mean), spread(input_var)
        if self.training_mode:
            axes = b.ints(*(axis for axis in range(rank) if axis != 1))
            centre = b.ReduceMean(X, axes)
            spread_out = b.Sub(X, centre)
            square = b.ReduceMean(b.Mul(spread_out, spread_out), axes)
            running = tuple(
                b.Add(
                    b.Mul(was, self.momentum), b.Mul(b.Reshape(now, b.ints(-1)), 1 - self.momentum)
                )
                for was, now in ((input_mean, centre), (input_var, square))
            )
            mean, variance = centre, square
        factor = b.Div(spread(scale), b.Sqrt(b.Add(variance, self.epsilon)))
        y = b.Add(b.Mul(b.Sub(X, mean), factor), spread(B))
        return (y, *running) if running else y

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[[1, 3], [2, 6]], [[5, 7], [4, 8]]])
        rest = [f32([1, 2]), f32([0, 1]), f32([4, 5]), f32([4, 1])]
        y = f32([[[-1.5, -0.5], [-5, 3]], [[0.5, 1.5], [-1, 7]]])
        yield Case(cls(epsilon=0.0), [x, *rest], [y])
        yield Case(cls(epsilon=0.0), [f32([[4, 6]]), *rest], [f32([[0, 3]])])
        single = [f32([2]), f32([1]), f32([3]), f32([3])]
        yield Case(cls(epsilon=1.0), [f32([3, 4, 5]), *single], [f32([1, 2, 3])])
        train = cls(epsilon=0.0, momentum=0.75, training_mode=True, wanted=3)
        root = np.sqrt(5)
        made = (x - f32([[4], [5]])) / f32([[root], [root]]) * f32([[1], [2]]) + f32([[0], [1]])
        yield Case(train, [x, *rest], [made, f32([4, 5]), f32([4.25, 2])], rtol=1e-6, atol=1e-6)
        large = f16([[60000], [60000]])
        halves = [f16([1]), f16([0]), f16([60000]), f16([1])]
        yield Case(cls(), [large, *halves], [f16([[0], [0]])])
        yield Case(cls(), [x, f32([1]), *rest[1:]], error="the size of scale and the channels")
