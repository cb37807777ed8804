"""Compute beforehand what depends on constants alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.errors import LikewiseError
from likewise.ir import TensorType
from likewise.passes.rewrite import rewrite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ir import Graph, Node, Value
    from likewise.ops.build import GraphBuilder

__all__ = ["fold_constants"]

_GROWTH_LIMIT: Final = 1 << 20
"""Elements that a folded node may make beyond four times what it reads: a file stays small."""


def fold_constants(graph: Graph) -> Graph:
    """`graph` with nodes whose outputs are known replaced by constants.

    Known are the outputs of deterministic nodes on constants, and what type inference found
    (shapes of static tensors). A node that fails is left to fail when it runs.
    """
    return rewrite(graph, _replacement)


def _replacement(node: Node, builder: GraphBuilder) -> Sequence[Value | None] | None:
    outputs = [value for value in node.outputs if value is not None]
    known = [_content(value) for value in outputs]
    if all(array is not None for array in known):
        contents = dict(zip(outputs, known, strict=True))
    else:
        contents = _computed(node)
    if not contents:
        return None
    return [
        None if value is None else builder.named_constant(value.name, contents[value])
        for value in node.outputs
    ]


def _content(value: Value) -> Any:
    return value.type.constant if isinstance(value.type, TensorType) else None


def _computed(node: Node) -> dict[Value, Any]:
    """The outputs of a node on constants; empty where it is not one or must not be folded."""
    operator = node.operator
    arrays = [None if value is None else _content(value) for value in node.inputs]
    missing = any(
        value is not None and array is None
        for value, array in zip(node.inputs, arrays, strict=True)
    )
    if missing or not arrays or operator.subgraphs or not operator.deterministic:
        return {}
    if not _may_grow(node, sum(array.size for array in arrays if array is not None)):
        return {}
    try:
        with np.errstate(all="ignore"):
            made = operator.evaluate(*arrays)
    except (LikewiseError, ValueError, TypeError, IndexError, ArithmeticError):
        return {}
    made = made if isinstance(made, tuple) else (made,)
    found = {
        value: np.asarray(array)
        for value, array in zip(node.outputs, made, strict=False)
        if value is not None and isinstance(array, (np.ndarray, np.generic))
    }
    return found if len(found) == sum(value is not None for value in node.outputs) else {}


def _may_grow(node: Node, read: int) -> bool:
    for value in node.outputs:
        kind = value.type if value is not None else None
        if not isinstance(kind, TensorType) or not kind.is_static:
            return False
        size = kind.size
        if isinstance(size, int) and size > 4 * read + _GROWTH_LIMIT:
            return False
    return True
