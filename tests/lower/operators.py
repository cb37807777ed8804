"""A few operators as `lower` is meant to be written, without the real ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from likewise.ir import DType, Graph, Node, TensorType, Value
from likewise.loop import I32
from likewise.loop import math as loop_math
from likewise.lower import Lowering, TensorView, reduce
from likewise.lower.kernels.gemm import Matrix, gemm

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Example:
    """What the graph and the lowering need of an operator."""

    domain: str = ""
    deterministic: bool = True
    subgraphs: tuple[Graph, ...] = ()

    @property
    def name(self) -> str:
        return type(self).__name__

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
            return reduce(
                lowering, x, axes, start, lambda k, a, b: k.max(a, b), keepdims=self.keepdims
            )
        return reduce(lowering, x, axes, 0.0, lambda _, a, b: a + b, keepdims=self.keepdims)


class MatMul(Example):
    def evaluate(self, *inputs: Array) -> Array:
        return inputs[0] @ inputs[1]

    def lower(self, lowering: Lowering, a: TensorView, b: TensorView) -> TensorView:
        a, b = lowering.materialise(a), lowering.materialise(b)
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        m, depth, n = a.shape[-2], a.shape[-1], b.shape[-1]
        y = lowering.empty(a.dtype, (*batch, m, n))
        assert a.buffer is not None
        assert b.buffer is not None
        count = int(np.prod(batch))
        wide = [one.reshape((one.size // (p * q), p, q)) for one, p, q in
                ((a, m, depth), (b, depth, n))]  # fmt: skip
        with lowering.kernel("f32_gemm_5x8") as k, k.loop(count) as at:
            zero = k.index(0)
            bases = [one.address(k, (at if one.shape[0] > 1 else zero, zero, zero)) for one in wide]
            matrices = [
                Matrix(k.pointer(buffer), base, one.shape[-1])
                for (buffer, base), one in zip(bases, wide, strict=True)
            ]
            buffer, _ = y.address(k, (zero,) * y.rank)
            out = Matrix(k.pointer(buffer), at * (m * n), n)
            gemm(k, (matrices[0], matrices[1], out), (m, n, depth))
        return y


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

    def expand(self, b: Any, x: Any) -> Any:
        (top,) = b.apply(Reduce(axes=(self.axis,), max=True), [x])
        (low,) = b.apply(Sub(), [x, top])
        (grown,) = b.apply(Exp(), [low])
        grown = b.lowering.shared(grown, 2)
        (total,) = b.apply(Reduce(axes=(self.axis,)), [grown])
        return b.apply(Div(), [grown, total])[0]


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
        self.nodes.append(Node(operator, inputs, (made,)))
        return made

    def graph(self, *outputs: Value) -> Graph:
        constants = {
            one: self.arrays[one]
            for one in self.arrays
            if one not in self.inputs and not any(one in node.outputs for node in self.nodes)
        }
        return Graph("test", tuple(self.inputs), outputs, tuple(self.nodes), constants)
