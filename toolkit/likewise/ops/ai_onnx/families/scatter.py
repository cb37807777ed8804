"""ScatterElements, ScatterND and the deprecated Scatter: updates put into a copy of a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_dtype, check_rank, check_same_dtype, normalize_axis
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import OldForm

Reduce: TypeAlias = Literal["none", "add", "mul", "max", "min"]

_INDICES = frozenset({DType.INT32, DType.INT64})
_AT = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


def _put(target: Array, places: tuple[Array, ...], updates: Array, reduction: Reduce) -> None:
    """Put `updates` at `places`; repeated places are all taken into a reduction."""
    if reduction == "none":
        target[places] = updates
        return
    function: Any = _AT[reduction]
    if target.dtype.kind == "V":  # ml_dtypes: ufunc.at is not defined for every type
        wide = target.astype(np.float32)
        function.at(wide, places, updates.astype(np.float32))
        target[...] = wide.astype(target.dtype)
        return
    function.at(target, places, updates)


class ScatterElements(Operator, versions=(11, 13, 16, 18)):
    """`output[…, indices[i], …] = updates[i]` along `axis`, combined by `reduction`.

    Of repeated places without reduction the last in row-major order stays.
    """

    axis: int = 0
    reduction: Literal["none", "add", "mul", "max", "min"] = "none"

    def infer(self, data: TensorType, indices: TensorType, updates: TensorType) -> TensorType:
        check_dtype(indices, _INDICES, "indices")
        check_same_dtype(data=data, updates=updates)
        check_rank(indices, data.rank, "indices")
        check_rank(updates, data.rank, "updates")
        normalize_axis(self.axis, data.rank)
        if indices.is_static and updates.is_static and indices.shape != updates.shape:
            raise InferenceError(
                "indices and updates differ in shape", given=f"{indices} and {updates}"
            )
        return data.with_shape(data.shape)

    def evaluate(self, data: Array, indices: Array, updates: Array) -> Array:
        made = data.copy()
        axis = normalize_axis(self.axis, data.ndim)
        places = list(np.ogrid[tuple(map(slice, indices.shape))])
        places[axis] = _counted(indices, data.shape[axis])
        _put(made, tuple(np.broadcast_arrays(*places)), updates, self.reduction)
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 2, 3, 4, 5]])
        where, new = i64([[1, -2]]), f32([[1.5, 2.5]])
        yield Case(cls(axis=1), [x, where, new], [f32([[1, 1.5, 3, 2.5, 5]])])
        twice = i64([[1, 1]])
        for reduction, value in (("add", 6.0), ("mul", 7.5), ("max", 2.5), ("min", 1.5)):
            made = f32([[1, value, 3, 4, 5]])
            yield Case(cls(axis=1, reduction=reduction), [x, twice, new], [made])
        yield Case(cls(axis=1), [x, i64([[5]]), f32([[1]])], error="index 5 is out of range")
        yield Case(cls(axis=1), [x, where, f32([[1]])], error="indices and updates differ")


class Scatter(Operator, versions=(9, 11)):
    """The name of ScatterElements before opset 11."""

    replaced = True
    axis: int = 0

    @classmethod
    def upgrade(cls, old: OldForm) -> Any:
        return old.builder.ScatterElements(*old.inputs, axis=old.attributes.get("axis", 0))

    def infer(self, data: TensorType, indices: TensorType, updates: TensorType) -> TensorType:
        return ScatterElements(axis=self.axis).infer(data, indices, updates)

    def evaluate(self, data: Array, indices: Array, updates: Array) -> Array:
        return ScatterElements(axis=self.axis).evaluate(data, indices, updates)


class ScatterND(Operator, versions=(11, 13, 16, 18)):
    """`output[indices[i]] = updates[i]`, each index naming an element or a slice."""

    reduction: Literal["none", "add", "mul", "max", "min"] = "none"

    def infer(self, data: TensorType, indices: TensorType, updates: TensorType) -> TensorType:
        check_dtype(indices, {DType.INT64}, "indices")
        check_same_dtype(data=data, updates=updates)
        if indices.rank < 1:
            raise InferenceError("indices is a scalar", allowed="1 dim or more")
        depth = indices.shape[-1]
        if isinstance(depth, int):
            if depth > data.rank:
                raise InferenceError(
                    "an index names more axes than there are", given=depth, allowed=data.rank
                )
            check_rank(updates, indices.rank - 1 + data.rank - depth, "updates")
        return data.with_shape(data.shape)

    def evaluate(self, data: Array, indices: Array, updates: Array) -> Array:
        made = data.copy()
        columns = np.moveaxis(indices, -1, 0)
        sizes = data.shape[: len(columns)]
        places = tuple(_counted(one, size) for one, size in zip(columns, sizes, strict=True))
        _put(made, places, updates, self.reduction)
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([1, 2, 3, 4])
        yield Case(cls(), [x, i64([[3], [-4]]), f32([8, 9])], [f32([9, 2, 3, 8])])
        rows = f32([[1, 2], [3, 4]])
        yield Case(cls(), [rows, i64([[1]]), f32([[7, 8]])], [f32([[1, 2], [7, 8]])])
        yield Case(cls(reduction="add"), [x, i64([[1], [1]]), f32([1, 2])], [f32([1, 5, 3, 4])])
        yield Case(cls(), [x, i64([[4]]), f32([1])], error="index 4 is out of range")
        yield Case(cls(), [x, i64([[0, 0]]), f32([1])], error="more axes than there are")


def _counted(indices: Array, size: int) -> Array:
    """Indices counted from the front; raises `InferenceError` for one out of range."""
    if indices.size and (indices.min() < -size or indices.max() >= size):
        wrong = indices[(indices < -size) | (indices >= size)].flat[0]
        raise InferenceError(f"index {wrong} is out of range", allowed=f"{-size} to {size - 1}")
    return np.where(indices < 0, indices + size, indices)
