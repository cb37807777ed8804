"""What moves elements: axes are followed through the layout, so most of it costs no transpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType
from likewise.passes.layout import Layout, reshaped
from likewise.targets.litert.emitter import Laid, common, require
from likewise.targets.litert.program import Tensor
from likewise.targets.litert.rules import rule
from likewise.targets.litert.rules.elementwise import elementwise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ir import Array, Node
    from likewise.targets.litert.emitter import Emitter

__all__ = ["from_the_start", "known", "result_shape", "sliced"]


def result_shape(node: Node, at: int = 0) -> tuple[int, ...]:
    """The shape of an output, all of whose sizes must be known."""
    value = node.outputs[at]
    kind: Any = value.type if value is not None else None
    require(kind is not None and kind.is_static, "the size of its output depends on data")
    return tuple(kind.shape)


def known(x: Laid | None, what: str) -> Array | None:
    """The content of an input that must be a constant."""
    require(x is None or x.data is not None, f"{what} must be a constant")
    return None if x is None else x.data


@rule("Reshape", "Squeeze", "Unsqueeze", "Flatten", builtin="RESHAPE")
def reshape(e: Emitter, node: Node, x: Laid, *_: Laid) -> Laid:
    """RESHAPE, in the layout that there is wherever the new axes can be told from it."""
    new = result_shape(node)
    layout = reshaped(x.shape, new, x.layout)
    if layout is None:
        return Laid(e.reshape(e.plain(x), new), Layout.plain(len(new)))
    return Laid(e.reshape(x.tensor, layout.stored(new)), layout)


@rule("Concat", builtin="CONCATENATION")
def concat(e: Emitter, node: Node, *inputs: Laid) -> Laid:
    """CONCATENATION along the stored axis."""
    operator: Any = node.operator
    layout = common(inputs, inputs[0].rank)
    shape = layout.stored(result_shape(node))
    tensors = [e.laid(one, layout) for one in inputs]
    if len(tensors) == 1:
        return Laid(tensors[0], layout)
    return Laid(
        e.op(
            "CONCATENATION",
            tensors,
            shape,
            kind="ConcatenationOptions",
            Axis=layout.place(operator.axis),
        ),
        layout,
    )


def sliced(
    e: Emitter, x: Laid, starts: Sequence[int], sizes: Sequence[int], steps: Sequence[int]
) -> Laid:
    """Part of a tensor: from `starts` in `steps`, `sizes` elements along each axis."""
    stored, stride, size = (x.layout.stored(one) for one in (starts, steps, sizes))
    if x.tensor.shape == tuple(size) and all(step == 1 for step in stride):
        return x
    if all(step == 1 for step in stride):
        inputs = [x.tensor, e.ints(stored), e.ints(size)]
        return Laid(e.op("SLICE", inputs, size, kind="SliceOptions"), x.layout)
    ends = [a + s * n for a, s, n in zip(stored, stride, size, strict=True)]
    open_ended = sum(1 << at for at, end in enumerate(ends) if end < 0)
    ends = [max(0, end) for end in ends]
    inputs = [x.tensor, e.ints(stored), e.ints(ends), e.ints(stride)]
    return Laid(
        e.op("STRIDED_SLICE", inputs, size, kind="StridedSliceOptions", EndMask=open_ended),
        x.layout,
    )


@rule("Slice", builtin="STRIDED_SLICE")
def slice_(
    e: Emitter,
    node: Node,
    x: Laid,
    starts: Laid,
    ends: Laid,
    axes: Laid | None = None,
    steps: Laid | None = None,
) -> Laid:
    """SLICE, or STRIDED_SLICE for steps."""
    begin, _, chosen, stride = (
        known(one, what)
        for one, what in ((starts, "starts"), (ends, "ends"), (axes, "axes"), (steps, "steps"))
    )
    size = result_shape(node)
    first, step = [0] * x.rank, [1] * x.rank
    for at, start in enumerate(begin.tolist()):  # type: ignore[union-attr]  # it is not optional
        axis = (at if chosen is None else int(chosen[at])) % x.rank
        step[axis] = 1 if stride is None else int(stride[at])
        length = x.shape[axis]
        low, high = (0, length) if step[axis] > 0 else (-1, length - 1)
        first[axis] = max(low, min(high, start + length if start < 0 else start))
    step = [max(-n, min(n, s)) for s, n in zip(step, x.shape, strict=True)]
    return sliced(e, x, first, size, step)


@rule("Split", builtin="SPLIT_V")
def split(e: Emitter, node: Node, x: Laid, *_: Laid) -> tuple[Laid, ...]:
    """SPLIT_V by the sizes that the outputs have."""
    operator: Any = node.operator
    axis = operator.axis % x.rank
    sizes = [result_shape(node, at)[axis] for at in range(len(node.outputs))]
    shapes = [tuple(n if a == axis else s for a, s in enumerate(x.shape)) for n in sizes]
    if len(sizes) == 1:
        return (x,)
    made = [Tensor(e.fresh("split"), x.dtype, x.layout.stored(one)) for one in shapes]
    place = e.parameter(np.array(x.layout.place(axis), np.int32))
    inputs = [x.tensor, e.ints(sizes), place]
    e.add("SPLIT_V", inputs, made, "SplitVOptions", NumSplits=len(sizes))
    return tuple(Laid(one, x.layout) for one in made)


@rule("Expand", builtin="BROADCAST_TO")
def expand(e: Emitter, node: Node, x: Laid, *_: Laid) -> Laid:
    """BROADCAST_TO."""
    shape = result_shape(node)
    layout = x.layout.extended(len(shape))
    tensor = e.broadcast(x, layout)
    if tensor.shape == layout.stored(shape):
        return Laid(tensor, layout)
    size = e.ints(layout.stored(shape))
    return Laid(e.op("BROADCAST_TO", [tensor, size], layout.stored(shape)), layout)


@rule("Tile", builtin="TILE")
def tile(e: Emitter, node: Node, x: Laid, repeats: Laid) -> Laid:
    """TILE along the stored axes."""
    counts = known(repeats, "repeats")
    shape = x.layout.stored(result_shape(node))
    times = e.ints(x.layout.stored(counts.tolist()))  # type: ignore[union-attr]
    return Laid(e.op("TILE", [x.tensor, times], shape, kind="TileOptions"), x.layout)


@rule("Pad", builtin="PADV2")
def pad(
    e: Emitter, node: Node, x: Laid, pads: Laid, value: Laid | None = None, axes: Laid | None = None
) -> Laid:
    """PAD or PADV2 for constants, MIRROR_PAD for reflections; negative pads cut off."""
    operator: Any = node.operator
    amounts, chosen = known(pads, "pads"), known(axes, "axes")
    count = len(amounts) // 2  # type: ignore[arg-type]
    before, after = [0] * x.rank, [0] * x.rank
    for at in range(count):
        axis = (at if chosen is None else int(chosen[at])) % x.rank
        before[axis], after[axis] = int(amounts[at]), int(amounts[at + count])  # type: ignore[index]
    sizes = [n + min(0, a) + min(0, b) for n, a, b in zip(x.shape, before, after, strict=True)]
    x = sliced(e, x, [max(0, -a) for a in before], sizes, [1] * x.rank)
    before, after = ([max(0, a) for a in one] for one in (before, after))
    far = any(amount >= n for amount, n in zip((*before, *after), x.shape * 2, strict=True))
    if operator.mode in {"edge", "wrap"} or (operator.mode == "reflect" and far):
        return _extended(e, x, before, after, operator.mode)
    return padded(e, x, before, after, mode=operator.mode, fill=value)


def _extended(e: Emitter, x: Laid, before: Sequence[int], after: Sequence[int], mode: str) -> Laid:
    """Padding with the tensor's own elements, from as far as need be: GATHER along each axis."""
    for axis, (a, b) in enumerate(zip(before, after, strict=True)):
        if not a and not b:
            continue
        reach: Array = np.pad(np.arange(x.shape[axis]), (a, b), mode)  # type: ignore[call-overload]
        x = taken(e, x, reach, axis)
    return x


