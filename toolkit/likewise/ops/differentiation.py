"""Derivatives of a graph by going through it backwards (reverse mode)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from likewise.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from likewise.ir import Node, Value
    from likewise.ops.build import GraphBuilder

    Rule: TypeAlias = Callable[[GraphBuilder, Node, Value], Sequence[Value | None]]

__all__ = ["derivatives"]


def derivatives(
    b: GraphBuilder, y: Value, xs: Sequence[Value], nodes: Sequence[Node]
) -> list[Value]:
    """dy/dx, summed over the elements of `y`, for each of `xs`; `nodes` lead from them to `y`.

    Raises `UnsupportedError` that names an operator without a rule.
    """
    slopes = {y: _filled(b, y, 1)}
    for node in reversed(nodes):
        (output,) = node.outputs if len(node.outputs) == 1 else (None,)
        if output is None or output not in slopes:
            if any(value in slopes for value in node.outputs):
                raise _no_rule(node)
            continue
        rule = RULES.get(node.operator.name) if not node.operator.domain else None
        if rule is None:
            raise _no_rule(node)
        for value, slope in zip(node.inputs, rule(b, node, slopes[output]), strict=False):
            if value is None or slope is None:
                continue
            slope = _summed_to(b, slope, value, node)
            slopes[value] = b.Add(slopes[value], slope) if value in slopes else slope
    return [slopes[x] if x in slopes else _filled(b, x, 0) for x in xs]


def _no_rule(node: Node) -> UnsupportedError:
    return UnsupportedError(
        f"there is no rule for the derivative of {node.operator.name}",
        allowed=", ".join(sorted(RULES)),
    ).at(node.label)


def _filled(b: GraphBuilder, like: Value, value: float) -> Value:
    made: Value = b.Expand(b.constant(value, b.type(like).dtype), b.Shape(like))
    return made


def _summed_to(b: GraphBuilder, slope: Value, x: Value, node: Node) -> Value:
    """`slope` summed over the axes along which `x` was broadcast."""
    here, there = b.type(slope), b.type(x)
    if here.dims is None or there.dims is None:
        raise UnsupportedError("a derivative needs known ranks").at(node.label)
    extra = here.rank - there.rank
    axes = list(range(extra))
    for axis, (wide, narrow) in enumerate(zip(here.shape[extra:], there.shape, strict=True)):
        if wide == narrow:
            continue
        if narrow != 1:
            raise UnsupportedError(
                "a derivative needs to know which dims are broadcast",
                given=f"{there} in {here}",
            ).at(node.label)
        axes.append(axis + extra)
    if not axes:
        return slope
    summed = b.ReduceSum(slope, b.ints(*axes), keepdims=False)
    made: Value = b.Reshape(summed, b.Shape(x))
    return made


def _matmul(b: GraphBuilder, node: Node, g: Value) -> tuple[Value, Value]:
    x, y = _inputs(node)
    if b.type(x).rank < 2 or b.type(y).rank < 2:
        raise UnsupportedError("the derivative of MatMul needs matrices").at(node.label)
    return b.MatMul(g, _turned(b, y)), b.MatMul(_turned(b, x), g)


def _turned(b: GraphBuilder, x: Value) -> Value:
    rank = b.type(x).rank
    made: Value = b.Transpose(x, perm=[*range(rank - 2), rank - 1, rank - 2])
    return made


def _transpose(b: GraphBuilder, node: Node, g: Value) -> tuple[Value]:
    rank = b.type(g).rank
    order: Any = node.operator.attributes().get("perm") or tuple(reversed(range(rank)))
    return (b.Transpose(g, perm=[order.index(axis) for axis in range(rank)]),)


def _inputs(node: Node) -> list[Any]:
    return list(node.inputs)


def _of_one(rule: Callable[[GraphBuilder, Any, Any, Any], Value]) -> Rule:
    """The rule of an operator of one input, from (builder, x, y, slope of y)."""
    return lambda b, node, g: (rule(b, node.inputs[0], node.outputs[0], g),)


def _of_two(rule: Callable[[GraphBuilder, Any, Any, Any], tuple[Value, Value]]) -> Rule:
    """The rule of an operator of two inputs, from (builder, x, y, slope of the output)."""
    return lambda b, node, g: rule(b, node.inputs[0], node.inputs[1], g)


RULES: Final[dict[str, Rule]] = {
    "Add": _of_two(lambda b, x, y, g: (g, g)),  # noqa: ARG005 — all rules take the same
    "Sub": _of_two(lambda b, x, y, g: (g, b.Neg(g))),  # noqa: ARG005
    "Mul": _of_two(lambda b, x, y, g: (b.Mul(g, y), b.Mul(g, x))),
    "Div": _of_two(lambda b, x, y, g: (b.Div(g, y), b.Neg(b.Div(b.Mul(g, x), b.Mul(y, y))))),
    "MatMul": _matmul,
    "Transpose": _transpose,
    "Reshape": _of_one(lambda b, x, y, g: b.Reshape(g, b.Shape(x))),  # noqa: ARG005
    "Flatten": _of_one(lambda b, x, y, g: b.Reshape(g, b.Shape(x))),  # noqa: ARG005
    "Identity": _of_one(lambda b, x, y, g: g),  # noqa: ARG005
    "Neg": _of_one(lambda b, x, y, g: b.Neg(g)),  # noqa: ARG005
    "Exp": _of_one(lambda b, x, y, g: b.Mul(g, y)),  # noqa: ARG005
    "Log": _of_one(lambda b, x, y, g: b.Div(g, x)),  # noqa: ARG005
    "Sqrt": _of_one(lambda b, x, y, g: b.Div(g, b.Mul(y, 2))),  # noqa: ARG005
    "Sigmoid": _of_one(lambda b, x, y, g: b.Mul(g, b.Sub(y, b.Mul(y, y)))),  # noqa: ARG005
    "Tanh": _of_one(lambda b, x, y, g: b.Sub(g, b.Mul(g, b.Mul(y, y)))),  # noqa: ARG005
    "Relu": _of_one(
        lambda b, x, y, g: b.Mul(g, b.Cast(b.Greater(x, 0), to=b.type(g).dtype))  # noqa: ARG005
    ),
}
"""For each operator the slopes of its inputs from that of its output."""
