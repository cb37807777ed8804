"""Resize: sampling a tensor anew along its axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from likewise.errors import InferenceError, UnsupportedError
from likewise.ir import DType, TensorType, fresh
from likewise.ops.case import Case, f32, i64, u8
from likewise.ops.checks import check_dtype, check_rank, normalize_axes
from likewise.ops.interpolation import Axis, lower_resample, resample
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.ir import Array, Dim
    from likewise.lower import Lowering, TensorView
    from likewise.ops.build import OldForm

Coordinates: TypeAlias = Literal[
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_crop_and_resize",
    "tf_half_pixel_for_nn",
]
Nearest: TypeAlias = Literal["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]


class Resize(Operator, versions=(10, 11, 13, 18, 19)):
    """Every output element is a weighted mean of the input elements near its place in the input.

    The axes are independent, so they are sampled one after another. One of `scales` and `sizes`
    is given (the other absent or empty), and refers to `axes` (all by default). `roi` counts for
    `tf_crop_and_resize` only.

    Where ONNX is silent: sizes from scales are computed in float32, as its own shape inference
    does; integers are computed in float and rounded as onnxruntime does.
    """

    antialias: bool = False
    axes: tuple[int, ...] | None = None
    coordinate_transformation_mode: Coordinates = "half_pixel"
    cubic_coeff_a: float = -0.75
    exclude_outside: bool = False
    extrapolation_value: float = 0.0
    keep_aspect_ratio_policy: Literal["stretch", "not_larger", "not_smaller"] = "stretch"
    mode: Literal["nearest", "linear", "cubic"] = "nearest"
    nearest_mode: Nearest = "round_prefer_floor"

    def infer(
        self,
        x: TensorType,
        roi: TensorType | None = None,
        scales: TensorType | None = None,
        sizes: TensorType | None = None,
    ) -> TensorType:
        if roi is not None and self.coordinate_transformation_mode == "tf_crop_and_resize":
            check_dtype(roi, {DType.FLOAT, DType.FLOAT16, DType.DOUBLE}, "roi")
        scales, sizes = _given(scales), _given(sizes)
        if (scales is None) == (sizes is None):
            raise InferenceError(
                "one of scales and sizes must be given",
                given="none" if scales is None else "both",
            )
        axes = self._axes(x.rank)
        found = list(x.shape)
        if sizes is not None:
            check_dtype(sizes, {DType.INT64}, "sizes")
            _check_length(sizes, len(axes), "sizes")
            made = self._from_sizes([found[axis] for axis in axes], sizes)
        elif scales is not None:
            check_dtype(scales, {DType.FLOAT}, "scales")
            _check_length(scales, len(axes), "scales")
            made = [
                _scaled(found[axis], None if scales.constant is None else scales.constant[index])
                for index, axis in enumerate(axes)
            ]
        for axis, dim in zip(axes, made, strict=True):
            found[axis] = dim
        return x.with_shape(found)

    def _axes(self, rank: int) -> tuple[int, ...]:
        return tuple(range(rank)) if self.axes is None else normalize_axes(self.axes, rank)

    def _from_sizes(self, dims: Sequence[Dim], sizes: TensorType) -> list[Dim]:
        if sizes.value is None:
            return [fresh("resize") for _ in dims]
        if self.keep_aspect_ratio_policy == "stretch":
            return [dim if not isinstance(dim, np.integer) else int(dim) for dim in sizes.value]
        numbers = [dim for dim in dims if isinstance(dim, int)]
        if sizes.constant is None or len(numbers) < len(dims) or 0 in numbers:
            return [fresh("resize") for _ in dims]
        scale = self._kept_scale(numbers, sizes.constant.tolist())
        return [int(scale * dim + 0.5) for dim in numbers]

    def _kept_scale(self, dims: Sequence[int], sizes: Sequence[int]) -> float:
        choose = min if self.keep_aspect_ratio_policy == "not_larger" else max
        return choose(size / dim for size, dim in zip(sizes, dims, strict=True))

    def evaluate(
        self,
        x: Array,
        roi: Array | None = None,
        scales: Array | None = None,
        sizes: Array | None = None,
    ) -> Array:
        return resample(x, self._plan(x.shape, roi, scales, sizes), self)

    def lower(
        self,
        lowering: Lowering,
        x: TensorView,
        roi: TensorView | None = None,
        scales: TensorView | None = None,
        sizes: TensorView | None = None,
    ) -> TensorView:
        for view, name in ((roi, "roi"), (scales, "scales"), (sizes, "sizes")):
            needed = name != "roi" or self.coordinate_transformation_mode == "tf_crop_and_resize"
            if view is not None and view.data is None and view.size and needed:
                raise UnsupportedError(f"{name} is not known at compile time")
        known = [None if view is None else view.data for view in (roi, scales, sizes)]
        return lower_resample(lowering, x, self._plan(x.shape, *known), self)

    def _plan(
        self,
        shape: Sequence[int],
        roi: Array | None,
        scales: Array | None,
        sizes: Array | None,
    ) -> list[Axis]:
        axes = self._axes(len(shape))
        dims = [shape[axis] for axis in axes]
        if scales is not None and scales.size:
            factors = [float(scale) for scale in scales]
            lengths: list[Any] = [
                _scaled(dim, scale) for dim, scale in zip(dims, scales, strict=True)
            ]
        elif sizes is None or len(sizes) != len(axes):
            raise InferenceError("one of scales and sizes must be given, a number for each axis")
        elif self.keep_aspect_ratio_policy == "stretch" or 0 in dims:
            lengths = sizes.tolist()
            factors = [size / max(dim, 1) for size, dim in zip(lengths, dims, strict=True)]
        else:
            scale = self._kept_scale(dims, sizes.tolist())
            factors = [scale] * len(dims)
            lengths = [int(scale * dim + 0.5) for dim in dims]
        regions = [(0.0, 1.0)] * len(axes)
        if self.coordinate_transformation_mode == "tf_crop_and_resize":
            if roi is None or len(roi) != 2 * len(axes):
                raise InferenceError("tf_crop_and_resize needs a roi: a start and an end an axis")
            ends = roi.astype(float).tolist()
            regions = list(zip(ends[: len(axes)], ends[len(axes) :], strict=True))
        return [
            Axis(axis, dim, length, factor, *region)
            for axis, dim, length, factor, region in zip(
                axes, dims, lengths, factors, regions, strict=True
            )
        ]

    @classmethod
    def upgrade(cls, old: OldForm) -> Any:
        """Opset 10: coordinates are asymmetric; the nearest is before, or behind when shrinking."""
        if old.opset >= 11:
            return None
        b, x, scales = old.builder, old.inputs[0], old.inputs[1]
        mode = old.attributes.get("mode", "nearest")
        mode = mode.decode() if isinstance(mode, bytes) else mode
        mode = "linear" if mode == "bilinear" else mode
        form = {"mode": mode, "coordinate_transformation_mode": "asymmetric"}
        known = None if scales is None else b.type(scales).constant
        if mode != "nearest" or (known is not None and np.all(known >= 1)):
            return b.Resize(x, None, scales, nearest_mode="floor", **form)
        one = b.constant(1.0, DType.FLOAT)
        larger = b.Resize(x, None, b.Max(scales, one), nearest_mode="floor", **form)
        return b.Resize(larger, None, b.Min(scales, one), nearest_mode="ceil", **form)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[[[1, 2], [3, 4]]]])
        double = f32(1, 1, 2, 2)
        yield Case(
            cls(),
            [x, None, f32(1, 1, 2, 3)],
            [x.repeat(2, 2).repeat(3, 3)],
        )
        row = f32([1, 1.25, 1.75, 2])
        yield Case(
            cls(mode="linear"),
            [x, None, double],
            [(row + f32([[0], [0.5], [1.5], [2]]))[None, None]],
        )
        yield Case(
            cls(mode="linear", coordinate_transformation_mode="align_corners", axes=(-1,)),
            [x, None, None, i64([3])],
            [f32([[[[1, 1.5, 2], [3, 3.5, 4]]]])],
        )
        yield Case(
            cls(mode="linear", coordinate_transformation_mode="tf_crop_and_resize"),
            [f32(0, 2, 4), f32(-0.5, 1), None, i64([4])],
            [f32(0, 0, 2, 4)],
        )
        yield Case(
            cls(mode="linear", antialias=True),
            [f32(0, 4, 8, 12), None, f32([0.5])],
            [f32([2.5, 9.5])],
            rtol=1e-6,
        )
        yield Case(
            cls(keep_aspect_ratio_policy="not_larger"),
            [u8([[1, 2], [3, 4]]), None, None, i64([5, 4])],
            [u8([[1, 2], [3, 4]]).repeat(2, 0).repeat(2, 1)],
        )
        yield Case(cls(), [x[:0], None, double], [np.zeros((0, 1, 4, 4), np.float32)])
        yield Case(cls(), [x], error="one of scales and sizes must be given")
        yield Case(cls(), [x, None, f32([2])], error="scales has 1 elements; allowed: 4")


def _given(x: TensorType | None) -> TensorType | None:
    """`x`, or None where it is absent or the empty tensor that stands for absence."""
    return None if x is None or (x.dims is not None and x.dims == (0,)) else x


def _check_length(x: TensorType, length: int, name: str) -> None:
    check_rank(x, 1, name)
    there = x.shape[0]
    if isinstance(there, int) and there != length:
        raise InferenceError(f"{name} has {there} elements", allowed=length)


def _scaled(dim: Dim, scale: Any) -> Dim:
    """floor(dim * scale) in float32; of a symbolic dim only where the scale or 1/scale is whole."""
    if scale is None:
        return fresh("resize")
    if isinstance(dim, int):
        return int(np.floor(np.float32(dim) * np.float32(scale)))
    if float(scale).is_integer():
        return dim * int(scale)
    if scale > 0 and (1 / float(scale)).is_integer():
        return dim // int(1 / float(scale))
    return fresh("resize")
