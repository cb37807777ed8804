"""The kernels of support vector machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.loop import math as loop_math

if TYPE_CHECKING:
    from likewise.ir import Array
    from likewise.loop import Value
    from likewise.lower import Kernel, Lowering, TensorView

__all__ = ["KernelType", "kernel", "kernel_view", "parameters"]

KernelType: TypeAlias = Literal["LINEAR", "POLY", "RBF", "SIGMOID"]


def parameters(values: tuple[float, ...] | None) -> tuple[float, float, float]:
    """gamma, coef0 and degree; 0, 0 and 3 where they are not given."""
    if not values:
        return 0.0, 0.0, 3.0
    if len(values) != 3:
        raise InferenceError(
            "kernel_params does not fit", given=list(values), allowed="gamma, coef0, degree"
        )
    return values[0], values[1], values[2]


def kernel(
    kind: KernelType, x: Array, vectors: Array, settings: tuple[float, float, float]
) -> Array:
    """How alike each row of `x` [N, F] and each of `vectors` [M, F] are: [N, M]."""
    gamma, coef0, degree = settings
    dot = x @ vectors.T
    if kind == "LINEAR":
        return dot
    if kind == "POLY":
        return (gamma * dot + coef0) ** degree
    if kind == "SIGMOID":
        return np.tanh(gamma * dot + coef0)
    squares = np.square(x).sum(1)[:, None] + np.square(vectors).sum(1)
    return np.exp(-gamma * np.maximum(squares - 2 * dot, 0))


def kernel_view(
    lowering: Lowering,
    kind: KernelType,
    x: TensorView,
    vectors: Array,
    settings: tuple[float, float, float],
) -> TensorView:
    """`kernel` for compiled targets; all in float64."""
    gamma, coef0, degree = settings
    dot = lowering.matmul(x, lowering.constant(np.ascontiguousarray(vectors.T)))
    if kind == "LINEAR":
        return dot

    def curved(k: Kernel, value: Value) -> Value:
        inner = value * gamma + coef0
        if kind == "SIGMOID":
            return loop_math.tanh(k, inner)
        return loop_math.power(k, inner, k.const(degree, inner.type))

    def radial(k: Kernel, value: Value, own: Value, other: Value) -> Value:
        return loop_math.exp(k, k.max((own + other) - value * 2.0, 0.0) * -gamma)

    if kind != "RBF":
        return lowering.elementwise(curved, DType.DOUBLE, dot, cost=60)
    squares = lowering.elementwise(lambda _, v: v * v, DType.DOUBLE, x)
    own = lowering.reduce(squares, [1], 0.0, lambda _, a, b: a + b)
    others = lowering.constant(np.square(vectors).sum(1))
    return lowering.elementwise(radial, DType.DOUBLE, dot, own, others, cost=30)
