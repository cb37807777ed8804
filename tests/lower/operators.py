"""A few operators as `lower` is meant to be written, without the real ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from likewise.ir import DType, Graph, Node, TensorType, Value
from likewise.loop import I32
from likewise.loop import math as loop_math

if TYPE_CHECKING:
    from likewise.ir.graph import OperatorLike
    from likewise.lower import Lowering, TensorView

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Example:
    """What the graph and the lowering need of an operator."""

    deterministic: ClassVar[bool] = True
    keeps_extents: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return type(self).__name__

    @property
    def domain(self) -> str:
        return ""

    @property
    def subgraphs(self) -> tuple[Graph, ...]:
        return ()

    def attributes(self) -> dict[str, Any]:
        return {}

    def evaluate(self, *inputs: Array) -> Any:
        raise NotImplementedError


class Add(Example):
    def evaluate(self, *inputs: Array) -> Array:
        return inputs[0] + inputs[1]

    def lower(self, lowering: Lowering, a: TensorView, b: TensorView) -> TensorView:
        return lowering.elementwise(lambda _, x, y: x + y, a.dtype, a, b)


class Exp(Example):
    def evaluate(self, *inputs: Array) -> Array:
        return np.exp(inputs[0])

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        return lowering.elementwise(loop_math.exp, x.dtype, x, cost=20)


class Sub(Example):
    def lower(self, lowering: Lowering, a: TensorView, b: TensorView) -> TensorView:
        return lowering.elementwise(lambda _, x, y: x - y, a.dtype, a, b)


class Div(Example):
    def lower(self, lowering: Lowering, a: TensorView, b: TensorView) -> TensorView:
        return lowering.elementwise(lambda _, x, y: x / y, a.dtype, a, b)


@dataclass(frozen=True)
class Transpose(Example):
    perm: tuple[int, ...] = ()

    def evaluate(self, *inputs: Array) -> Array:
        return inputs[0].transpose(self.perm)

    def lower(self, _: Lowering, x: TensorView) -> TensorView:
        return x.transpose(self.perm)


@dataclass(frozen=True)
class Reshape(Example):
    shape: tuple[int, ...] = ()

    def evaluate(self, *inputs: Array) -> Array:
        return inputs[0].reshape(self.shape)

    def lower(self, _: Lowering, x: TensorView) -> TensorView:
        return x.reshape(self.shape)


@dataclass(frozen=True)
class Reduce(Example):
    axes: tuple[int, ...] = ()
    keepdims: bool = True
    max: bool = False

    def evaluate(self, *inputs: Array) -> Array:
        function = np.max if self.max else np.sum
        return np.asarray(function(inputs[0], axis=self.axes, keepdims=self.keepdims))

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        axes = [axis % x.rank for axis in self.axes]
        if self.max:
            start = -np.inf
            return lowering.reduce(
                x, axes, start, lambda k, a, b: k.max(a, b), keepdims=self.keepdims
            )
        return lowering.reduce(x, axes, 0.0, lambda _, a, b: a + b, keepdims=self.keepdims)


class MatMul(Example):
    def evaluate(self, *inputs: Array) -> Array:
        return inputs[0] @ inputs[1]

    def lower(self, lowering: Lowering, a: TensorView, b: TensorView) -> TensorView:
        return lowering.matmul(a, b)


class Gather(Example):
    def evaluate(self, *inputs: Array) -> Array:
        return inputs[0][inputs[1]]

    def lower(self, lowering: Lowering, x: TensorView, indices: TensorView) -> TensorView:
        indices = lowering.materialise(indices)

        def back(k: Any, index: Any) -> Any:
            with k.without_lanes():
                at = indices.read(k, index[: indices.rank]).cast(I32)
            at = k.select(at < 0, at + x.shape[0], at)
            return (at, *index[indices.rank :])

        return x.viewed((*indices.shape, *x.shape[1:]), back)


@dataclass(frozen=True)
class Softmax(Example):
    axis: int = -1

    def evaluate(self, *inputs: Array) -> Array:
        grown = np.exp(inputs[0] - inputs[0].max(self.axis, keepdims=True))
        return np.asarray(grown / grown.sum(self.axis, keepdims=True))

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        axes = (self.axis,)
        low = Sub().lower(lowering, x, Reduce(axes=axes, max=True).lower(lowering, x))
        grown = lowering.shared(Exp().lower(lowering, low), 2)
        return Div().lower(lowering, grown, Reduce(axes=axes).lower(lowering, grown))


@dataclass
class Network:
    """Builds a graph of examples, and computes it with NumPy beside."""

    inputs: list[Value] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    arrays: dict[Value, Array] = field(default_factory=dict)

    def value(self, array: Array) -> Value:
        made = Value(f"v{len(self.arrays)}", TensorType(DType.of(array.dtype), array.shape))
        self.arrays[made] = array
        return made

    def input(self, array: Array) -> Value:
        self.inputs.append(self.value(array))
        return self.inputs[-1]

    def __call__(self, operator: Example, *inputs: Value) -> Value:
        made = self.value(operator.evaluate(*(self.arrays[one] for one in inputs)))
        self.nodes.append(Node(cast("OperatorLike", operator), inputs, (made,)))
        return made

    def graph(self, *outputs: Value) -> Graph:
        constants = {
            one: self.arrays[one]
            for one in self.arrays
            if one not in self.inputs and not any(one in node.outputs for node in self.nodes)
        }
        return Graph("test", tuple(self.inputs), outputs, tuple(self.nodes), constants)
