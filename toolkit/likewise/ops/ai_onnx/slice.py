"""Slice: a part of a tensor, by Python's rules for slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, Expression, TensorType, ceil_divide, fresh
from likewise.ops.case import Case, i64
from likewise.ops.checks import check_dtype, check_rank, normalize_axes
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.ir import Array, Dim
    from likewise.ops.build import OldForm

_INDICES = frozenset({DType.INT32, DType.INT64})


class Slice(Operator, versions=(1, 10, 11, 13)):
    """`data[starts:ends:steps]` along `axes`; bounds beyond the ends are clamped. A view."""

    symbolic = True

    def infer(
        self,
        data: TensorType,
        starts: TensorType,
        ends: TensorType,
        axes: TensorType | None = None,
        steps: TensorType | None = None,
    ) -> TensorType:
        for name, x in (("starts", starts), ("ends", ends), ("axes", axes), ("steps", steps)):
            if x is not None:
                check_dtype(x, _INDICES, name)
                check_rank(x, 1, name)
        given = _places(starts, axes)
        if given is None:
            return data.with_shape(fresh("slice") for _ in data.shape)
        chosen = normalize_axes(given, data.rank)
        shape = list(data.shape)
        for position, axis in enumerate(chosen):
            start, end = _at(starts, position), _at(ends, position)
            step = 1 if steps is None else _at(steps, position)
            shape[axis] = _length(shape[axis], start, end, step)
        return data.with_shape(shape)

    def evaluate(
        self,
        data: Array,
        starts: Array,
        ends: Array,
        axes: Array | None = None,
        steps: Array | None = None,
    ) -> Array:
        places = range(len(starts)) if axes is None else axes.tolist()
        chosen: list[Any] = [slice(None)] * data.ndim
        for position, axis in enumerate(places):
            start, end = int(starts[position]), int(ends[position])
            step = 1 if steps is None else int(steps[position])
            chosen[axis] = _python_slice(start, end, step, data.shape[axis])
        return data[tuple(chosen)]

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        for position, name in enumerate(("starts", "ends", "axes"), 1):
            old.to_input(name, position)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.arange(20, dtype=np.float32).reshape(4, 5)
        yield Case(cls(), [x, i64([1, 0]), i64([3, -1])], [x[1:3, :-1]])
        yield Case(cls(), [x, i64([1]), i64([1000]), i64([-1]), i64([2])], [x[:, 1::2]])
        last = i64([-(2**63)])
        yield Case(cls(), [x, i64([-1]), last, i64([0]), i64([-1])], [x[::-1]])
        yield Case(cls(), [x, i64([9]), i64([0]), i64([1]), i64([-3])], [x[:, 9:0:-3]])
        yield Case(cls(), [x, i64([3]), i64([1]), i64([0])], [x[3:1]])
        yield Case(cls(), [x, i64([0]), i64([1]), i64([0]), i64([0])], error="step of 0")
        yield Case(cls(), [x, i64([0]), i64([1]), i64([2])], error="axes: 2 is out of range")


def _places(starts: TensorType, axes: TensorType | None) -> Sequence[int] | None:
    """The axes that are sliced, or None where only a run can tell."""
    if axes is not None:
        return None if axes.constant is None else axes.constant.tolist()
    count = starts.shape[0]
    return range(count) if isinstance(count, int) else None


def _at(x: TensorType, position: int) -> Dim | None:
    """One bound: a number, a symbolic size, or None where it is not known."""
    if x.value is None or position >= len(x.value):
        return None
    bound = x.value[position]
    return bound if isinstance(bound, Expression) else int(bound)


def _length(size: Dim, start: Dim | None, end: Dim | None, step: Dim | None) -> Dim:
    """How many elements a slice takes of an axis; fresh where that cannot be told."""
    if step == 0:
        raise InferenceError("a slice has a step of 0")
    if isinstance(size, int) and isinstance(start, int) and isinstance(end, int):
        if isinstance(step, int):
            return len(range(*_python_slice(start, end, step, size).indices(size)))
        return fresh("slice")
    if not isinstance(step, int) or step < 0 or start is None or end is None:
        return fresh("slice")
    return _symbolic_length(size, start, end, step)


def _symbolic_length(size: Dim, start: Dim, end: Dim, step: int) -> Dim:
    """Where the bounds lie inside the axis for every size: from its start, to its end."""
    huge = 2**31 - 1
    if isinstance(start, int) and start == 0 and isinstance(end, int) and end >= huge:
        return ceil_divide(size, step)
    if start == 0 and end == size:
        return ceil_divide(size, step)
    if isinstance(start, Expression) or isinstance(end, Expression):
        # Sizes sliced by sizes: exporters write bounds that lie inside.
        stop = size if isinstance(end, int) and end >= huge else end
        if isinstance(start, int) and start < 0 or isinstance(stop, int) and stop < 0:
            return fresh("slice")
        return ceil_divide(stop - start, step)
    return fresh("slice")


def _python_slice(start: int, end: int, step: int, size: int) -> slice:
    """The slice that ONNX means: an end before the first element, going down, takes it in."""
    if step == 0:
        raise InferenceError("a slice has a step of 0")
    stop: int | None = end
    if step < 0 and end < -size:
        stop = None
    return slice(start, stop, step)