def taken(e: Emitter, x: Laid, indices: Array, axis: int) -> Laid:
    """The elements at constant positions along an axis."""
    sizes = [len(indices) if a == axis else n for a, n in enumerate(x.shape)]
    inputs = [x.tensor, e.ints(indices.tolist())]
    made = e.op(
        "GATHER", inputs, x.layout.stored(sizes), kind="GatherOptions", Axis=x.layout.place(axis)
    )
    return Laid(made, x.layout)


def padded(
    e: Emitter,
    x: Laid,
    before: Sequence[int],
    after: Sequence[int],
    *,
    mode: str = "constant",
    fill: Laid | float | None = None,
) -> Laid:
    """A tensor with elements put around it, in its own layout."""
    if not any(before) and not any(after):
        return x
    shape = [n + a + b for n, a, b in zip(x.shape, before, after, strict=True)]
    amounts = e.parameter(
        np.array([x.layout.stored(before), x.layout.stored(after)], np.int32).T.copy()
    )
    stored = x.layout.stored(shape)
    if mode == "reflect":
        made = e.op(
            "MIRROR_PAD", [x.tensor, amounts], stored, kind="MirrorPadOptions", Mode="REFLECT"
        )
        return Laid(made, x.layout)
    if isinstance(fill, Laid) and fill.data is None:
        scalar = e.reshape(fill.tensor, ())
        return Laid(
            e.op("PADV2", [x.tensor, amounts, scalar], stored, kind="PadV2Options"), x.layout
        )
    number = fill.data.item() if isinstance(fill, Laid) and fill.data is not None else fill or 0
    if number == 0:
        return Laid(e.op("PAD", [x.tensor, amounts], stored, kind="PadOptions"), x.layout)
    scalar = e.parameter(np.array(number, x.dtype.numpy))
    return Laid(e.op("PADV2", [x.tensor, amounts, scalar], stored, kind="PadV2Options"), x.layout)


@rule("Gather", builtin="GATHER")
def gather(e: Emitter, node: Node, x: Laid, indices: Laid) -> Laid:
    """GATHER; negative positions count from the end."""
    operator: Any = node.operator
    axis = operator.axis % x.rank
    length = x.shape[axis]
    shape = result_shape(node)
    if indices.data is not None:
        at = np.where(indices.data < 0, indices.data + length, indices.data)
        if indices.rank == 1:
            return taken(e, x, at, axis)
        places = e.parameter(at.astype(np.int32))
    else:
        places = from_the_start(e, indices, length)
    if indices.rank == 0:
        layout, place = x.layout.without([axis]), x.layout.place(axis)
        source = x.tensor
    else:
        layout, place, source = Layout.plain(len(shape)), axis, e.plain(x)
    made = e.op("GATHER", [source, places], layout.stored(shape), kind="GatherOptions", Axis=place)
    return Laid(made, layout)


def from_the_start(e: Emitter, indices: Laid, length: int | Sequence[int]) -> Tensor:
    """Positions with those below zero counted from the end, of one length or one for each."""
    kind = indices.dtype.numpy
    zero, size = e.constant(np.array(0, kind)), e.constant(np.array(length, kind))
    negative = elementwise(e, "LESS", [indices, zero], DType.BOOL)
    wrapped = elementwise(e, "ADD", [indices, size], None, "AddOptions")
    return e.plain(elementwise(e, "SELECT_V2", [negative, wrapped, indices]))
