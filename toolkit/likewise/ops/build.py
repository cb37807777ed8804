"""Building graphs: what `expand`, `upgrade` and the importer write nodes with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from likewise.errors import LikewiseError, UnsupportedError
from likewise.ir import DType, Graph, Node, TensorType, Value, type_of
from likewise.ops import find_operator
from likewise.ops.attributes import parse
from likewise.ops.conversion import convert
from likewise.ops.evaluation import evaluate
from likewise.ops.inference import infer_outputs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from likewise.ir import Array, Type
    from likewise.ops.operator import Operator

__all__ = ["Builder", "Evaluator", "GraphBuilder", "OldForm"]

V = TypeVar("V")


class Builder(Generic[V]):
    """Applies operators by name: `b.Softmax(x, axis=1)`; `outputs=2` gives a tuple.

    Python numbers among the inputs become constants of the element type of the first input that
    is not a number; None is an absent input.
    """

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if not name[0].isupper():
            raise AttributeError(name)
        return lambda *inputs, **attributes: self.op(name, *inputs, **attributes)

    def op(self, name: str, *inputs: Any, domain: str = "", outputs: int = 1, **given: Any) -> Any:
        """The outputs of operator `name` of `domain`: one, or a tuple where `outputs` is not 1."""
        operator = find_operator(name, domain)
        if operator is None:
            raise UnsupportedError(f"there is no operator {domain or 'ai.onnx'}.{name}")
        made = self.apply(parse(operator, given, outputs), self._values(inputs))
        return made[0] if outputs == 1 else made[:outputs]

    def apply(self, operator: Operator, inputs: Sequence[V | None]) -> tuple[V, ...]:
        """The outputs of `operator` on `inputs`."""
        raise NotImplementedError

    def constant(self, value: Any, dtype: DType | None = None) -> V:
        """A constant tensor; `dtype` where the array's own is not meant."""
        if dtype is None or not dtype.is_narrow:
            return self._constant(np.asarray(value, dtype.numpy if dtype else None))
        return self._constant(convert(np.asarray(value), dtype))

    def ints(self, *values: int) -> V:
        """A 1-d int64 constant, as shapes and axes are given."""
        return self._constant(np.array(values, np.int64))

    def type(self, x: V) -> TensorType:
        """The type of a tensor: element type, shape, content where known."""
        raise NotImplementedError

    def _constant(self, array: Array) -> V:
        raise NotImplementedError

    def _values(self, inputs: Sequence[Any]) -> list[Any]:
        like = next((x for x in inputs if x is not None and not isinstance(x, (int, float))), None)
        numbers = [isinstance(x, (int, float)) for x in inputs]
        if not any(numbers):
            return list(inputs)
        dtype = None if like is None else self.type(like).dtype
        return [
            self.constant(x, dtype) if number else x
            for x, number in zip(inputs, numbers, strict=True)
        ]


