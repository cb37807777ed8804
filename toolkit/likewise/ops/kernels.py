"""The kernels of support vector machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from likewise.errors import InferenceError

if TYPE_CHECKING:
    from likewise.ir import Array

__all__ = ["KernelType", "kernel", "parameters"]

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
