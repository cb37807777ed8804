"""Elements by their positions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType
from likewise.passes.layout import Layout
from likewise.targets.litert.emitter import Laid, require
from likewise.targets.litert.rules import rule
from likewise.targets.litert.rules.elementwise import elementwise
from likewise.targets.litert.rules.shapes import from_the_start, result_shape

if TYPE_CHECKING:
    from likewise.ir import Node
    from likewise.targets.litert.emitter import Emitter
    from likewise.targets.litert.program import Tensor


def _positions(e: Emitter, indices: Laid, sizes: tuple[int, ...]) -> Tensor:
    """The rows of positions as int32, those below zero counted from the end of their axis."""
    if indices.data is not None:
        known = indices.data
        return e.parameter(np.where(known < 0, known + np.array(sizes), known).astype(np.int32))
    rows = Laid(e.cast(indices.tensor, DType.INT32), indices.layout)
    return from_the_start(e, rows, sizes)


@rule("GatherND", builtin="GATHER_ND")
def gather_nd(e: Emitter, node: Node, x: Laid, indices: Laid) -> Laid:
    """GATHER_ND."""
    operator: Any = node.operator
    require(operator.batch_dims == 0, "TFLite's GATHER_ND has no batch dims", operator.batch_dims)
    shape = result_shape(node)
    rows = _positions(e, indices, x.shape[: indices.shape[-1]])
    made = e.op("GATHER_ND", [e.plain(x), rows], shape)
    return Laid(made, Layout.plain(len(shape)))


@rule("ScatterND", builtin="SCATTER_ND")
def scatter_nd(e: Emitter, node: Node, x: Laid, indices: Laid, updates: Laid) -> Laid:
    """SCATTER_ND, which adds to zeros: added to the input, or put where ones arrive."""
    operator: Any = node.operator
    require(operator.reduction in {"none", "add"}, "TFLite's SCATTER_ND adds", operator.reduction)
    shape = list(x.shape)
    rows = _positions(e, indices, x.shape[: indices.shape[-1]])
    layout, plain = Layout.plain(x.rank), e.plain(x)
    news = e.plain(updates)
    made = e.op(
        "SCATTER_ND", [rows, news, e.ints(shape)], shape, news.dtype, kind="ScatterNdOptions"
    )
    if operator.reduction == "add":
        return Laid(e.op("ADD", [plain, made], shape, kind="AddOptions"), layout)
    ones = e.parameter(np.ones(news.shape, np.int32))
    hits = e.op(
        "SCATTER_ND", [rows, ones, e.ints(shape)], shape, DType.INT32, kind="ScatterNdOptions"
    )
    zero = e.constant(np.array(0, np.int32))
    hit = elementwise(e, "GREATER", [Laid(hits, layout), zero], DType.BOOL)
    return Laid(e.op("SELECT_V2", [hit.tensor, made, plain], shape, x.dtype), layout)


@rule("DepthToSpace", builtin="DEPTH_TO_SPACE")
def depth_to_space(e: Emitter, node: Node, x: Laid) -> Laid:
    """DEPTH_TO_SPACE, whose channels are in the order DCR."""
    operator: Any = node.operator
    layout = Layout.channels_last(4)
    made = e.op(
        "DEPTH_TO_SPACE",
        [e.laid(x, layout)],
        layout.stored(result_shape(node)),
        kind="DepthToSpaceOptions",
        BlockSize=operator.blocksize,
    )
    return Laid(made, layout)


@rule("SpaceToDepth", builtin="SPACE_TO_DEPTH")
def space_to_depth(e: Emitter, node: Node, x: Laid) -> Laid:
    """SPACE_TO_DEPTH."""
    operator: Any = node.operator
    layout = Layout.channels_last(4)
    made = e.op(
        "SPACE_TO_DEPTH",
        [e.laid(x, layout)],
        layout.stored(result_shape(node)),
        kind="SpaceToDepthOptions",
        BlockSize=operator.blocksize,
    )
    return Laid(made, layout)
