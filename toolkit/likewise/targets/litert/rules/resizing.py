"""Resize: a builtin where it samples the same places, else a product along each axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.passes.layout import Layout
from likewise.targets.litert.emitter import Laid, require
from likewise.targets.litert.rules import rule
from likewise.targets.litert.rules.products import fully_connected
from likewise.targets.litert.rules.shapes import known, result_shape, taken

if TYPE_CHECKING:
    from likewise.ir import Array, Node
    from likewise.targets.litert.emitter import Emitter

_MOST_PRODUCTS: Final = 1 << 26
"""What sampling one axis may take: its size squared, times the new one."""


@rule("Resize", builtin="RESIZE_BILINEAR")
def resize(
    e: Emitter,
    node: Node,
    x: Laid,
    roi: Laid | None = None,
    scales: Laid | None = None,
    sizes: Laid | None = None,
) -> Laid:
    """RESIZE_BILINEAR of images, GATHER for the nearest, products with weights for the rest."""
    operator: Any = node.operator
    shape = result_shape(node)
    given = [known(one, what) for one, what in ((roi, "roi"), (scales, "scales"), (sizes, "sizes"))]
    if operator.mode == "linear" and x.rank == 4 and _is_bilinear(operator, x.shape, shape, given):
        layout = Layout.channels_last(4)
        size = e.ints(shape[2:])
        made = e.op(
            "RESIZE_BILINEAR",
            [e.laid(x, layout), size],
            layout.stored(shape),
            kind="ResizeBilinearOptions",
            HalfPixelCenters=operator.coordinate_transformation_mode != "align_corners",
            AlignCorners=operator.coordinate_transformation_mode == "align_corners",
        )
        return Laid(made, layout)
    if operator.mode == "nearest" and _is_doubling(operator, x, shape, given):
        layout = Layout.channels_last(4)
        made = e.op(
            "RESIZE_NEAREST_NEIGHBOR",
            [e.laid(x, layout), e.ints(shape[2:])],
            layout.stored(shape),
            kind="ResizeNearestNeighborOptions",
        )
        return Laid(made, layout)
    for axis in range(x.rank):
        x = _along(e, operator, x, axis, shape[axis], given)
    return x


def _is_bilinear(
    operator: Any, before: tuple[int, ...], after: tuple[int, ...], given: list[Array | None]
) -> bool:
    """Whether RESIZE_BILINEAR takes its samples at the same places."""
    if before[:2] != after[:2] or operator.antialias or operator.exclude_outside:
        return False
    mode = operator.coordinate_transformation_mode
    if mode == "pytorch_half_pixel" and 1 not in after[2:]:
        mode = "half_pixel"
    if mode not in {"half_pixel", "align_corners"}:
        return False
    return _exact(before, after, given)


def _exact(before: tuple[int, ...], after: tuple[int, ...], given: list[Array | None]) -> bool:
    """Whether the sizes tell the scales."""
    scales = given[1]
    if scales is None or not scales.size:
        return True
    ratios = [m / n for n, m in zip(before, after, strict=True)]
    return len(scales) == len(ratios) and bool(np.allclose(scales, ratios, rtol=1e-7, atol=0))


def _is_doubling(operator: Any, x: Laid, shape: tuple[int, ...], given: list[Array | None]) -> bool:
    """Whether each element is repeated a whole number of times, as RESIZE_NEAREST_NEIGHBOR does."""
    if x.rank != 4 or x.shape[:2] != shape[:2] or not _exact(x.shape, shape, given):
        return False
    whole = all(m % n == 0 for n, m in zip(x.shape, shape, strict=True))
    return whole and all(
        (_places(operator, n, m, axis, x.rank, given) == np.arange(m) // (m // n)).all()
        for axis, (n, m) in enumerate(zip(x.shape, shape, strict=True))
        if axis > 1
    )


def _sampled(
    operator: Any, eye: Array, length: int, axis: int, rank: int, given: list[Array | None]
) -> Array:
    """What the operator makes of `eye` [n, n] along one axis: its weights [length, n].

    The other axes have one element, and their scales are 1.
    """
    n = eye.shape[0]
    shape = [1] * rank
    shape[axis] = n
    axes = list(range(rank)) if operator.axes is None else [a % rank for a in operator.axes]
    if axis not in axes:
        return eye
    place = axes.index(axis)
    roi, scales, _ = given
    one = operator.changed(axes=(axis,), keep_aspect_ratio_policy="stretch")
    region = None
    if roi is not None and roi.size:
        region = roi[[place, place + len(axes)]]
    named = scales is not None and scales.size
    scale = scales[[place]] if scales is not None and named else None
    size = None if named else np.array([length], np.int64)
    columns = [one.evaluate(row.reshape(shape), region, scale, size).reshape(-1) for row in eye]
    return np.stack(columns, 1)


def _places(
    operator: Any, n: int, length: int, axis: int, rank: int, given: list[Array | None]
) -> Array:
    """From where each element along an axis is taken; -1 from outside."""
    weights = _sampled(operator, np.eye(n, dtype=np.float32), length, axis, rank, given)
    return np.where(weights.any(1), weights.argmax(1), -1)


def _along(
    e: Emitter, operator: Any, x: Laid, axis: int, length: int, given: list[Array | None]
) -> Laid:
    """One axis resized."""
    n = x.shape[axis]
    eye = np.eye(n, dtype=np.float32)
    require(n * n * length <= _MOST_PRODUCTS, "an axis is too long to be resized by weights", n)
    cropped = operator.coordinate_transformation_mode == "tf_crop_and_resize"
    require(not cropped or operator.extrapolation_value == 0, "extrapolation is not composed")
    weights = _sampled(operator, eye, length, axis, x.rank, given)
    if weights.shape == eye.shape and (weights == eye).all():
        return x
    rows = weights.argmax(1)
    if (weights == eye[rows]).all():
        return taken(e, x, rows, axis)
    order = [*(a for a in range(x.rank) if a != axis), axis]
    moved = x.transposed(order)
    made = fully_connected(e, moved, e.parameter(weights.astype(np.float32)), None)
    return made.transposed([order.index(a) for a in range(x.rank)])
