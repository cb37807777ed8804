"""Several nodes that are one operator: Gelu and HardSwish, as exporters write them out."""

from __future__ import annotations

from math import pi, sqrt
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
    """The graph with x/2 * (1 + erf(x/√2)) as Gelu, and its form with tanh, and
    x * clip(x + 3, 0, 6) / 6 as HardSwish.
    """
    finder = _Finder()
    return remove_dead_code(rewrite(graph, finder.replacement))


class _Finder:
    """Knows who makes what among the nodes seen."""

    def __init__(self) -> None:
        self.makers: dict[Value, Node] = {}

    def replacement(self, node: Node, builder: GraphBuilder) -> Sequence[Value | None] | None:
        found = None
        if node.operator.name in {"Mul", "Div"} and node.outputs[0] is not None:
            if (gelu := self.gelu(node)) is not None:
                found = builder.Gelu(gelu[0], approximate=gelu[1])
            elif (source := self.hard_swish(node)) is not None:
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
        if value is None:
            return [], 1.0
        node = self.makers.get(value)
        if node is not None and node.operator.name in {"Mul", "Div"}:
            return self.factors_of(node)
        if node is not None and node.operator.name == "Pow":
            base, power = node.inputs[0], _number(node.inputs[1])
            return [base] * int(power) if base and power in {2, 3} else [value], 1.0
        number = _number(value)
        return ([value], 1.0) if number is None else ([], number)

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

    def gelu(self, node: Node) -> tuple[Value, str] | None:
        """What a node is the Gelu of, and by which form."""
        values, number = self.factors_of(node)
        if len(values) != 2 or not _is(number, 0.5):
            return None
        for x, other in (values, values[::-1]):
            inside = self.sum_with(other, 1.0)
            curve = self.makers.get(inside) if inside is not None else None
            if curve is None:
                continue
            scaled, factor = self.factors(curve.inputs[0])
            if curve.operator.name == "Erf" and scaled == [x] and _is(factor, sqrt(0.5)):
                return x, "none"
            tanh = curve.operator.name == "Tanh" and _is(factor, sqrt(2 / pi))
            if tanh and self.bent(x, scaled):
                return x, "tanh"
        return None

    def bent(self, x: Value, values: list[Value]) -> bool:
        """Whether the product of `values` is x + 0.044715 x³."""
        if len(values) == 2 and x in values:
            slope = self.sum_with(values[1 - values.index(x)], 1.0)
            return slope is not None and self._is_power(slope, x, 2)
        node = self.makers.get(values[0]) if len(values) == 1 else None
        if node is None or node.operator.name != "Add" or x not in node.inputs:
            return False
        cubic = node.inputs[1 - node.inputs.index(x)]
        return cubic is not None and self._is_power(cubic, x, 3)

    def _is_power(self, value: Value, x: Value, power: int) -> bool:
        """Whether it is 0.044715 x to the power."""
        values, factor = self.factors(value)
        return values == [x] * power and _is(factor, 0.044715)

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
