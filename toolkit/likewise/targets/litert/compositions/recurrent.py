"""LSTM, GRU and RNN step by step: every step is a product and some element by element.

TFLite's own LSTM keeps its state from one run to the next, which ONNX's does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.errors import UnsupportedError
from likewise.targets.litert.compositions import composed

if TYPE_CHECKING:
    from collections.abc import Callable

    from likewise.ir import Value
    from likewise.ops.build import GraphBuilder

    States = tuple[Value, ...]
    Step = Callable[[Value, States], States]

MOST_STEPS: Final = 512
"""Of a loop that is written out."""


@dataclass
class _Layer:
    """One recurrent operator on its way into steps."""

    b: GraphBuilder
    operator: Any
    W: Value
    R: Value
    B: Value | None
    P: Value | None = None

    @property
    def hidden(self) -> int:
        return int(self.b.type(self.R).shape[2])  # type: ignore[arg-type]  # it is static

    def part(self, x: Value, at: int, count: int = 1, axis: int = 0) -> Value:
        """`count` entries of an axis from `at` on."""
        b = self.b
        made: Value = b.Slice(x, b.ints(at), b.ints(at + count), b.ints(axis))
        return made

    def direction(self, x: Value | None, at: int) -> Value | None:
        """A direction's part of weights, bias or peepholes."""
        return None if x is None else self.b.Squeeze(self.part(x, at), self.b.ints(0))

    def gate(self, x: Value, at: int, count: int = 1) -> Value:
        """Of what is [batch, gates × hidden], one gate, or several."""
        return self.part(x, at * self.hidden, count * self.hidden, -1)

    def clipped(self, x: Value) -> Value:
        limit = self.operator.clip
        return x if limit is None else self.b.Clip(x, -limit, limit)

    def functions(self, at: int) -> list[Callable[[Value], Value]]:
        """A direction's activations, clipped before they are applied."""
        names = self.operator.activations or self.operator._defaults * self.operator.directions  # noqa: SLF001
        count = len(self.operator._defaults)  # noqa: SLF001
        if self.operator.activation_alpha or self.operator.activation_beta:
            raise UnsupportedError("activations with parameters of their own are not composed")

        def named(name: str) -> Callable[[Value], Value]:
            if name not in {
                "Sigmoid",
                "Tanh",
                "Relu",
                "HardSigmoid",
                "Elu",
                "Softsign",
                "Softplus",
            }:
                raise UnsupportedError(f"the activation {name} is not composed")
            return lambda x: self.b.op(name, x)

        return [named(name) for name in names[at * count : (at + 1) * count]]


def _unrolled(
    layer: _Layer,
    X: Value,
    lengths: Value | None,
    first: tuple[Value | None, ...],
    step_of: Callable[[_Layer, int], Step],
) -> tuple[Value, ...]:
    """Y and the last states: the steps of both directions, one after the other."""
    b, operator = layer.b, layer.operator
    x = b.Transpose(X, perm=(1, 0, 2)) if operator.layout else X
    steps, batch = (int(size) for size in b.type(x).shape[:2])  # type: ignore[arg-type]  # static
    _check_lengths(b, lengths, steps)
    ys: list[list[Value]] = []
    ends: list[States] = []
    for d in range(operator.directions):
        projected = _projected(layer, x, d)
        states = tuple(_first(layer, one, d, batch) for one in first)
        step, order = step_of(layer, d), range(steps)
        made: dict[int, Value] = {}
        for t in reversed(order) if operator.direction == "reverse" or d == 1 else order:
            states = step(b.Squeeze(layer.part(projected, t), b.ints(0)), states)
            made[t] = states[0]
        ys.append([made[t] for t in order])
        ends.append(states)
    axis = 1 if operator.layout else 0
    last = [
        b.Concat(*(b.Unsqueeze(one, b.ints(axis)) for one in same), axis=axis)
        for same in zip(*ends, strict=True)
    ]
    per_step = [
        b.Unsqueeze(b.Concat(*(b.Unsqueeze(one, b.ints(0)) for one in same), axis=0), b.ints(0))
        for same in zip(*ys, strict=True)
    ]
    y = b.Concat(*per_step, axis=0)
    return (b.Transpose(y, perm=(2, 0, 1, 3)) if operator.layout else y, *last)


def _check_lengths(b: GraphBuilder, lengths: Value | None, steps: int) -> None:
    known = None if lengths is None else b.type(lengths).constant
    if steps > MOST_STEPS:
        raise UnsupportedError("too many steps to write one by one", given=steps)
    if lengths is not None and (known is None or (known != steps).any()):
        raise UnsupportedError("sequences of different lengths are not composed")


