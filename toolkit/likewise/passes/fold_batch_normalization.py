"""Conv followed by BatchNormalization: one Conv with scaled weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import TensorType
from likewise.passes.rewrite import rewrite, users

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ir import Array, Graph, Node, Value
    from likewise.ops.build import GraphBuilder

__all__ = ["fold_batch_normalization"]


def fold_batch_normalization(graph: Graph) -> Graph:
    """`graph` with BN(Conv(x, w, b)) as Conv(x, w * s, (b - mean) * s + bias).

    s = scale / sqrt(var + epsilon), computed in float64 and rounded once. Done where all of them
    are constants and nothing else reads the convolution.
    """
    reads = users(graph)
    makers: dict[Value, Node] = {}

    def replacement(node: Node, builder: GraphBuilder) -> Sequence[Value | None] | None:
        operator: Any = node.operator
        source = node.inputs[0] if node.inputs else None
        if operator.name == "BatchNormalization" and source in makers and reads[source] == 1:
            return _folded(makers[source], node, builder)
        if operator.name == "Conv" and operator.domain == "" and node.outputs[0] is not None:
            makers[node.outputs[0]] = node
        return None

    return rewrite(graph, replacement)


def _folded(conv: Node, norm: Node, builder: GraphBuilder) -> Sequence[Value | None] | None:
    operator: Any = norm.operator
    parameters = [_constant(value) for value in norm.inputs[1:]]
    weight = _constant(conv.inputs[1])
    bias = _constant(conv.inputs[2]) if len(conv.inputs) > 2 else np.zeros(1)
    if operator.training_mode or weight is None or bias is None:
        return None
    if any(array is None for array in parameters) or weight.dtype.kind != "f":
        return None
    scale, shift, mean, variance = (np.asarray(array, np.float64) for array in parameters)
    factor = scale / np.sqrt(variance + operator.epsilon)
    wide = weight * factor.reshape(-1, *[1] * (weight.ndim - 1))
    made = [
        conv.inputs[0],
        builder.constant(wide.astype(weight.dtype)),
        builder.constant(((bias - mean) * factor + shift).astype(weight.dtype)),
    ]
    name = norm.outputs[0].name if norm.outputs[0] is not None else ""
    conv_operator: Any = conv.operator
    return builder.apply(conv_operator, made, [name], conv.name)


def _constant(value: Value | None) -> Array | None:
    return value.type.constant if value and isinstance(value.type, TensorType) else None
