"""Compute beforehand what depends on constants alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.ir import TensorType
from likewise.ops.evaluation import evaluate
from likewise.passes.rewrite import rewrite

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from likewise.ir import Array, Graph, Node, Value
    from likewise.ops.build import GraphBuilder

__all__ = ["KEPT", "fold_constants"]

KEPT: Final = frozenset({"DequantizeLinear"})
"""What is computed beforehand only where that is asked for: targets want integers and scales."""

_FREE_ELEMENTS: Final = 1 << 20
_GROWTH: Final = 4
_FREE_OPERATIONS: Final = 1 << 28
_OPERATIONS: Final = 1 << 12
_REPEATED: Final = 1 << 28


class _Budget:
    """What folding may still make and compute: a file must not be a bomb.

    A node may make `_GROWTH` times the elements that it reads, and all of them together twice that
    of the graph's constants, either and `_FREE_ELEMENTS`; of operations there are `_OPERATIONS`
    for each element of the graph's constants, and `_FREE_OPERATIONS`. A ConstantOfShape holds
    one element however often it repeats it: that may be `_REPEATED` times in all, but nobody reads
    more of them than may be made.
    """

    def __init__(self, graph: Graph) -> None:
        stored = sum(map(_held, graph.constants.values()))
        for node in graph.walk():
            for body in node.operator.subgraphs:
                stored += sum(map(_held, body.constants.values()))
        self.repeated = _REPEATED
        self.most_read = self.elements = 8 * _FREE_ELEMENTS + 2 * _GROWTH * stored
        self.operations = _FREE_OPERATIONS + _OPERATIONS * stored

    def allows(self, node: Node) -> bool:
        """Whether `node`, whose inputs are known, may be computed; if so it is booked."""
        reads = [_tensor(value) for value in node.inputs]
        made = [_tensor(value) for value in node.outputs if value is not None]
        if not all(kind is not None and kind.is_static for kind in made):
            return False
        read, makes = _elements(reads), _elements(made)
        if node.operator.name == "ConstantOfShape":
            if makes > self.repeated:
                return False
            self.repeated -= makes
            return True
        operations = node.operator.flops(reads, made)
        if not isinstance(operations, int) or makes > _GROWTH * read + _FREE_ELEMENTS:
            return False
        if makes > self.elements or read > self.most_read or operations > self.operations:
            return False
        self.elements -= makes
        self.operations -= operations
        return True


def fold_constants(graph: Graph, kept: Container[str] = KEPT) -> Graph:
    """`graph` with nodes whose outputs are known replaced by constants.

    Known are the outputs of deterministic nodes on constants, and what type inference found
    (shapes of static tensors). A node that fails is left to fail when it runs, and one that would
    take much more time or memory than the constants do is left as it is. So are operators of
    `kept` names.
    """
    budget = _Budget(graph)

    def replacement(node: Node, builder: GraphBuilder) -> Sequence[Value | None] | None:
        return None if node.operator.name in kept else _replacement(node, builder, budget)

    return rewrite(graph, replacement)


def _replacement(
    node: Node, builder: GraphBuilder, budget: _Budget
) -> Sequence[Value | None] | None:
    outputs = [value for value in node.outputs if value is not None]
    known = [_content(value) for value in outputs]
    if all(array is not None for array in known):
        contents = dict(zip(outputs, known, strict=True))
    else:
        contents = _computed(node, budget)
    if not contents:
        return None
    return [
        None if value is None else builder.named_constant(value.name, contents[value])
        for value in node.outputs
    ]


def _content(value: Value) -> Any:
    return value.type.constant if isinstance(value.type, TensorType) else None


def _computed(node: Node, budget: _Budget) -> dict[Value, Any]:
    """The outputs of a node on constants; empty where it is not one or must not be folded."""
    operator: Any = node.operator
    arrays = [None if value is None else _content(value) for value in node.inputs]
    missing = any(
        value is not None and array is None
        for value, array in zip(node.inputs, arrays, strict=True)
    )
    if missing or not arrays or not operator.foldable:
        return {}
    try:
        if not budget.allows(node):
            return {}
        with np.errstate(all="ignore"):
            made = evaluate(operator, arrays)
    except Exception:  # noqa: BLE001 — whatever it is, the run says it
        return {}
    found = {
        value: np.asarray(array)
        for value, array in zip(node.outputs, made, strict=False)
        if value is not None and isinstance(array, (np.ndarray, np.generic))
    }
    return found if len(found) == sum(value is not None for value in node.outputs) else {}


def _tensor(value: Value | None) -> TensorType | None:
    return value.type if value is not None and isinstance(value.type, TensorType) else None


def _held(array: Array) -> int:
    """How many elements an array holds, those that it repeats once."""
    sizes = zip(array.shape, array.strides, strict=True)
    return math.prod(size for size, stride in sizes if stride)


def _elements(kinds: Sequence[TensorType | None]) -> int:
    """How many elements static tensors have together."""
    sizes = [kind.size for kind in kinds if kind is not None and kind.is_static]
    return sum(size for size in sizes if isinstance(size, int))