def _projected(layer: _Layer, x: Value, d: int) -> Value:
    """The inputs of all steps times W, with the part of the bias that is added at once."""
    b = layer.b
    weights = layer.direction(layer.W, d)
    made: Value = b.MatMul(x, b.Transpose(weights, perm=(1, 0)))
    bias = layer.direction(layer.B, d)
    if bias is None:
        return made
    half = layer.operator._gates * layer.hidden  # noqa: SLF001
    both = layer.part(bias, 0, half), layer.part(bias, half, half)
    if not getattr(layer.operator, "linear_before_reset", False):
        return b.Add(made, b.Add(*both))
    inner = 2 * layer.hidden
    kept = np.concatenate([np.ones(inner), np.zeros(half - inner)]).astype(b.type(x).dtype.numpy)
    return b.Add(made, b.Add(both[0], b.Mul(both[1], b.constant(kept))))


def _first(layer: _Layer, state: Value | None, d: int, batch: int) -> Value:
    b = layer.b
    if state is None:
        return b.constant(np.zeros((batch, layer.hidden)), b.type(layer.R).dtype)
    axis = 1 if layer.operator.layout else 0
    made: Value = b.Squeeze(layer.part(state, d, 1, axis), b.ints(axis))
    return made


def _recurrent(layer: _Layer, d: int) -> Value:
    made: Value = layer.b.Transpose(layer.direction(layer.R, d), perm=(1, 0))
    return made


def _lstm_step(layer: _Layer, d: int) -> Step:
    b, weights = layer.b, _recurrent(layer, d)
    f, g, squash = layer.functions(d)
    peep = layer.direction(layer.P, d)

    def step(projected: Value, states: States) -> States:
        h, c = states
        sums = b.Add(projected, b.MatMul(h, weights))

        def total(gate: int, peephole: int, cell: Value) -> Value:
            own = layer.gate(sums, gate)
            if peep is None:
                return layer.clipped(own)
            hidden = layer.hidden
            weight = layer.part(peep, peephole * hidden, hidden)
            return layer.clipped(b.Add(own, b.Mul(weight, cell)))

        i = f(total(0, 0, c))
        if layer.operator.input_forget:
            keep = b.Sub(b.constant(1.0, b.type(i).dtype), i)
        else:
            keep = f(total(2, 2, c))
        cell = b.Add(b.Mul(keep, c), b.Mul(i, g(layer.clipped(layer.gate(sums, 3)))))
        o = f(total(1, 1, cell))
        return b.Mul(o, squash(cell)), cell

    return step


def _gru_step(layer: _Layer, d: int) -> Step:
    b, weights = layer.b, _recurrent(layer, d)
    f, g = layer.functions(d)
    linear = layer.operator.linear_before_reset
    bias = layer.direction(layer.B, d)
    inner_bias = None if bias is None else layer.part(bias, 5 * layer.hidden, layer.hidden)

    def step(projected: Value, states: States) -> States:
        (h,) = states
        first = layer.gate(weights, 0, 2)
        zr = f(layer.clipped(b.Add(layer.gate(projected, 0, 2), b.MatMul(h, first))))
        z, r = layer.gate(zr, 0), layer.gate(zr, 1)
        last = layer.gate(weights, 2)
        if linear:
            inner = b.MatMul(h, last)
            inner = b.Mul(inner if inner_bias is None else b.Add(inner, inner_bias), r)
        else:
            inner = b.MatMul(b.Mul(r, h), last)
        new = g(layer.clipped(b.Add(inner, layer.gate(projected, 2))))
        stay = b.Sub(b.constant(1.0, b.type(z).dtype), z)
        return (b.Add(b.Mul(stay, new), b.Mul(z, h)),)

    return step


def _rnn_step(layer: _Layer, d: int) -> Step:
    b, weights = layer.b, _recurrent(layer, d)
    (f,) = layer.functions(d)

    def step(projected: Value, states: States) -> States:
        return (f(layer.clipped(b.Add(b.MatMul(states[0], weights), projected))),)

    return step


@composed("LSTM")
def lstm(
    b: GraphBuilder,
    operator: Any,
    X: Value,
    W: Value,
    R: Value,
    B: Value | None = None,
    sequence_lens: Value | None = None,
    initial_h: Value | None = None,
    initial_c: Value | None = None,
    P: Value | None = None,
) -> tuple[Value, ...]:
    """Step by step."""
    layer = _Layer(b, operator, W, R, B, P)
    return _unrolled(layer, X, sequence_lens, (initial_h, initial_c), _lstm_step)


@composed("GRU")
def gru(
    b: GraphBuilder,
    operator: Any,
    X: Value,
    W: Value,
    R: Value,
    B: Value | None = None,
    sequence_lens: Value | None = None,
    initial_h: Value | None = None,
) -> tuple[Value, ...]:
    """Step by step."""
    return _unrolled(_Layer(b, operator, W, R, B), X, sequence_lens, (initial_h,), _gru_step)


@composed("RNN")
def rnn(
    b: GraphBuilder,
    operator: Any,
    X: Value,
    W: Value,
    R: Value,
    B: Value | None = None,
    sequence_lens: Value | None = None,
    initial_h: Value | None = None,
) -> tuple[Value, ...]:
    """Step by step."""
    return _unrolled(_Layer(b, operator, W, R, B), X, sequence_lens, (initial_h,), _rnn_step)
