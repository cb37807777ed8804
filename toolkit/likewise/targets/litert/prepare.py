"""The graph made ready: every node is one that a rule emits, in an element type that it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from likewise.errors import LikewiseError, UnsupportedError
from likewise.ir import TensorType
from likewise.ops import Operator, find_operator
from likewise.ops.build import GraphBuilder
from likewise.passes import simplify
from likewise.passes.rewrite import rewrite
from likewise.targets.litert.compositions import find_composition
from likewise.targets.litert.rules import find_rule
from likewise.targets.litert.support import WIDER, supports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ir import DType, Graph, Node, Value

__all__ = ["prepare", "why_not"]

_MOST_ROUNDS = 12
"""An expansion's nodes may have expansions; no operator goes deeper than a few."""


def prepare(graph: Graph) -> Graph:
    """The graph in operators that have rules: the others composed of, or expanded to, those.

    What is computed in an element type that no builtin takes is computed in the next wider one,
    which gives the same bits. Nodes for which there is no way are left as they are.
    """
    for _ in range(_MOST_ROUNDS):
        changed = False

        def replacement(node: Node, builder: GraphBuilder) -> Sequence[Value | None] | None:
            nonlocal changed
            made = _replaced(node, builder)
            changed |= made is not None
            return made

        graph = simplify(rewrite(graph, replacement))
        if not changed:
            break
    return graph


def why_not(node: Node) -> str:
    """Why a node that `prepare` left without a rule is not composed of others either."""
    try:
        _simpler(cast("Operator", node.operator), node, GraphBuilder())
    except UnsupportedError as error:
        return str(error)
    return "TFLite has no builtin for it"


def _replaced(node: Node, builder: GraphBuilder) -> Sequence[Value | None] | None:
    operator = cast("Operator", node.operator)
    first = len(builder.nodes)
    try:
        made = _simpler(operator, node, builder)
    except UnsupportedError:
        made = None
    except LikewiseError as error:
        raise error.at(node.label) from None
    if made is None:
        del builder.nodes[first:]
        return _widened(node, builder)
    return _named(made if isinstance(made, tuple) else (made,), node, builder, first)


def _simpler(operator: Operator, node: Node, builder: GraphBuilder) -> Any:
    composition = find_composition(operator)
    if composition is not None:
        made = composition(builder, operator, *node.inputs)
        if made is not None:
            return made
    if find_rule(operator) is None and type(operator).expand is not Operator.expand:
        return operator.expand(builder, *node.inputs)
    return None


def _named(
    made: Sequence[Value | None], node: Node, builder: GraphBuilder, first: int
) -> Sequence[Value | None]:
    """What was made, under the names of the node's outputs, which messages are to show."""
    named: list[Value | None] = []
    for old, new in zip(node.outputs, made, strict=False):
        if old is None or new is None or new in named:
            named.append(new)
            continue
        own = any(new in node.outputs for node in builder.nodes[first:])
        named.append(builder.rename(new, old.name, first) if own else new)
    return named


def _widened(node: Node, builder: GraphBuilder) -> Sequence[Value | None] | None:
    """The node in the next wider element type, with Casts around it; None where it stays."""
    rule = find_rule(node.operator)
    counted = _counted(node)
    if rule is None or counted is None or supports(rule.builtin, counted):
        return None
    wide = WIDER.get(counted)
    if wide is None or not supports(rule.builtin, wide) or node.operator.name == "Cast":
        return None
    cast_to: Any = find_operator("Cast")
    inputs = [
        builder.apply(cast_to(to=wide), [value])[0] if _has(value, counted) else value
        for value in node.inputs
    ]
    made = builder.apply(
        cast("Operator", node.operator), inputs, ["w" if v else "" for v in node.outputs]
    )
    return [
        builder.apply(cast_to(to=counted), [new], [old.name])[0]
        if old is not None and _has(old, counted)
        else new
        for old, new in zip(node.outputs, made, strict=True)
    ]


def _counted(node: Node) -> DType | None:
    """The element type that counts: of the first input, or of Where's second."""
    at = 1 if node.operator.name == "Where" else 0
    value = node.inputs[at] if at < len(node.inputs) else None
    return value.type.dtype if value is not None and isinstance(value.type, TensorType) else None


def _has(value: Value | None, dtype: DType) -> bool:
    return value is not None and isinstance(value.type, TensorType) and value.type.dtype is dtype
