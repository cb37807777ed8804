"""Several nodes that are one builtin: GELU and HARD_SWISH, as exporters write them out."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

from likewise.ir import TensorType, Value
from likewise.passes.remove_dead_code import remove_dead_code
from likewise.passes.rewrite import rewrite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ir import Graph, Node
    from likewise.ops.build import GraphBuilder

__all__ = ["recognise"]

_CLOSE = 1e-6


def recognise(graph: Graph) -> Graph:
    """The graph with x/2 * (1 + erf(x/√2)) as Gelu, and x * clip(x + 3, 0, 6) / 6 as HardSwish."""
    finder = _Finder()
    return remove_dead_code(rewrite(graph, finder.replacement))


class _Finder:
    """Knows who makes what among the nodes seen."""

    def __init__(self) -> None:
        self.makers: dict[Value, Node] = {}

    def replacement(self, node: Node, builder: GraphBuilder) -> Sequence[Value | None] | None:
        found = None
        if node.operator.name in {"Mul", "Div"} and node.outputs[0] is not None:
            source = self.gelu(node)
            found = None if source is None else builder.Gelu(source)
            if found is None and (source := self.hard_swish(node)) is not None:
                found = builder.HardSwish(source)
        if found is not None:
            named = builder.rename(found, node.outputs[0].name, len(builder.nodes) - 1)  # type: ignore[union-attr]
            return [named]
        for value in node.outputs:
            if value is not None:
                self.makers[value] = node
        return None

    def factors(self, value: Value | None) -> tuple[list[Value], float]:
        """What a chain of products multiplies, and the number that its constants come to."""
        node = self.makers.get(value) if value is not None else None
        if value is None or node is None or node.operator.name not in {"Mul", "Div"}:
            number = _number(value)
            return ([value], 1.0) if number is None else ([], number)  # type: ignore[list-item]
        return self.factors_of(node)

    def factors_of(self, node: Node) -> tuple[list[Value], float]:
        """The same, of what a node makes."""
        values, number = self.factors(node.inputs[0])
        if node.operator.name == "Div":
            divisor = _number(node.inputs[1])
            if divisor is None or divisor == 0:
                return [node.outputs[0]], 1.0  # type: ignore[list-item]
            return values, number / divisor
        more, times = self.factors(node.inputs[1])
        return [*values, *more], number * times

    def sum_with(self, value: Value, number: float) -> Value | None:
        """What the number is added to to make the value."""
        node = self.makers.get(value)
        if node is None or node.operator.name != "Add":
            return None
        for one, other in (node.inputs, node.inputs[::-1]):
            if _is(_number(other), number):
                return one
        return None

    def gelu(self, node: Node) -> Value | None:
        values, number = self.factors_of(node)
        if len(values) != 2 or not _is(number, 0.5):
            return None
        for x, other in (values, values[::-1]):
            inside = self.sum_with(other, 1.0)
            erf = self.makers.get(inside) if inside is not None else None
            if erf is None or erf.operator.name != "Erf":
                continue
            scaled, factor = self.factors(erf.inputs[0])
            if scaled == [x] and _is(factor, sqrt(0.5)):
                return x
        return None

    def hard_swish(self, node: Node) -> Value | None:
        values, number = self.factors_of(node)
        if len(values) != 2:
            return None
        for x, other in (values, values[::-1]):
            gate = self.makers.get(other)
            if gate is None:
                continue
            operator: Any = gate.operator
            if operator.name == "HardSigmoid" and gate.inputs[0] is x and _is(number, 1.0):
                if _is(operator.alpha, 1 / 6) and _is(operator.beta, 0.5):
                    return x
            elif operator.name == "Clip" and _is(number, 1 / 6):
                bounds = [_number(one) for one in gate.inputs[1:]]
                if bounds == [0, 6] and self.sum_with(gate.inputs[0], 3.0) is x:  # type: ignore[arg-type]
                    return x
        return None


def _number(value: Value | None) -> float | None:
    """The one number that a constant holds."""
    known = (
        value.type.constant if value is not None and isinstance(value.type, TensorType) else None
    )
    return float(known.item()) if known is not None and known.size == 1 else None


def _is(number: float | None, wanted: float) -> bool:
    return number is not None and abs(number - wanted) <= _CLOSE * abs(wanted)
