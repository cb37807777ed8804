"""Writing updates at indices, duplicates reduced: for the scatter operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType

if TYPE_CHECKING:
    from likewise.ir import Array

__all__ = ["Reduction", "check_reduction", "scatter_flat"]

Reduction: TypeAlias = Literal["none", "add", "mul", "max", "min"]

_REDUCTIONS: Final[dict[str, np.ufunc]] = {
    "add": np.add,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
}


def check_reduction(data: TensorType, reduction: str) -> None:
    """Refuse element types that have no sums or no order."""
    unordered = data.dtype is DType.STRING or (
        data.dtype.is_complex and reduction in {"max", "min"}
    )
    if reduction != "none" and unordered:
        raise InferenceError(f"there is no reduction {reduction!r} of {data.dtype}")


def scatter_flat(data: Array, where: Array, updates: Array, reduction: str) -> Array:
    """A copy of `data` with `updates` at the flat places `where`, both of one shape.

    With a reduction every update counts, however often its place occurs, in their order; without
    one the last update of a place stays (ONNX leaves it open).
    """
    kind: Any = np.result_type(data, updates) if data.dtype != updates.dtype else data.dtype
    result = np.array(data, kind, order="C", copy=True)
    flat = result.reshape(-1)
    if reduction == "none":
        flat[where.reshape(-1)] = updates.reshape(-1)
    else:
        _REDUCTIONS[reduction].at(flat, where.reshape(-1), updates.reshape(-1))
    return result
