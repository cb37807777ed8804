"""What the classifiers and regressors of `ai.onnx.ml` do with their scores, [N, E]."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType
from likewise.ops.checks import check_dtype, check_rank

if TYPE_CHECKING:
    from likewise.ir import Array, Dim

__all__ = ["FEATURES", "PostTransform", "as_rows", "batch_of", "labels_of", "logistic", "transform"]

PostTransform: TypeAlias = Literal["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"]

FEATURES: Final = frozenset({DType.FLOAT, DType.DOUBLE, DType.INT64, DType.INT32})
"""The element types that a model's features may have."""


def batch_of(x: TensorType) -> Dim:
    """N of features [N, F], 1 of features [F]; refuses what is neither."""
    check_dtype(x, FEATURES, "X")
    check_rank(x, {1, 2}, "X")
    return 1 if x.rank == 1 else x.shape[0]


def as_rows(x: Array) -> Array:
    """Features [N, F] or [F] as [N, F], of float64 where they are not float32."""
    rows = x.reshape(1, -1) if x.ndim == 1 else x
    return rows if rows.dtype == np.float32 else rows.astype(np.float64)


def labels_of(
    strings: tuple[str, ...] | None, integers: tuple[int, ...] | None
) -> tuple[Array, DType]:
    """The class labels with their element type; one of the two must be given."""
    if bool(strings) == bool(integers):
        raise InferenceError("one of the two lists of class labels must be given")
    if strings:
        return np.array(strings, object), DType.STRING
    return np.array(integers, np.int64), DType.INT64


def transform(scores: Array, kind: PostTransform) -> Array:
    """`scores` after the post transform, each row by itself, as float32.

    SOFTMAX_ZERO leaves scores of 0 (within 1e-7) nearly 0: they weigh exp(-max) times themselves.
    """
    if kind == "SOFTMAX":
        e = np.exp(scores - scores.max(1, keepdims=True, initial=-np.inf))
        scores = e / e.sum(1, keepdims=True)
    elif kind == "SOFTMAX_ZERO":
        highest = scores.max(1, keepdims=True, initial=-np.inf)
        e = np.where(np.abs(scores) > 1e-7, np.exp(scores - highest), scores * np.exp(-highest))
        total = e.sum(1, keepdims=True)
        scores = e / np.where(total == 0, 1, total)
    elif kind == "LOGISTIC":
        scores = logistic(scores)
    elif kind == "PROBIT":
        scores = probit(scores)
    return scores.astype(np.float32)


def logistic(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    small = 1 / (1 + np.exp(-np.abs(x)))
    return np.where(x < 0, 1 - small, small)


def probit(x: Array) -> Any:
    """The inverse of the normal distribution, as onnxruntime approximates it.

    It takes Winitzki's inverse error function with a = 0.147 (relative error up to 2e-3), and
    3.14159 for pi; ONNX does not say how exact it must be.
    """
    y = 2 * x.astype(np.float64) - 1
    log = np.log((1 - y) * (1 + y))
    half = 2 / (3.14159 * 0.147) + 0.5 * log
    return np.sqrt(2) * np.sign(y) * np.sqrt(np.sqrt(half * half - log / 0.147) - half)
