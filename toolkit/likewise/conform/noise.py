"""How far rounding may lead: a graph in float64 whose values are moved by about a unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from likewise.ir import DType, Graph, Node, TensorType
from likewise.ops.build import GraphBuilder

if TYPE_CHECKING:
    from collections.abc import Container

    from likewise.ir import Value

__all__ = ["with_noise"]

UNITS: Final = {
    DType.FLOAT: 2.0**-23,
    DType.DOUBLE: 2.0**-52,
    DType.FLOAT16: 2.0**-10,
    DType.BFLOAT16: 2.0**-7,
}


def with_noise(wide: Graph, narrow: Graph, exact: Container[str], seed: int) -> Graph:
    """`wide`, which is `narrow` in float64, with every float moved by about a unit of its own type.

    That is done to what nodes read and to what they make. What is `exact` stays where nothing but
    exact floats come of it.
    """
    rng = np.random.default_rng(seed)
    kinds = {one.name: one.type for node in narrow.nodes for one in node.outputs if one}
    kinds |= {one.name: one.type for one in narrow.inputs}
    builder = GraphBuilder(f"noise_{seed}_")
    mapping: dict[Value, Value] = {}

    def moved(value: Value) -> Value:
        kind = kinds.get(value.name)
        if not isinstance(kind, TensorType) or kind.dtype not in UNITS:
            return mapping.get(value, value)
        shape = [int(str(dim)) for dim in kind.shape]
        factors = 1 + UNITS[kind.dtype] * rng.uniform(-1, 1, shape)
        found: Value = builder.Mul(mapping.get(value, value), builder.constant(factors))
        return found

    builder.constants.update(wide.constants)
    for node in wide.nodes:
        rounds = any(one and one.name in kinds and one.name not in exact for one in node.outputs)
        inputs = tuple(
            None if one is None else moved(one) if rounds else mapping.get(one, one)
            for one in node.inputs
        )
        builder.nodes.append(Node(node.operator, inputs, node.outputs, node.name))
        for one in node.outputs:
            if one is not None and one.name not in exact:
                mapping[one] = moved(one)
    outputs = tuple(mapping.get(one, one) for one in wide.outputs)
    return Graph(wide.name, wide.inputs, outputs, tuple(builder.nodes), builder.constants)
