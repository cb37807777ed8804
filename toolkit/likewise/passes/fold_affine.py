"""Conv followed by a product with constants, and an addition of some: one Conv."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import TensorType
from likewise.passes.rewrite import rewrite, users

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ir import Array, Graph, Node, Value
    from likewise.ops.build import GraphBuilder

__all__ = ["fold_affine"]


def fold_affine(graph: Graph) -> Graph:
    """`graph` with Conv(x, w, b) * s + t as Conv(x, w * s, b * s + t).

    `s` and `t` are constants, a number or one a channel; what is folded is computed in float64 and
    rounded once. Done where nothing else reads the convolution.
    """
    reads = users(graph)
    makers: dict[Value, Node] = {}

    def replacement(node: Node, builder: GraphBuilder) -> Sequence[Value | None] | None:
        if node.operator.domain or node.operator.name not in {"Add", "Conv", "Mul"}:
            return None
        if node.operator.name != "Conv":
            for source, other in (node.inputs, node.inputs[::-1]):
                if source in makers and reads.get(source, 2) == 1:
                    made = _folded(makers[source], node, other, builder)
                    if made is not None:
                        makers[made[0]] = builder.nodes[-1]
                        reads[made[0]] = reads.get(node.outputs[0], 2)  # type: ignore[arg-type]
                        return made
        elif node.outputs[0] is not None:
            makers[node.outputs[0]] = node
        return None

    return rewrite(graph, replacement)


def _folded(
    conv: Node, node: Node, other: Value | None, builder: GraphBuilder
) -> Sequence[Value] | None:
    weight, given = _constant(conv.inputs[1]), _constant(other)
    bias = _constant(conv.inputs[2]) if len(conv.inputs) > 2 else np.zeros(1)
    target = node.outputs[0]
    if weight is None or given is None or bias is None or target is None:
        return None
    channels = weight.shape[0]
    if weight.dtype.kind != "f" or not _is_per_channel(given, channels, weight.ndim):
        return None
    factor = np.broadcast_to(np.asarray(given, np.float64).reshape(-1), (channels,))
    wide = np.broadcast_to(np.asarray(bias, np.float64), (channels,))
    if node.operator.name == "Mul":
        weight = (weight * factor.reshape(-1, *[1] * (weight.ndim - 1))).astype(weight.dtype)
        wide = wide * factor
    else:
        wide = wide + factor
    inputs = [
        conv.inputs[0],
        builder.constant(weight),
        builder.constant(wide.astype(weight.dtype)),
    ]
    operator: Any = conv.operator
    return builder.apply(operator, inputs, [target.name], conv.name)


def _is_per_channel(array: Array, channels: int, rank: int) -> bool:
    """Whether it is one number, or one a channel of [N, C, …]."""
    if array.ndim > rank:
        return False
    if array.size == 1:
        return True
    whole = (1,) * (rank - array.ndim) + array.shape
    return array.size == channels and whole[1] == channels


def _constant(value: Value | None) -> Array | None:
    return value.type.constant if value and isinstance(value.type, TensorType) else None
