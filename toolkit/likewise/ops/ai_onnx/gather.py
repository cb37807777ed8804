"""Gather: slices of a tensor by their indices along an axis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InferenceError, LikewiseError
from likewise.ir import DType, TensorType
from likewise.ops.case import Case, f32, i32, i64, strings
from likewise.ops.checks import check_dtype, normalize_axis
from likewise.ops.indexing import index_at
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import Index, Kernel, Lowering, TensorView


class Gather(Operator, versions=(1, 11, 13)):
    """Along `axis`, the slice of `data` at each of `indices`, whose dims take the axis's place."""

    axis: int = 0
    symbolic = True
    on_narrow = "take"

    def infer(self, data: TensorType, indices: TensorType) -> TensorType:
        check_dtype(indices, {DType.INT32, DType.INT64}, "indices")
        if data.rank == 0:
            raise InferenceError("data has no dims", given=data, allowed="1 dim or more")
        axis = normalize_axis(self.axis, data.rank)
        return data.with_shape((*data.shape[:axis], *indices.shape, *data.shape[axis + 1 :]))

    def evaluate(self, data: Array, indices: Array) -> Array:
        try:
            if indices.ndim == 0:  # a view
                where: tuple[Any, ...] = (slice(None),) * (self.axis % data.ndim)
                return np.asarray(data[(*where, indices.item())], data.dtype)
            return np.take(data, as_places(indices), self.axis)
        except IndexError:
            raise out_of_bounds(indices, data.shape[self.axis]) from None

    def lower(self, lowering: Lowering, data: TensorView, indices: TensorView) -> TensorView:
        axis = self.axis % data.rank
        size, behind = data.shape[axis], axis + indices.rank
        shape = (*data.shape[:axis], *indices.shape, *data.shape[axis + 1 :])
        if math.prod(shape) > data.size:
            data = lowering.shared(data, 2)
        steps = None if indices.data is None else even_steps(indices.data, size)
        if steps is None:
            indices = lowering.materialise(indices)

        def back(k: Kernel, index: Index) -> Index:
            inner = index[axis:behind]
            if steps is None:
                at = index_at(k, indices, inner, size)
            else:
                at = k.index(steps[0]) if not inner else inner[0] * steps[1] + steps[0]
            return (*index[:axis], at, *index[behind:])

        return data.viewed(shape, back)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 2, 3], [4, 5, 6]])
        yield Case(cls(), [x, i64([[1, 0], [-1, -2]])], [x[[[1, 0], [1, 0]]]])
        yield Case(cls(axis=-1), [x, i32([2, 2])], [x[:, [2, 2]]])
        yield Case(cls(axis=1), [x, i64(-1)], [f32([3, 6])])
        yield Case(cls(), [f32([7, 8]), i64(1)], [f32(8)])
        yield Case(cls(), [x, np.zeros(0, np.int64)], [np.zeros((0, 3), np.float32)])
        yield Case(cls(), [strings(["a", "b"]), i64([1, 1])], [strings(["b", "b"])])
        yield Case(cls(), [x, i64([0, 2])], error="an index is out of range; given: 2; allowed: -2")
        yield Case(cls(), [x[:0], i64([-1])], error="an index is out of range; given: -1")
        yield Case(cls(), [f32(1), i64([0])], error="data has no dims")


def as_places(indices: Array) -> Array:
    """Indices as NumPy takes them, which is in 32 bits in WebAssembly.

    Raises `IndexError` for one that this cannot hold: no axis is so long.
    """
    found = indices.astype(np.intp, copy=False)
    if found.itemsize < indices.itemsize and (found != indices).any():
        raise IndexError
    return found


def out_of_bounds(indices: Array, size: int) -> LikewiseError:
    """The error that says which of `indices` into a dim of `size` is out of range."""
    bad = indices[(indices < -size) | (indices >= size)]
    return LikewiseError(
        "an index is out of range",
        given=bad.flat[0] if bad.size else None,
        allowed=f"{-size} to {size - 1}" if size else "none: the dim is empty",
    )


def even_steps(indices: Array, size: int) -> tuple[int, int] | None:
    """Start and step of indices at even distances, one or none of them; else None."""
    if indices.ndim > 1 or indices.size == 0:
        return None
    found = np.where(indices < 0, indices + size, indices).reshape(-1)
    if found.min() < 0 or found.max() >= size:
        raise out_of_bounds(indices, size)
    step = int(found[1] - found[0]) if found.size > 1 else 1
    return (int(found[0]), step) if (np.diff(found) == step).all() else None
