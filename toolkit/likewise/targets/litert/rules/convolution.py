"""Convolutions: channels last, weights packed, padding inside the builtin where it can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.passes.layout import Layout
from likewise.targets.litert.emitter import Laid, require
from likewise.targets.litert.rules import rule
from likewise.targets.litert.rules.shapes import padded, result_shape, sliced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ir import Node
    from likewise.ops.windows import Windows
    from likewise.targets.litert.emitter import Emitter
    from likewise.targets.litert.program import Tensor

__all__ = ["as_images", "padding_of", "placed", "weights"]


def padding_of(windows: Windows, spatial: Sequence[int]) -> str | None:
    """TFLite's name for where these windows lie; None where it has none."""
    axes = range(len(spatial))
    reach = [(windows.kernel[a] - 1) * windows.dilations[a] + 1 for a in axes]
    missing = [(windows.output[a] - 1) * windows.strides[a] + reach[a] - spatial[a] for a in axes]
    if not any(windows.begin) and all(one <= 0 for one in missing):
        return "VALID"
    same = all(
        windows.output[a] == -(-spatial[a] // windows.strides[a])
        and windows.begin[a] == max(0, missing[a]) // 2
        for a in axes
    )
    return "SAME" if same else None


def placed(e: Emitter, x: Laid, windows: Windows, fill: float = 0) -> tuple[Laid, str]:
    """The input, padded where TFLite cannot say so itself, and the padding that then remains."""
    spatial = x.shape[2:]
    padding = padding_of(windows, spatial)
    if padding is not None:
        return x, padding
    reach = [(k - 1) * d + 1 for k, d in zip(windows.kernel, windows.dilations, strict=True)]
    needed = [
        (n - 1) * s + r - size - b
        for n, s, r, size, b in zip(
            windows.output, windows.strides, reach, spatial, windows.begin, strict=True
        )
    ]
    after = [0, 0, *(max(0, one) for one in needed)]
    return padded(e, x, [0, 0, *windows.begin], after, fill=fill or None), "VALID"


def as_images(e: Emitter, x: Laid) -> Tensor:
    """N × C × D or N × C × H × W stored channels last with two spatial axes."""
    tensor = e.laid(x, Layout.channels_last(x.rank))
    if x.rank == 3:
        n, length, channels = tensor.shape
        return e.reshape(tensor, (n, 1, length, channels))
    return tensor


def from_images(e: Emitter, tensor: Tensor, shape: Sequence[int]) -> Laid:
    """What a builtin on images made, as the tensor of this shape that it is."""
    layout = Layout.channels_last(len(shape))
    return Laid(e.reshape(tensor, layout.stored(shape)), layout)


def weights(e: Emitter, w: Laid, order: Sequence[int]) -> Tensor:
    """Weights stored in this order of their axes, with two spatial ones."""
    layout = Layout(tuple(order))
    tensor = e.laid(w, layout)
    if w.rank == 3:
        at = layout.place(2)
        return e.reshape(tensor, (*tensor.shape[:at], 1, *tensor.shape[at:]))
    return tensor


def strides_of(windows: Windows) -> dict[str, Any]:
    """Strides and dilations as options of a builtin on images."""
    strides, gaps = ((1, *one)[-2:] for one in (windows.strides, windows.dilations))
    found = {"StrideH": strides[0], "StrideW": strides[1]}
    if any(gap != 1 for gap in gaps):
        found |= {"DilationHFactor": gaps[0], "DilationWFactor": gaps[1]}
    return found


@rule("Conv", builtin="CONV_2D")
def conv(e: Emitter, node: Node, x: Laid, w: Laid, bias: Laid | None = None) -> Laid:
    """CONV_2D, DEPTHWISE_CONV_2D where each channel is a group, or CONV_3D."""
    operator: Any = node.operator
    windows = operator.windows(x.shape[2:], w.shape[2:])
    shape = result_shape(node)
    x = Laid(e.laid(x, Layout.channels_last(x.rank)), Layout.channels_last(x.rank))
    x, padding = placed(e, x, windows)
    bias_tensor = e.parameter(np.zeros(shape[1], np.float32)) if bias is None else e.plain(bias)
    if x.rank == 5:
        return _volume(e, operator, x, w, bias_tensor, windows, padding, shape)
    require(x.rank <= 4, "TFLite convolves one to three axes")
    images = as_images(e, x)
    rest = (2, 3)[: x.rank - 2]
    made = Layout.channels_last(len(shape)).stored(shape)
    image = made if len(made) == 4 else (made[0], 1, *made[1:])
    channels = x.shape[1]
    options: dict[str, Any] = {"Padding": padding, **strides_of(windows)}
    if operator.group == channels and operator.group > 1:
        packed = weights(e, w, (1, *rest, 0))
        options["DepthMultiplier"] = shape[1] // channels
        inputs = [images, packed, bias_tensor]
        tensor = e.op("DEPTHWISE_CONV_2D", inputs, image, kind="DepthwiseConv2DOptions", **options)
    else:
        packed = weights(e, w, (0, *rest, 1))
        inputs = [images, packed, bias_tensor]
        tensor = e.op("CONV_2D", inputs, image, kind="Conv2DOptions", **options)
    return from_images(e, tensor, shape)


def _volume(
    e: Emitter,
    operator: Any,
    x: Laid,
    w: Laid,
    bias: Tensor,
    windows: Windows,
    padding: str,
    shape: Sequence[int],
) -> Laid:
    require(operator.group == 1, "TFLite's CONV_3D has no groups", operator.group)
    layout = Layout.channels_last(5)
    packed = e.laid(w, Layout((2, 3, 4, 1, 0)))
    names = ("D", "H", "W")
    options: dict[str, Any] = {
        f"Stride{name}": s for name, s in zip(names, windows.strides, strict=True)
    }
    options |= {
        f"Dilation{name}Factor": d for name, d in zip(names, windows.dilations, strict=True)
    }
    inputs = [x.tensor, packed, bias]
    made = e.op(
        "CONV_3D", inputs, layout.stored(shape), kind="Conv3DOptions", Padding=padding, **options
    )
    return Laid(made, layout)


@rule("ConvTranspose", builtin="TRANSPOSE_CONV")
def conv_transpose(e: Emitter, node: Node, x: Laid, w: Laid, bias: Laid | None = None) -> Laid:
    """TRANSPOSE_CONV; what ONNX pads off is cut off, or SAME where that is the same."""
    operator: Any = node.operator
    require(x.rank in {3, 4}, "TFLite's TRANSPOSE_CONV has one or two axes")
    windows, output = operator.placed(x.shape[2:], w.shape[2:])
    w = _dilated(e, w, windows.dilations)
    axes = range(len(output))
    kernel = w.shape[2:]
    full = [(x.shape[2 + a] - 1) * windows.strides[a] + kernel[a] for a in axes]
    same = all(
        output[a] == x.shape[2 + a] * windows.strides[a]
        and windows.begin[a] == max(0, full[a] - output[a]) // 2
        for a in axes
    )
    sizes = list(output) if same else full
    padding = "VALID" if sizes == full else "SAME"
    made = _groups(e, operator.group, x, w, sizes, windows, padding)
    if not same:
        made = _cut(e, made, windows.begin, output)
    if bias is not None:
        shape = (1, bias.shape[0], *[1] * len(output))
        values = Laid(e.reshape(e.plain(bias), shape), Layout.plain(len(shape)))
        stored = e.laid(values, made.layout)
        inputs = [made.tensor, stored]
        made = Laid(e.op("ADD", inputs, made.tensor.shape, kind="AddOptions"), made.layout)
    return made


def _dilated(e: Emitter, w: Laid, gaps: Sequence[int]) -> Laid:
    """Weights with zeros between their taps."""
    if all(gap == 1 for gap in gaps):
        return w
    require(w.data is not None, "dilated weights must be constants")
    kernel = [(k - 1) * d + 1 for k, d in zip(w.shape[2:], gaps, strict=True)]
    wide = np.zeros((*w.shape[:2], *kernel), np.float32)
    taps: Any = (..., *(slice(None, None, gap) for gap in gaps))
    wide[taps] = w.data
    return e.constant(wide)


def _groups(
    e: Emitter,
    groups: int,
    x: Laid,
    w: Laid,
    sizes: Sequence[int],
    windows: Windows,
    padding: str,
) -> Laid:
    """TRANSPOSE_CONV of each group of channels, put beside each other."""
    n, channels = x.shape[:2]
    rest = (2, 3)[: x.rank - 2]
    each = channels // groups
    shape = (n, w.shape[1], *sizes)
    layout = Layout.channels_last(len(shape))
    stored = layout.stored(shape)
    image = stored if len(stored) == 4 else (stored[0], 1, *stored[1:])
    strides = {name: s for name, s in strides_of(windows).items() if "Stride" in name}
    parts = []
    for at in range(groups):
        part, taps = x, w
        if groups > 1:
            part = sliced(
                e, x, [0, at * each, 0, 0][: x.rank], [n, each, *x.shape[2:]], [1] * x.rank
            )
            sizes_of_taps = [each, *w.shape[1:]]
            taps = sliced(e, w, [at * each, 0, 0, 0][: w.rank], sizes_of_taps, [1] * w.rank)
        inputs = [e.ints(image), weights(e, taps, (1, *rest, 0)), as_images(e, part)]
        parts.append(
            e.op(
                "TRANSPOSE_CONV",
                inputs,
                image,
                part.dtype,
                kind="TransposeConvOptions",
                Padding=padding,
                **strides,
            )
        )
    tensor = parts[0]
    if groups > 1:
        whole = (*image[:3], image[3] * groups)
        tensor = e.op("CONCATENATION", parts, whole, kind="ConcatenationOptions", Axis=3)
    return from_images(e, tensor, (n, w.shape[1] * groups, *sizes))


def _cut(e: Emitter, x: Laid, begin: Sequence[int], output: Sequence[int]) -> Laid:
    """The part of the full result that ONNX keeps; zeros where it asks for more."""
    spatial = x.shape[2:]
    there = [min(n - b, size) for n, b, size in zip(spatial, begin, output, strict=True)]
    x = sliced(e, x, [0, 0, *begin], [*x.shape[:2], *there], [1] * x.rank)
    more = [size - n for size, n in zip(output, there, strict=True)]
    return padded(e, x, [0] * x.rank, [0, 0, *more])
