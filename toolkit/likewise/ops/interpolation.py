"""Sampling between elements: what Resize, GridSample and RoiAlign have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from likewise.ir import DType
from likewise.loop import type_named
from likewise.loop.types import scalar_or_vector

if TYPE_CHECKING:
    from collections.abc import Iterable

    from likewise.ir import Array
    from likewise.loop import Value
    from likewise.lower import Kernel, Lowering, TensorView
    from likewise.ops.ai_onnx.resize import Resize

__all__ = ["Axis", "computed_dtype", "cubic", "lower_resample", "resample"]


class Axis(NamedTuple):
    """One axis to sample anew: `length` elements of `source`, `scale` times as dense.

    `start` and `end` are the part of the input (0 to 1) that `tf_crop_and_resize` takes.
    """

    axis: int
    source: int
    length: int
    scale: float
    start: float = 0.0
    end: float = 1.0

    @property
    def is_identity(self) -> bool:
        """Whether the axis stays as it is."""
        return (
            self.scale == 1.0
            and self.length == self.source
            and (self.start, self.end) == (0.0, 1.0)
        )


def computed_dtype(dtype: np.dtype[np.generic]) -> np.dtype[np.generic]:
    """The floating-point type in which means of elements of `dtype` are computed."""
    if dtype.kind == "c" or dtype == np.float64:
        return dtype
    wide = dtype.kind in "iu" and dtype.itemsize > 2
    return np.dtype(np.float64 if wide else np.float32)


def cubic(distance: Array, a: float) -> Array:
    """The piecewise cubic kernel with parameter `a`: Keys 1981, equation 4."""
    d = np.abs(distance)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    result: Array = np.where(d <= 1, near, np.where(d < 2, far, 0.0))
    return result


def resample(x: Array, axes: Iterable[Axis], how: Resize) -> Array:
    """`x` sampled along each of `axes` as the attributes of `how` say."""
    todo = [axis for axis in axes if not axis.is_identity]
    # Shrinking first leaves less to do for the other axes; the last axis costs most.
    todo.sort(key=lambda axis: (axis.length / max(axis.source, 1), -axis.axis))
    if how.mode == "nearest":
        return _resample_nearest(x, todo, how)
    if not todo or x.size == 0 or 0 in (axis.length for axis in todo):
        shape = list(x.shape)
        for axis in todo:
            shape[axis.axis] = axis.length
        return np.zeros(shape, x.dtype) if todo else x
    y = x.astype(computed_dtype(x.dtype), copy=False)
    outsides = []
    for axis in todo:
        place = _coordinates(axis, how.coordinate_transformation_mode)
        index, weight = _taps(place, axis, how)
        y = _weighted(y, axis.axis, index, weight.astype(y.real.dtype))
        outsides.append((axis, _outside(place, axis, how)))
    for axis, outside in outsides:
        _fill(y, axis, outside, how.extrapolation_value)
    if x.dtype.kind in "iu":
        # As onnxruntime has it: without its fraction, but rounded after an antialiasing filter.
        info = np.iinfo(x.dtype)
        y = np.clip(np.rint(y) if how.antialias else np.trunc(y), info.min, info.max)
    return y.astype(x.dtype, copy=False)


def lower_resample(
    lowering: Lowering, x: TensorView, axes: Iterable[Axis], how: Resize
) -> TensorView:
    """`resample` of a view."""
    todo = [axis for axis in axes if not axis.is_identity]
    todo.sort(key=lambda axis: (axis.length / max(axis.source, 1), -axis.axis))
    dtype, y = x.dtype, x
    work = DType.of(computed_dtype(dtype.numpy))
    if how.mode != "nearest" and todo and work is not dtype:
        kind = type_named("f32" if work is DType.FLOAT else "f64")
        y = lowering.elementwise(
            lambda k, v: v if v.type.is_float else v.cast(scalar_or_vector(kind, k.lanes)), work, y
        )
    elif how.mode == "nearest":
        y = lowering.settle(y)
    empty = x.size == 0 or 0 in (axis.length for axis in todo)
    outsides = []
    for axis in todo:
        place = _coordinates(axis, how.coordinate_transformation_mode)
        if empty:
            shape = (*y.shape[: axis.axis], axis.length, *y.shape[axis.axis + 1 :])
            storage = y.storage
            y = lowering.generate(y.dtype, shape, lambda k, _, of=storage: k.number(0, of))
        elif how.mode == "nearest":
            index = np.clip(_nearest(place, how.nearest_mode), 0, axis.source - 1)
            y = lowering.gather_axis(y, axis.axis, index.astype(np.intp))
        else:
            y = lowering.weigh_axis(y, axis.axis, *_taps(place, axis, how))
        outsides.append((axis, _outside(place, axis, how)))
    for axis, outside in outsides:
        if outside is not None:
            table = outside.reshape([-1] + [1] * (x.rank - 1 - axis.axis))
            mask = lowering.constant(table)
            y = lowering.elementwise(
                lambda k, v, m: k.select(m, how.extrapolation_value, v), y.dtype, y, mask
            )
    if y.dtype is dtype:
        return y
    if not dtype.is_integer:
        return lowering.elementwise(lambda _, v: v, dtype, y)
    info, narrow = np.iinfo(dtype.numpy), x.storage.value

    def whole(k: Kernel, v: Value) -> Value:
        v = k.apply("nearest", v) if how.antialias else v
        return k.min(k.max(v, float(info.min)), float(info.max)).cast(narrow)

    return lowering.elementwise(whole, dtype, y)


def _resample_nearest(x: Array, todo: list[Axis], how: Resize) -> Array:
    y = x
    outsides = []
    for axis in todo:
        place = _coordinates(axis, how.coordinate_transformation_mode)
        index = np.clip(_nearest(place, how.nearest_mode), 0, axis.source - 1).astype(np.intp)
        times = axis.length // max(axis.source, 1)
        if (
            axis.source
            and times * axis.source == axis.length
            and np.array_equal(index, np.arange(axis.length) // times)
        ):
            y = _repeated(y, axis.axis, times)
        else:
            y = np.take(y, index, axis.axis)
        outsides.append((axis, _outside(place, axis, how)))
    if any(outside is not None for _, outside in outsides):
        y = y.copy()
    for axis, outside in outsides:
        _fill(y, axis, outside, how.extrapolation_value)
    return y


def _repeated(x: Array, axis: int, times: int) -> Array:
    """Each element along `axis` `times` times: strided copies, no index."""
    before, after = x.shape[: axis + 1], x.shape[axis + 1 :]
    made = np.empty((*before, times, *after), x.dtype)
    for copy in range(times):
        made[(slice(None),) * (axis + 1) + (copy,)] = x
    return made.reshape(*before[:-1], before[-1] * times, *after)


def _coordinates(axis: Axis, mode: str) -> Array:
    """The place in the input of each output element.

    In float32, as onnxruntime computes them: of two elements equally near, rounding decides.
    """
    one = np.float32
    to = np.arange(axis.length, dtype=one)
    scale = one(axis.scale)
    # ONNX's text has the length here, its cases the unrounded one; they differ for scales only.
    target = one(axis.source) * scale if axis.length > 1 else one(1)
    if mode == "align_corners":
        return to * one(axis.source - 1) / (target - one(1)) if target != 1 else to * one(0)
    if mode == "tf_crop_and_resize":
        start, end, last = one(axis.start), one(axis.end), one(axis.source - 1)
        if axis.length == 1:
            return one(0.5) * (start + end) * last + to
        return start * last + to * (end - start) * last / one(axis.length - 1)
    if mode == "asymmetric":
        return to / scale
    if mode == "tf_half_pixel_for_nn":
        return (to + one(0.5)) / scale
    if mode == "pytorch_half_pixel" and axis.length == 1:
        return to
    place = (to + one(0.5)) / scale
    if mode == "half_pixel_symmetric":
        centre = one(axis.source) / one(2)
        place += centre * (one(1) - one(axis.length) / (one(axis.source) * scale))
    return place - one(0.5)


def _nearest(place: Array, mode: str) -> Array:
    if mode == "floor":
        return np.floor(place)
    if mode == "ceil":
        return np.ceil(place)
    half = np.float32(0.5)
    below = np.floor(place)
    over = place - below
    up = over > half if mode == "round_prefer_floor" else over >= half
    return below + up


def _taps(place: Array, axis: Axis, how: Resize) -> tuple[Array, Array]:
    """The input elements, [length, taps], that each output element is made of, and their weights.

    When shrinking, `antialias` widens the kernel by 1 / scale. Elements beyond the edge are the
    edge itself, or nothing with `exclude_outside`.
    """
    squeeze = min(axis.scale, 1.0) if how.antialias else 1.0
    reach = 1 if how.mode == "linear" else 2
    first = int(np.floor(-reach / squeeze)) + 1
    exact = place.astype(np.float64)
    index = np.floor(exact)[:, None] + np.arange(first, 2 - first)
    distance = (index - exact[:, None]) * squeeze
    if how.mode == "linear":
        weight = np.maximum(1 - np.abs(distance), 0)
    else:
        weight = cubic(distance, how.cubic_coeff_a)
    if how.antialias:
        weight /= weight.sum(1, keepdims=True)
    if how.exclude_outside:
        weight[(index < 0) | (index >= axis.source)] = 0
        total = weight.sum(1, keepdims=True)
        weight /= np.where(total == 0, 1, total)
    return np.clip(index, 0, axis.source - 1).astype(np.intp), weight


def _weighted(x: Array, axis: int, index: Array, weight: Array) -> Array:
    """The sum over taps of the elements at `index` along `axis` times `weight`."""
    shifts = _shifts(index, x.shape[axis]) if axis == x.ndim - 1 else None
    if shifts is not None:
        return _weighted_slices(x, shifts, weight)
    shape = (-1,) + (1,) * (x.ndim - 1 - axis)
    total: Array | None = None
    for tap in range(index.shape[1]):
        if not weight[:, tap].any():
            continue
        part = np.take(x, index[:, tap], axis)
        part *= weight[:, tap].reshape(shape)
        if total is None:
            total = part
        else:
            total += part
    return np.take(x, index[:, 0] * 0, axis) * 0 if total is None else total


def _shifts(index: Array, source: int) -> Array | None:
    """By phase and tap, how far apart from its output's element a tap lies; None if that varies.

    It is constant where the length is a multiple of `source`: phase p of n is every n-th output.
    """
    times = len(index) // max(source, 1)
    if not 1 < times <= 8 or times * source != len(index):
        return None
    at, middle = np.arange(source)[:, None, None], source // 2
    phases = index.reshape(source, times, -1)
    shifts: Array = phases[middle] - middle
    same = np.array_equal(np.clip(at + shifts, 0, source - 1), phases)
    return shifts if same and np.abs(shifts).max() < source else None


def _weighted_slices(x: Array, shifts: Array, weight: Array) -> Array:
    """The sum over taps along the last axis, which slices serve where `shifts` are constant."""
    times, source = len(shifts), x.shape[-1]
    width = int(np.abs(shifts).max())
    padded = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(width, width)], mode="edge")
    made = np.empty((*x.shape, times), x.dtype)
    for phase, taps in enumerate(shifts.tolist()):
        total = None
        for tap, shift in enumerate(taps):
            part = padded[..., width + shift : width + shift + source] * weight[phase::times, tap]
            total = part if total is None else np.add(total, part, out=total)
        made[..., phase] = total
    return made.reshape(*x.shape[:-1], source * times)


def _outside(place: Array, axis: Axis, how: Resize) -> Array | None:
    if how.coordinate_transformation_mode != "tf_crop_and_resize":
        return None
    outside = (place < 0) | (place > axis.source - 1)
    return outside if outside.any() else None


def _fill(y: Array, axis: Axis, outside: Array | None, value: float) -> None:
    if outside is not None:
        y[(slice(None),) * axis.axis + (outside,)] = value
