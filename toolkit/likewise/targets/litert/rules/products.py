"""Matrix products and what looks along one axis: the axis is stored last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.passes.layout import Layout
from likewise.targets.litert.emitter import Laid, require
from likewise.targets.litert.rules import rule
from likewise.targets.litert.rules.shapes import result_shape

if TYPE_CHECKING:
    from likewise.ir import Node
    from likewise.targets.litert.emitter import Emitter
    from likewise.targets.litert.program import Tensor

__all__ = ["last"]


def last(e: Emitter, x: Laid, axis: int) -> Laid:
    """The tensor with this axis stored last, the others as they are."""
    axis %= x.rank
    if x.layout.order[-1] == axis:
        return x
    layout = Layout((*(one for one in x.layout.order if one != axis), axis))
    return Laid(e.laid(x, layout), layout)


def fully_connected(e: Emitter, x: Laid, w: Tensor, bias: Tensor | None) -> Laid:
    """The last axis of `x` times weights [outputs, inputs], in the layout of its other axes."""
    x = last(e, x, -1)
    shape = (*x.tensor.shape[:-1], w.shape[0])
    made = e.op(
        "FULLY_CONNECTED",
        [x.tensor, w, bias],
        shape,
        kind="FullyConnectedOptions",
        KeepNumDims=len(shape) != 2,
    )
    return Laid(made, x.layout)


@rule("Gemm", builtin="FULLY_CONNECTED")
def gemm(e: Emitter, node: Node, a: Laid, b: Laid, c: Laid | None = None) -> Laid:
    """FULLY_CONNECTED; forms that it has not were expanded before."""
    operator: Any = node.operator
    if operator.transA:
        a = a.transposed((1, 0))
    w = e.laid(b, Layout((0, 1) if operator.transB else (1, 0)))
    bias = None if c is None else e.reshape(e.plain(c), (w.shape[0],))
    return fully_connected(e, a, w, bias)


@rule("MatMul", builtin="BATCH_MATMUL")
def matmul(e: Emitter, node: Node, a: Laid, b: Laid) -> Laid:
    """FULLY_CONNECTED with constant weights, else BATCH_MATMUL."""
    shape = result_shape(node)
    if b.rank == 2 and e.is_known(b) and a.rank >= 2:
        return fully_connected(e, a, e.laid(b, Layout((1, 0))), None)
    left, right = e.plain(a), b
    if a.rank == 1:
        left = e.reshape(left, (1, *a.shape))
    if b.rank == 1:
        right = Laid(e.reshape(b.tensor, (*b.shape, 1)), Layout.plain(2))
    rank = max(len(left.shape), right.rank)
    swapped = Layout((*range(right.rank - 2), right.rank - 1, right.rank - 2))
    turned = right.layout == swapped
    other = right.tensor if turned else e.plain(right)
    left, other = (
        e.reshape(one, (*[1] * (rank - len(one.shape)), *one.shape)) for one in (left, other)
    )
    lead = np.broadcast_shapes(left.shape[:-2], other.shape[:-2])
    columns = other.shape[-2] if turned else other.shape[-1]
    made = e.op(
        "BATCH_MATMUL",
        [left, other],
        (*lead, left.shape[-2], columns),
        kind="BatchMatMulOptions",
        AdjY=turned,
    )
    return Laid(e.reshape(made, shape), Layout.plain(len(shape)))


@rule("Softmax", builtin="SOFTMAX")
def softmax(e: Emitter, node: Node, x: Laid) -> Laid:
    """SOFTMAX."""
    operator: Any = node.operator
    if x.rank == 0:
        return e.constant(np.ones((), np.float32))
    x = last(e, x, operator.axis)
    made = e.op("SOFTMAX", [x.tensor], x.tensor.shape, kind="SoftmaxOptions", Beta=1.0)
    return Laid(made, x.layout)


@rule("LRN", builtin="LOCAL_RESPONSE_NORMALIZATION")
def local_response(e: Emitter, node: Node, x: Laid) -> Laid:
    """LOCAL_RESPONSE_NORMALIZATION over as many channels before as behind."""
    operator: Any = node.operator
    require(operator.size % 2 == 1 and x.rank == 4, "TFLite's reaches as far to both sides")
    x = last(e, x, 1)
    made = e.op(
        "LOCAL_RESPONSE_NORMALIZATION",
        [x.tensor],
        x.tensor.shape,
        kind="LocalResponseNormalizationOptions",
        Radius=operator.size // 2,
        Bias=operator.bias,
        Alpha=operator.alpha / operator.size,
        Beta=operator.beta,
    )
    return Laid(made, x.layout)


@rule("LogSoftmax", builtin="LOG_SOFTMAX")
def log_softmax(e: Emitter, node: Node, x: Laid) -> Laid:
    """LOG_SOFTMAX."""
    operator: Any = node.operator
    x = last(e, x, operator.axis)
    return Laid(e.op("LOG_SOFTMAX", [x.tensor], x.tensor.shape), x.layout)
