"""Writing updates at indices, duplicates reduced: for the scatter operators."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType

if TYPE_CHECKING:
    from collections.abc import Callable

    from likewise.ir import Array
    from likewise.loop import Value
    from likewise.lower import Index, Kernel, Lowering, TensorView

__all__ = ["Reduction", "check_reduction", "scatter_flat", "scatter_views"]

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


def scatter_views(
    lowering: Lowering,
    data: TensorView,
    updates: TensorView,
    place: Callable[[Kernel, Index], Index],
    reduction: str,
) -> TensorView:
    """A copy of `data` with each element of `updates` put at `place(k, its index)`, in order."""
    made = lowering.empty(data.dtype, data.shape)
    lowering.write(lowering.settle(data), made)  # a copy: others may read what data is
    with lowering.kernel(f"{data.storage}_scatter_{reduction}") as k, ExitStack() as stack:
        index = tuple(stack.enter_context(k.loop(size)) for size in updates.shape)
        value = updates.read(k, index)
        buffer, position = made.address(k, place(k, index))
        if reduction != "none":
            value = _combine(k, k.read(buffer, position), value, reduction)
        k.write(buffer, position, k.narrow(value, data.storage))
    return made


def _combine(k: Kernel, old: Value, new: Value, reduction: str) -> Value:
    if old.type.is_bool:
        return old | new if reduction in {"add", "max"} else old & new
    match reduction:
        case "add":
            return old + new
        case "mul":
            return old * new
        case "max":
            return k.max(old, new)
    return k.min(old, new)
