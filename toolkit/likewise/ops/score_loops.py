"""What `likewise.ops.scores` does with NumPy, as views for compiled targets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from likewise.errors import UnsupportedError
from likewise.ir import DType
from likewise.loop import I32
from likewise.loop import math as loop_math
from likewise.ops.ai_onnx.families.argreductions import ArgMax

if TYPE_CHECKING:
    from likewise.ir import Array
    from likewise.loop import Value
    from likewise.lower import Index, Kernel, Lowering, TensorView
    from likewise.ops.scores import PostTransform

__all__ = ["best_label", "chosen_label", "feature_rows", "logistic_view", "transformed"]

_DEAR: Final = 25
"""About the operations of an exponential or a logarithm."""


def feature_rows(lowering: Lowering, x: TensorView, dtype: DType | None = None) -> TensorView:
    """Features [N, F] or [F] as [N, F], of float64 where they are not float32, or of `dtype`."""
    rows = x.reshape((1, x.size)) if x.rank == 1 else x
    found = dtype or (DType.FLOAT if x.dtype is DType.FLOAT else DType.DOUBLE)
    return lowering.cast(rows, found)


def best_label(lowering: Lowering, scores: TensorView, labels: Array) -> TensorView:
    """The label of the largest of each row of `scores` [N, E], the first of equals."""
    _check_labels(labels)
    return _looked_up(lowering, labels, ArgMax(axis=1, keepdims=False).lower(lowering, scores))


def chosen_label(lowering: Lowering, second: TensorView, labels: Array) -> TensorView:
    """The second of two labels where `second` [N] holds, else the first."""
    _check_labels(labels)
    return _looked_up(lowering, labels, lowering.cast(second, DType.INT64))


def _check_labels(labels: Array) -> None:
    if labels.dtype == object:
        raise UnsupportedError("the class labels are strings: compiled code has numbers only")


def _looked_up(lowering: Lowering, labels: Array, places: TensorView) -> TensorView:
    table, places = lowering.constant(labels), lowering.materialise(places)

    def back(k: Kernel, index: Index) -> Index:
        with k.without_lanes():
            return (places.read(k, index).cast(I32),)

    return table.viewed(places.shape, back)


def transformed(lowering: Lowering, scores: TensorView, kind: PostTransform) -> TensorView:
    """`scores` [N, E] in float32 or float64 after the post transform, as float32."""
    if kind in {"SOFTMAX", "SOFTMAX_ZERO"}:
        scores = _softmax(lowering, lowering.materialise(scores), zero=kind == "SOFTMAX_ZERO")
    elif kind == "LOGISTIC":
        scores = logistic_view(lowering, scores)
    elif kind == "PROBIT":
        wide = lowering.cast(scores, DType.DOUBLE)
        scores = lowering.elementwise(_probit, DType.DOUBLE, wide, cost=2 * _DEAR)
    return lowering.cast(scores, DType.FLOAT)


def logistic_view(lowering: Lowering, scores: TensorView) -> TensorView:
    """1 / (1 + exp(-x)), without overflow."""
    return lowering.elementwise(_logistic, scores.dtype, scores, cost=_DEAR)


def _softmax(lowering: Lowering, scores: TensorView, *, zero: bool) -> TensorView:
    highest = lowering.reduce(scores, [1], -math.inf, lambda k, a, b: k.max(a, b), name="max")

    def power(k: Kernel, x: Value, most: Value) -> Value:
        made = loop_math.exp(k, x - most)
        return k.select(abs(x) > 1e-7, made, x * loop_math.exp(k, -most)) if zero else made

    powers = lowering.materialise(
        lowering.elementwise(power, scores.dtype, scores, highest, cost=_DEAR)
    )
    total = lowering.reduce(powers, [1], 0.0, lambda _, a, b: a + b, name="sum")

    def share(k: Kernel, x: Value, whole: Value) -> Value:
        return x / (k.select(whole.eq(0.0), k.const(1.0, whole.type), whole) if zero else whole)

    return lowering.elementwise(share, scores.dtype, powers, total)


def _logistic(k: Kernel, x: Value) -> Value:
    small = 1.0 / (1.0 + loop_math.exp(k, -abs(x)))
    return k.select(x < 0.0, 1.0 - small, small)


def _probit(k: Kernel, x: Value) -> Value:
    y = x * 2.0 - 1.0
    log = loop_math.log(k, (1.0 - y) * (1.0 + y))
    half = log * 0.5 + 2 / (3.14159 * 0.147)
    size = k.sqrt(k.sqrt(half * half - log / 0.147) - half) * math.sqrt(2)
    return k.select(y > 0.0, size, k.select(y < 0.0, -size, size * 0.0))
