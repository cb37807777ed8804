"""Pooling: builtins on images, or their taps one by one where no builtin has the form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.passes.layout import Layout
from likewise.targets.litert.emitter import Laid, require
from likewise.targets.litert.rules import rule
from likewise.targets.litert.rules.convolution import (
    as_images,
    from_images,
    padding_of,
    placed,
    strides_of,
)
from likewise.targets.litert.rules.elementwise import elementwise
from likewise.targets.litert.rules.shapes import padded, result_shape, sliced

if TYPE_CHECKING:
    from likewise.ir import Node
    from likewise.ops.windows import Windows
    from likewise.targets.litert.emitter import Emitter

_LOWEST: Final = float(np.finfo(np.float32).min)
_MOST_TAPS: Final = 64


@rule("MaxPool", builtin="MAX_POOL_2D")
def max_pool(e: Emitter, node: Node, x: Laid) -> Laid:
    """MAX_POOL_2D."""
    operator: Any = node.operator
    require(operator.wanted == 1, "TFLite's MAX_POOL_2D does not say where the largest were")
    windows = operator.windows(x.shape[2:], operator.kernel_shape, ceil_mode=operator.ceil_mode)
    if x.rank > 4 or any(gap != 1 for gap in windows.dilations):
        return _tap_by_tap(e, x, windows, "MAXIMUM", "MaximumMinimumOptions", _LOWEST)
    x = Laid(e.laid(x, Layout.channels_last(x.rank)), Layout.channels_last(x.rank))
    x, padding = placed(e, x, windows, _LOWEST)
    return _pool(e, "MAX_POOL_2D", x, windows, padding, result_shape(node))


@rule("AveragePool", builtin="AVERAGE_POOL_2D")
def average_pool(e: Emitter, node: Node, x: Laid) -> Laid:
    """AVERAGE_POOL_2D, times how many taps there are for each that counts."""
    operator: Any = node.operator
    windows = operator.windows(x.shape[2:], operator.kernel_shape, ceil_mode=operator.ceil_mode)
    counts = np.broadcast_to(operator.counts(x.shape[2:], windows), windows.output)
    if x.rank > 4 or any(gap != 1 for gap in windows.dilations):
        total = _tap_by_tap(e, x, windows, "ADD", "AddOptions", 0)
        table = e.constant(counts[None, None].astype(np.float32))
        return elementwise(e, "DIV", [total, table], None, "DivOptions")
    shape = result_shape(node)
    x = Laid(e.laid(x, Layout.channels_last(x.rank)), Layout.channels_last(x.rank))
    if padding_of(windows, x.shape[2:]) == "SAME" and not operator.count_include_pad:
        return _pool(e, "AVERAGE_POOL_2D", x, windows, "SAME", shape)
    if padding_of(windows, x.shape[2:]) != "VALID":
        x = _surrounded(e, x, windows)
    made = _pool(e, "AVERAGE_POOL_2D", x, windows, "VALID", shape)
    if (counts == windows.taps).all():
        return made
    share = e.constant((windows.taps / counts[None, None]).astype(np.float32))
    return elementwise(e, "MUL", [made, share], None, "MulOptions")


def _surrounded(e: Emitter, x: Laid, windows: Windows, fill: float = 0) -> Laid:
    """The input with padding around it as far as the windows reach."""
    ends = [max(0, one) for one in windows.overhang(x.shape[2:])]
    return padded(e, x, [0, 0, *windows.begin], [0, 0, *ends], fill=fill or None)


def _pool(
    e: Emitter, builtin: str, x: Laid, windows: Windows, padding: str, shape: tuple[int, ...]
) -> Laid:
    images = as_images(e, x)
    stored = Layout.channels_last(len(shape)).stored(shape)
    image = stored if len(stored) == 4 else (stored[0], 1, *stored[1:])
    kernel = (1, *windows.kernel)[-2:]
    made = e.op(
        builtin,
        [images],
        image,
        kind="Pool2DOptions",
        Padding=padding,
        FilterHeight=kernel[0],
        FilterWidth=kernel[1],
        **strides_of(windows),
    )
    return from_images(e, made, shape)


def _tap_by_tap(
    e: Emitter, x: Laid, windows: Windows, builtin: str, kind: str, fill: float
) -> Laid:
    """What each tap of the kernel meets, one after the other."""
    require(windows.taps <= _MOST_TAPS, "the kernel is too large for its form", windows.kernel)
    x = _surrounded(e, x, windows, fill)
    found: Laid | None = None
    for tap in np.ndindex(windows.kernel):
        starts = [0, 0, *(t * d for t, d in zip(tap, windows.dilations, strict=True))]
        sizes = [*x.shape[:2], *windows.output]
        met = sliced(e, x, starts, sizes, [1, 1, *windows.strides])
        found = met if found is None else elementwise(e, builtin, [found, met], None, kind)
    assert found is not None  # noqa: S101 — a kernel has a tap
    return found
