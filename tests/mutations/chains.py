"""Small models that hold one operator among others: what a planted fault is looked for in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType, TensorType, Value
from likewise.ops.build import GraphBuilder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from likewise.ir import Graph

__all__ = ["Chain", "looping"]


@dataclass(frozen=True)
class Chain:
    """Neg, Add, the operator `name`, and what follows it, on an input of `shape` and `dtype`.

    `others` are the operator's further inputs: the shape of a constant to draw, an array, `"x"`
    for the first input again, or None. `build` stands for operators that these cannot say.
    """

    name: str
    shape: tuple[int, ...]
    others: Sequence[Any] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    dtype: DType = DType.FLOAT
    shift: float = 0.25
    scale: float = 1.0
    outputs: int = 1
    build: Callable[[GraphBuilder, Value], Value] | None = None

    def graph(self) -> Graph:
        """The model."""
        b = GraphBuilder()
        x = Value("x", TensorType(self.dtype, self.shape))
        shift = b.constant(np.array(self.shift), self.dtype)
        y = self._middle(b, b.Add(b.Neg(x), shift))
        kind = y.type
        assert isinstance(kind, TensorType)
        if kind.dtype is not DType.FLOAT:
            y = b.Cast(y, to=DType.FLOAT)
        return b.graph("chain", [x], [b.Abs(b.Mul(y, 0.5))])

    def _middle(self, b: GraphBuilder, x: Value) -> Value:
        if self.build is not None:
            return self.build(b, x)
        rng = np.random.default_rng(4)
        others: list[Value | None] = []
        for one in self.others:
            if one is None:
                others.append(None)
            elif isinstance(one, str):
                others.append(x)
            elif isinstance(one, tuple):
                others.append(b.constant(rng.standard_normal(one), self.dtype))
            else:
                others.append(b.constant(one))
        made = b.op(self.name, x, *others, outputs=self.outputs, **self.attributes)
        found: Value = made if self.outputs == 1 else made[0]
        return found

    def feed(self) -> Any:
        """The input: whole numbers where it is made of integers, else normal ones, scaled."""
        rng = np.random.default_rng(5)
        if self.dtype.is_integer:
            return rng.integers(-9, 10, self.shape).astype(self.dtype.numpy)
        drawn = rng.standard_normal(self.shape) * self.scale
        return (np.rint(drawn) if self.scale > 2 else drawn).astype(self.dtype.numpy)


def looping(b: GraphBuilder, x: Value) -> Value:
    """A Loop of three rounds that triples and subtracts."""
    body = GraphBuilder("body_")
    number = Value("number", TensorType(DType.INT64, ()))
    going = Value("going", TensorType(DType.BOOL, ()))
    state = Value("state", x.type)
    new = body.Sub(body.Mul(state, 3.0), x)
    graph = body.graph("body", [number, going, state], [going, new])
    made: Value = b.Loop(b.constant(np.array(3)), None, x, body=graph)
    return made
