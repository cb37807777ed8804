"""Slice: ranges of indices along axes, with steps in either direction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType, ceil_divide, fresh
from likewise.ops.case import Case, i32, i64
from likewise.ops.checks import check_dtype, check_rank, check_same_dtype, normalize_axes
from likewise.ops.operator import Operator
from likewise.ops.sizes import known_dims, lesser, nonnegative, positive_part
from likewise.ops.static import content, output_shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.ir import Array, Dim
    from likewise.lower import Lowering, TensorView
    from likewise.ops.build import OldForm

_FAR: Final = (1 << 31) - 1  # no dim is as large: ONNX names INT_MAX for "to the end"


class Slice(Operator, versions=(1, 10, 11, 13)):
    """From `starts` to `ends` (not included) by `steps` (1) along `axes` (0, 1, …).

    Negative starts and ends count from the back; then both are clamped to the dim.
    """

    symbolic = True
    on_narrow = "take"

    def infer(
        self,
        data: TensorType,
        starts: TensorType,
        ends: TensorType,
        axes: TensorType | None = None,
        steps: TensorType | None = None,
    ) -> TensorType:
        given = {"starts": starts, "ends": ends, "axes": axes, "steps": steps}
        for name, x in given.items():
            if x is not None:
                check_dtype(x, {DType.INT32, DType.INT64}, name)
                check_rank(x, 1, name)
        check_same_dtype(**given)
        first, last = known_dims(starts), known_dims(ends)
        count = next(
            (x.shape[0] for x in given.values() if x and isinstance(x.shape[0], int)), None
        )
        if (axes is not None and axes.constant is None) or (axes is None and count is None):
            return data.with_shape(fresh("slice") for _ in data.shape)
        named = range(int(count or 0)) if axes is None else axes.constant
        where = normalize_axes([] if named is None else named, data.rank)
        for name, x in given.items():
            if x is not None and isinstance(x.shape[0], int) and x.shape[0] != len(where):
                raise InferenceError(
                    f"{name} has {x.shape[0]} entries", allowed=f"{len(where)}, one an axis"
                )
        by: Sequence[Dim] | None = [1] * len(where) if steps is None else known_dims(steps)
        dims = list(data.shape)
        for index, axis in enumerate(where):
            if first is None or last is None or by is None:
                dims[axis] = fresh("slice")
            else:
                dims[axis] = range_length(first[index], last[index], by[index], dims[axis])
        return data.with_shape(dims)

    def evaluate(
        self,
        data: Array,
        starts: Array,
        ends: Array,
        axes: Array | None = None,
        steps: Array | None = None,
    ) -> Array:
        index: list[Any] = [slice(None)] * data.ndim
        first, last = starts.tolist(), ends.tolist()
        where = range(len(first)) if axes is None else axes.tolist()
        by = [1] * len(first) if steps is None else steps.tolist()
        for start, end, axis, step in zip(first, last, where, by, strict=True):
            begin, stop = bounds(start, end, step, data.shape[axis])
            index[axis] = slice(begin, None if stop < 0 else stop, step)
        return data[tuple(index)]

    def lower(
        self,
        _: Lowering,
        data: TensorView,
        starts: TensorView,
        ends: TensorView,
        axes: TensorView | None = None,
        steps: TensorView | None = None,
    ) -> TensorView:
        first, last = content(starts, "starts").tolist(), content(ends, "ends").tolist()
        where = range(len(first)) if axes is None else content(axes, "axes").tolist()
        by = [1] * len(first) if steps is None else content(steps, "steps").tolist()
        begins, strides = [0] * data.rank, [1] * data.rank
        for start, end, axis, step in zip(first, last, where, by, strict=True):
            begins[axis], _stop = bounds(start, end, step, data.shape[axis])
            strides[axis] = step
        return data.slice(begins, strides, output_shape(self, data, starts, ends, axes, steps))

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        for position, name in enumerate(("starts", "ends", "axes"), 1):
            old.to_input(name, position)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.arange(20, dtype=np.float32).reshape(4, 5)
        yield Case(cls(), [x, i64([1, 0]), i64([3, -1])], [x[1:3, :-1]])
        yield Case(cls(), [x, i32([1]), i32([1000]), i32([-1]), i32([2])], [x[:, 1::2]])
        back = i64([-1]), i64([-(2**63)]), i64([0]), i64([-1])
        yield Case(cls(), [x, *back], [x[::-1]])
        yield Case(cls(), [x, i64([7]), i64([0]), i64([1]), i64([-2])], [x[:, 4:0:-2]])
        # Before the first: a backward slice starts at the first element, unlike Python's.
        yield Case(cls(), [x, i64([-9]), i64([-9]), i64([0]), i64([-1])], [x[:1]])
        yield Case(cls(), [x, i64([3]), i64([1])], [x[:0]])
        yield Case(cls(), [x[:0], *back], [x[:0]])
        yield Case(cls(), [x, i64([0]), i64([1]), i64([2])], error="axes: 2 is out of range")
        yield Case(cls(), [x, i64([0]), i64([1]), i64([0]), i64([0])], error="a step is 0")
        yield Case(cls(), [x, i64([0, 1]), i64([1])], error="ends has 1 entries; allowed: 2")


def bounds(start: int, end: int, step: int, size: int) -> tuple[int, int]:
    """The first index and the one behind the last, clamped; -1 behind a backward slice to 0."""
    if step == 0:
        raise InferenceError("a step is 0", allowed="any other number")
    start += size if start < 0 else 0
    end += size if end < 0 else 0
    if size == 0:
        return 0, 0
    if step > 0:
        return min(max(start, 0), size), min(max(end, 0), size)
    return min(max(start, 0), size - 1), min(max(end, -1), size - 1)


def range_length(start: Dim, end: Dim, step: Dim, size: Dim) -> Dim:
    """The size of a slice of a dim of `size`, a new symbol where it cannot be told."""
    if not isinstance(step, int):
        return fresh("slice")
    if isinstance(start, int) and isinstance(end, int) and isinstance(size, int):
        first, last = bounds(start, end, step, size)
        return max(0, -((first - last) // step))
    if step == 0:
        raise InferenceError("a step is 0", allowed="any other number")
    if step < 0:
        whole = (start == -1 or _is_far(start, 1)) and _is_far(end, -1)
        return ceil_divide(size, -step) if whole else fresh("slice")
    first_place, last_place = _place(start, size), _place(end, size)
    if first_place is None or last_place is None:
        return fresh("slice")
    return ceil_divide(positive_part(last_place - first_place), step)


def _is_far(place: Dim, sign: int) -> bool:
    return isinstance(place, int) and place * sign >= _FAR


def _place(place: Dim, size: Dim) -> Dim | None:
    """A start or end clamped to 0 … `size`, or None: a symbol may be negative, then it wraps."""
    if isinstance(place, int):
        if place < 0:
            return positive_part(size + place) if place > -_FAR else 0
        return size if place >= _FAR else lesser(place, size)
    if nonnegative(place):
        return lesser(place, size)
    # From size - 1 the wrapped and the clamped meaning are the same: 0 where size is 0.
    return positive_part(place) if place == size - 1 else None