class Evaluator(Builder["Array"]):
    """Applies operators to arrays at once: an expansion as a computation."""

    def apply(self, operator: Operator, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        return evaluate(operator, inputs)

    def type(self, x: Array) -> TensorType:
        found = type_of(x)
        if not isinstance(found, TensorType):
            raise TypeError(f"{found} is not a tensor")
        return found

    def _constant(self, array: Array) -> Array:
        return array


class GraphBuilder(Builder[Value]):
    """Collects nodes and constants; `graph` closes it.

    A type is inferred as soon as a node is added, so an expansion can look at ranks and dims.
    `prefix` starts the names of values that nobody named.
    """

    def __init__(self, prefix: str = "") -> None:
        self.nodes: list[Node] = []
        self.constants: dict[Value, Array] = {}
        self.prefix = prefix
        self._made = 0

    def apply(
        self,
        operator: Operator,
        inputs: Sequence[Value | None],
        names: Sequence[str] = (),
        name: str = "",
    ) -> tuple[Value, ...]:
        """Add a node called `name`; `names` names its outputs, `""` an output nobody wants."""
        try:
            types = infer_outputs(operator, [None if x is None else x.type for x in inputs])
        except LikewiseError as error:
            raise error.at(f"node {name or next(iter(names), '')!r} ({operator.name})") from None
        outputs = self._outputs(operator, types, names)
        self.nodes.append(Node(operator, tuple(inputs), tuple(outputs), name))
        return tuple(outputs)  # type: ignore[arg-type]  # an unnamed output is never read

    def _outputs(
        self, operator: Operator, types: Sequence[Type | None], names: Sequence[str]
    ) -> list[Value | None]:
        count = len(names) or operator.wanted
        outputs: list[Value | None] = []
        for index in range(count):
            made = types[index] if index < len(types) else None
            named = names[index] if names else self._fresh_name(operator.name)
            if made is None and named:
                raise LikewiseError(
                    "too many outputs", given=count, allowed=f"at most {len(types)}"
                ).at(f"operator {operator.name}")
            outputs.append(Value(named, made) if named and made is not None else None)
        return outputs

    def _fresh_name(self, hint: str) -> str:
        self._made += 1
        return f"{self.prefix}{hint.lower()}_{self._made}"

    def type(self, x: Value) -> TensorType:
        if not isinstance(x.type, TensorType):
            raise TypeError(f"{x} is not a tensor")
        return x.type

    def _constant(self, array: Array) -> Value:
        return self.named_constant(self._fresh_name("constant"), array)

    def named_constant(self, name: str, array: Array) -> Value:
        """A constant under a name of its own."""
        value = Value(name, TensorType(DType.of(array.dtype), array.shape, array))
        self.constants[value] = array
        return value

    def rename(self, value: Value, name: str, first: int) -> Value:
        """`value` under another name.

        One made by none of the nodes from index `first` on keeps its own, and an Identity follows.
        """
        if not any(value in node.outputs for node in self.nodes[first:]):
            return self.op_named("Identity", [value], name)
        renamed = Value(name, value.type)
        self._swap({value: renamed}, first)
        return renamed

    def retype(self, kinds: Mapping[Value, Type]) -> dict[Value, Value]:
        """What stands for values of whose types more is known from elsewhere, by old value.

        Those that a subgraph reads are kept as they are: graphs are immutable.
        """
        if not kinds:
            return {}
        captured = {value for node in self.nodes for value in node.captures}
        retyped = {v: Value(v.name, kind) for v, kind in kinds.items() if v not in captured}
        self._swap(retyped, 0)
        return retyped

    def _swap(self, new: Mapping[Value, Value], first: int) -> None:
        """Put what `new` gives in the place of values in the nodes from index `first` on."""

        def swapped(values: Sequence[Value | None]) -> tuple[Value | None, ...]:
            return tuple(v if v is None else new.get(v, v) for v in values)

        self.nodes[first:] = [
            Node(node.operator, swapped(node.inputs), swapped(node.outputs), node.name)
            for node in self.nodes[first:]
        ]

    def op_named(self, operator: str, inputs: Sequence[Value], name: str) -> Value:
        """The one output, called `name`, of an operator of `ai.onnx` without attributes."""
        found = find_operator(operator)
        if found is None:
            raise UnsupportedError(f"there is no operator ai.onnx.{operator}")
        return self.apply(found(), inputs, [name])[0]

    def graph(self, name: str, inputs: Sequence[Value], outputs: Sequence[Value]) -> Graph:
        """Everything added so far as a graph from `inputs` to `outputs`."""
        return Graph(name, tuple(inputs), tuple(outputs), tuple(self.nodes), self.constants)


@dataclass
class OldForm:
    """A node as an older opset writes it, for `Operator.upgrade` to bring up to date.

    `outputs` is how many outputs the node has.
    """

    opset: int
    inputs: list[Value | None]
    attributes: dict[str, Any]
    outputs: int
    builder: GraphBuilder = field(default_factory=GraphBuilder)

    def type(self, position: int) -> TensorType | None:
        """The type of the input at `position`; None where it is absent."""
        value = self.inputs[position] if position < len(self.inputs) else None
        return None if value is None else self.builder.type(value)

    def to_input(self, name: str, position: int, dtype: DType = DType.INT64) -> None:
        """Make attribute `name`, if it is there, the input at `position`."""
        value = self.attributes.pop(name, None)
        if value is None:
            return
        self.inputs += [None] * (position + 1 - len(self.inputs))
        self.inputs[position] = self.builder.constant(value, dtype)
