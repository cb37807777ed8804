"""Pad: elements put before and behind a tensor along its axes, or taken off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from likewise.errors import InferenceError, LikewiseError
from likewise.ir import DType, TensorType, fresh
from likewise.ops.case import Case, boolean, f32, i32, i64, strings
from likewise.ops.checks import check_dtype, check_rank, check_same_dtype, normalize_axes
from likewise.ops.operator import Operator
from likewise.ops.sizes import known_dims
from likewise.ops.static import content, output_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from likewise.ir import Array, Dim
    from likewise.loop import Value
    from likewise.lower import Index, Kernel, Lowering, TensorView
    from likewise.ops.build import OldForm


class Pad(Operator, versions=(1, 2, 11, 13, 18, 19, 21, 23, 24, 25)):
    """`pads` names the elements before each of `axes` (all), then those behind each.

    "constant" puts `constant_value` (0), "edge" the outermost element, "reflect" goes back from
    it, "wrap" begins anew at the other end. Negative pads take elements off, and do so before the
    rest is padded, as onnxruntime does it. Reflections and wraps repeat as often as needed.
    """

    mode: Literal["constant", "reflect", "edge", "wrap"] = "constant"
    symbolic = True
    on_narrow = "take"

    def infer(
        self,
        data: TensorType,
        pads: TensorType,
        constant_value: TensorType | None = None,
        axes: TensorType | None = None,
    ) -> TensorType:
        check_dtype(pads, {DType.INT64}, "pads")
        check_rank(pads, 1, "pads")
        check_same_dtype(data=data, constant_value=constant_value)
        if axes is not None:
            check_dtype(axes, {DType.INT32, DType.INT64}, "axes")
            check_rank(axes, 1, "axes")
        if axes is not None and axes.constant is None:
            return data.with_shape(fresh("pad") for _ in data.shape)
        named = range(data.rank) if axes is None or axes.constant is None else axes.constant
        where = normalize_axes(named, data.rank)
        if isinstance(pads.shape[0], int) and pads.shape[0] != 2 * len(where):
            raise InferenceError(
                f"pads has {pads.shape[0]} entries", allowed=f"{2 * len(where)}, two an axis"
            )
        sizes, dims = known_dims(pads), list(data.shape)
        for index, axis in enumerate(where):
            if sizes is None:
                dims[axis] = fresh("pad")
            else:
                dims[axis] = _padded(dims[axis], sizes[index], sizes[index + len(where)])
        return data.with_shape(dims)

    def evaluate(
        self,
        data: Array,
        pads: Array,
        constant_value: Array | None = None,
        axes: Array | None = None,
    ) -> Array:
        where = range(data.ndim) if axes is None else [axis % data.ndim for axis in axes.tolist()]
        begin, end = [0] * data.ndim, [0] * data.ndim
        sizes = pads.tolist()
        for index, axis in enumerate(where):
            begin[axis], end[axis] = sizes[index], sizes[index + len(where)]
            _padded(data.shape[axis], begin[axis], end[axis])
        if not any(begin) and not any(end):
            return data
        if self.mode == "constant":
            return _with_constant(data, begin, end, constant_value)
        if any(size < 0 for size in sizes):
            both = zip(begin, end, data.shape, strict=True)
            data = data[tuple(_kept(n, b, e) for b, e, n in both)]
            begin, end = [max(0, b) for b in begin], [max(0, e) for e in end]
        for axis in range(data.ndim):
            if begin[axis] or end[axis]:
                data = data.take(self._sources(data.shape[axis], begin[axis], end[axis]), axis)
        return data

    def _sources(self, size: int, begin: int, end: int) -> Array:
        """Where each element along a padded axis comes from."""
        if size == 0:
            raise LikewiseError(f"an empty dim cannot be padded by {self.mode!r}")
        index = np.arange(-begin, size + end)
        if self.mode == "edge":
            return index.clip(0, size - 1)
        if self.mode == "wrap":
            return index % size
        if size == 1:
            return np.zeros_like(index)
        index %= 2 * (size - 1)
        return np.minimum(index, 2 * (size - 1) - index)

    def lower(
        self,
        lowering: Lowering,
        data: TensorView,
        pads: TensorView,
        constant_value: TensorView | None = None,
        axes: TensorView | None = None,
    ) -> TensorView:
        shape = output_shape(self, data, pads, constant_value, axes)
        where = range(data.rank) if axes is None else content(axes, "axes").tolist()
        sizes = content(pads, "pads").tolist()
        begin, crop, inside = [0] * data.rank, [0] * data.rank, list(data.shape)
        for index, axis in enumerate(where):
            first, last = sizes[index], sizes[index + len(where)]
            inside[axis] = max(0, inside[axis] + min(first, 0) + min(last, 0))
            begin[axis] = min(max(first, 0), shape[axis] - inside[axis])
            crop[axis] = max(-first, 0)
        ones = [1] * data.rank
        if any(crop) or tuple(inside) != data.shape:
            data = data.slice(crop, ones, inside)
        if data.shape == shape:
            return data
        if self.mode == "constant":
            zero = lowering.constant(np.zeros((), data.dtype.numpy), data.dtype)
            filling = (zero if constant_value is None else constant_value).reshape(())
            filling = filling.broadcast(shape)
        else:
            data = lowering.shared(data, 2)
            filling = data.viewed(shape, self._source(data.shape, begin))
        made = lowering.empty(data.dtype, shape, data.order)
        lowering.write(data, made.slice(begin, ones, data.shape), "pad")
        # Around the data two slabs an axis, each between those of the axes before.
        starts, lengths = [0] * data.rank, list(shape)
        for axis, size in enumerate(data.shape):
            behind = begin[axis] + size
            for start, stop in ((0, begin[axis]), (behind, shape[axis])):
                starts[axis], lengths[axis] = start, stop - start
                slab = filling.slice(starts, ones, lengths)
                lowering.write(slab, made.slice(starts, ones, lengths), "pad")
            starts[axis], lengths[axis] = begin[axis], size
        return made

    def _source(
        self, shape: Sequence[int], begin: Sequence[int]
    ) -> Callable[[Kernel, Index], list[Value]]:
        """Where each element comes from, as an index into data of `shape`."""
        if 0 in shape:
            raise LikewiseError(f"an empty dim cannot be padded by {self.mode!r}")

        def along(k: Kernel, at: Value, size: int) -> Value:
            if self.mode == "edge":
                return k.min(k.max(at, 0), size - 1)
            if self.mode == "wrap":
                return at % size
            if size == 1:
                return k.index(0)
            back = at % (2 * (size - 1))
            return k.min(back, 2 * (size - 1) - back)

        def source(k: Kernel, index: Index) -> list[Value]:
            moved = (at - first for at, first in zip(index, begin, strict=True))
            return [along(k, at, size) for at, size in zip(moved, shape, strict=True)]

        return source

    @classmethod
    def upgrade(cls, old: OldForm) -> Any:
        x = old.type(0)
        if old.opset >= 11 or x is None:
            return
        old.to_input("paddings" if old.opset < 2 else "pads", 1)
        old.to_input("value", 2, x.dtype)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 2, 3], [4, 5, 6]])
        pads, one = i64([0, 2, 0, 1]), i64([1])
        yield Case(cls(), [x, pads], [f32([[0, 0, 1, 2, 3, 0], [0, 0, 4, 5, 6, 0]])])
        minus = [f32([[-1, -1, 2, 3], [-1, -1, 5, 6]])]
        yield Case(cls(), [x, i64([0, -1, 1, 0])], [f32([[2, 3], [5, 6], [0, 0]])])
        yield Case(cls(), [x[:, 1:], i64([2, 0]), f32(-1), i32([-1])], minus)
        along = [x, i64([3, 2]), None, one]
        yield Case(cls(mode="edge"), along, [x[:, [0, 0, 0, 0, 1, 2, 2, 2]]])
        yield Case(cls(mode="reflect"), along, [x[:, [1, 2, 1, 0, 1, 2, 1, 0]]])
        yield Case(cls(mode="wrap"), along, [x[:, [0, 1, 2, 0, 1, 2, 0, 1]]])
        yield Case(cls(), [x, i64([2, -4]), f32(7), one], [f32([[7], [7]])])
        yield Case(cls(mode="edge"), [x, i64([2, -1]), None, one], [x[:, [0, 0, 0, 1]]])
        yield Case(cls(), [strings(["a"]), i64([0, 1])], [strings(["a", ""])])
        yield Case(cls(), [boolean([True]), i64([1, 0])], [boolean([False, True])])
        yield Case(cls(), [x, one], error="pads has 1 entries; allowed: 4, two an axis")
        yield Case(cls(), [x, i64([0, -2, 0, -2])], error="take off more than there is")
        yield Case(cls(mode="edge"), [x[:0], i64([1, 0, 0, 0])], error="an empty dim cannot be")


def _padded(size: Dim, begin: Dim, end: Dim) -> Dim:
    made = size + begin + end
    if isinstance(made, int) and made < 0:
        raise InferenceError(
            "pads take off more than there is", given=f"{begin} and {end} of {size}"
        )
    return made


def _with_constant(data: Array, begin: list[int], end: list[int], value: Array | None) -> Array:
    shape = tuple(b + n + e for b, n, e in zip(begin, data.shape, end, strict=True))
    if value is not None:
        padded = np.full(
            shape, value.item() if value.dtype == object else value.reshape(()), data.dtype
        )
    elif data.dtype == object:
        padded = np.full(shape, "" if any(isinstance(v, str) for v in data.flat) else 0, object)
    else:
        padded = np.zeros(shape, data.dtype)
    kept = [_kept(n, b, e) for b, n, e in zip(begin, data.shape, end, strict=True)]
    if all(part.stop > part.start for part in kept):
        there = (slice(part.start + b, part.stop + b) for part, b in zip(kept, begin, strict=True))
        padded[tuple(there)] = data[tuple(kept)]
    return padded


def _kept(size: int, begin: int, end: int) -> slice:
    """What negative pads leave of a dim; they may take off more than it has."""
    start = min(max(0, -begin), size)
    return slice(start, max(start, size + min(0, end)))
