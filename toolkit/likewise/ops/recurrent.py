"""What RNN, GRU and LSTM share: directions, layouts, lengths, and the walk through time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np

from likewise.errors import InferenceError, LikewiseError
from likewise.ir import DType
from likewise.ops.activations import loop_activations, named_activations
from likewise.ops.checks import (
    check_dtype,
    check_float,
    check_rank,
    check_same_dtype,
    unify,
)
from likewise.ops.conversion import convert
from likewise.ops.convolution import working_dtype
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from likewise.ir import Array, Dim, TensorType
    from likewise.loop import Value
    from likewise.lower import Index, Kernel, Lowering, TensorView
    from likewise.lower.kernels.recurrent import Place, Walk
    from likewise.ops.activations import LoopActivation
    from likewise.ops.build import OldForm

__all__ = ["Gates", "Recurrent", "RecurrentLayer"]


class Gates(NamedTuple):
    """One direction's weights, in the dtype of the sums; H is the hidden size, G the gates'."""

    w: Array
    """[G * H, input size]."""
    r: Array
    """[H, G * H], transposed for the product with a state [batch, H]."""
    folded_bias: Array
    """[G * H]: see `Recurrent.fold_bias`."""
    recurrent_bias: Array
    """[G * H]."""
    peepholes: Array | None
    """[3 * H], LSTM only."""
    activations: list[Callable[[Array], Array]]


class Tables(NamedTuple):
    """One direction's bias [2 * G * H] and peepholes [3 * H] as views in memory.

    The bias is in `projected` as far as `Recurrent.folded` says.
    """

    bias: TensorView | None
    peepholes: TensorView | None


class RecurrentLayer(Operator):
    """What every recurrent layer has, that of bytes too."""

    bounded = False  # a step of Python costs more than its few operations

    activation_alpha: tuple[float, ...] | None = None
    activation_beta: tuple[float, ...] | None = None
    activations: tuple[str, ...] | None = None
    clip: float | None = None
    direction: Literal["forward", "reverse", "bidirectional"] = "forward"
    hidden_size: int | None = None

    @property
    def directions(self) -> int:
        """How many times the sequence is walked through."""
        return 2 if self.direction == "bidirectional" else 1

    def flops(
        self,
        inputs: Sequence[TensorType | None],
        outputs: Sequence[TensorType | None],  # noqa: ARG002 — the weights tell all
    ) -> Dim:
        """The two products of every step; the gates' few operations are left out."""
        x, w, r = inputs[:3]
        if x is None or w is None or r is None:
            return 0
        return 2 * x.shape[0] * x.shape[1] * (w.size + r.size)


class Recurrent(RecurrentLayer):
    """Base of the three. float16 and bfloat16 are computed in float32, rounded at the end."""

    _gates: ClassVar[int] = 1
    _defaults: ClassVar[tuple[str, ...]] = ("Tanh",)
    _states: ClassVar[int] = 1

    layout: Literal[0, 1] = 0

    def infer_states(
        self,
        X: TensorType,
        W: TensorType,
        R: TensorType,
        B: TensorType | None,
        sequence_lens: TensorType | None,
        **states: TensorType | None,
    ) -> tuple[TensorType, ...]:
        """The types of Y and of each last state; `states` are the first ones and P."""
        check_float(X, "X")
        check_same_dtype(X=X, W=W, R=R, B=B, **states)
        for x, name in ((X, "X"), (W, "W"), (R, "R")):
            check_rank(x, 3, name)
        hidden = unify(R.shape[2], self.hidden_size or R.shape[2], "hidden_size and a dim of R")
        unify(X.shape[2], W.shape[2], "the input sizes of X and W")
        batch, steps = X.shape[self._batch], X.shape[1 - self._batch]
        count = self.directions
        for x, name in ((W, "W"), (R, "R")):
            unify(x.shape[0], count, f"the directions of {name} and of the operator")
            unify(x.shape[1], hidden * self._gates, f"the gates of {name} and of the operator")
        sizes = {"B": (count, hidden * 2 * self._gates), "P": (count, hidden * 3)}
        state = (batch, count, hidden) if self.layout else (count, batch, hidden)
        for name, given in {"B": B, **states}.items():
            wanted = sizes.get(name, state)
            if given is not None:
                check_rank(given, len(wanted), name)
                for a, b in zip(given.shape, wanted, strict=True):
                    unify(a, b, f"a dim of {name} and of the operator")
        if sequence_lens is not None:
            check_dtype(sequence_lens, {DType.INT32}, "sequence_lens")
            check_rank(sequence_lens, 1, "sequence_lens")
            unify(sequence_lens.shape[0], batch, "the size of sequence_lens and the batch")
        self._functions()
        y = (batch, steps, count, hidden) if self.layout else (steps, count, batch, hidden)
        return (X.with_shape(y), *[X.with_shape(state)] * self._states)

    @property
    def _batch(self) -> int:
        return 0 if self.layout else 1

    def _functions(self) -> list[Callable[[Array], Array]]:
        names = self.activations or self._defaults * self.directions
        wanted = len(self._defaults) * self.directions
        if len(names) < wanted:
            raise InferenceError("too few activations", given=list(names), allowed=wanted)
        return named_activations(names[:wanted], self.activation_alpha, self.activation_beta)

    def step(self, projected: Array, states: tuple[Array, ...], gates: Gates) -> tuple[Array, ...]:
        """The states [batch, H] (the first is the output) after one step.

        `projected` is the input times W plus what `fold_bias` adds to it, [batch, G * H].
        """
        raise NotImplementedError

    @property
    def folded(self) -> int:
        """Of how many gates the recurrent bias is added to all time steps at once."""
        return self._gates

    def fold_bias(self, bias: Array) -> Array:
        """The part of a direction's bias [2 * G * H] that is added to all time steps at once."""
        total, recurrent = np.split(bias.copy(), 2)
        folded = self.folded * len(total) // self._gates
        total[:folded] += recurrent[:folded]
        return total

    def clipped(self, x: Array) -> Array:
        """`x`, the argument of an activation, within -clip … clip; may change it in place."""
        return x if self.clip is None else np.clip(x, -self.clip, self.clip, out=x)

    def run(
        self,
        X: Array,
        W: Array,
        R: Array,
        B: Array | None,
        sequence_lens: Array | None,
        states: tuple[Array | None, ...],
        P: Array | None = None,
    ) -> tuple[Array, ...]:
        """Y and the last states, for arrays as the operator takes them."""
        work = working_dtype(X.dtype)
        x = X.astype(work, copy=False)
        x = x.swapaxes(0, 1) if self.layout else x
        steps, batch, _ = x.shape
        hidden = R.shape[2]
        if sequence_lens is not None and (
            (sequence_lens < 0).any() or (sequence_lens > steps).any()
        ):
            raise LikewiseError(
                "a sequence length is out of range",
                given=sequence_lens.tolist(),
                allowed=f"0 to {steps}",
            )
        functions, each = self._functions(), len(self._defaults)
        y = np.empty((steps, self.directions, batch, hidden), work)
        last: list[tuple[Array, ...]] = []
        for d in range(self.directions):
            bias = np.zeros(2 * self._gates * hidden, work) if B is None else B[d].astype(work)
            gates = Gates(
                W[d].astype(work, copy=False),
                np.ascontiguousarray(R[d].astype(work, copy=False).T),
                self.fold_bias(bias),
                bias[self._gates * hidden :],
                None if P is None else P[d].astype(work, copy=False),
                functions[d * each : (d + 1) * each],
            )
            first = tuple(self._first(state, d, (batch, hidden), work) for state in states)
            backward = self.direction == "reverse" or d == 1
            last.append(self._walk(x, gates, first, sequence_lens, backward, y[:, d]))
        ends = [np.stack(parts, 1 if self.layout else 0) for parts in zip(*last, strict=True)]
        if self.layout:
            y = y.transpose(2, 0, 1, 3)
        return tuple(array.astype(X.dtype, copy=False) for array in (y, *ends))

    def phases(
        self, lowering: Lowering, walk: Walk, functions: list[LoopActivation], tables: Tables
    ) -> list[tuple[TensorView, int, int, Callable[[Place], None]]]:
        """The products and updates of one step, as `lowering.walk` runs them."""
        raise NotImplementedError

    def within_clip(self, k: Kernel, x: Value) -> Value:
        """`clipped` of a loop-IR value."""
        return x if self.clip is None else k.min(k.max(x, -self.clip), self.clip)

    def lower_states(
        self,
        lowering: Lowering,
        X: TensorView,
        W: TensorView,
        R: TensorView,
        B: TensorView | None,
        sequence_lens: TensorView | None,
        states: tuple[TensorView | None, ...],
        P: TensorView | None = None,
    ) -> tuple[TensorView, ...]:
        """`run` on views."""
        dtype = X.dtype
        work = DType.FLOAT if dtype in {DType.FLOAT16, DType.BFLOAT16} else dtype
        x = _widened(lowering, X, work)
        x = lowering.materialise(x.transpose((1, 0, 2)) if self.layout else x)
        steps, batch, hidden = *x.shape[:2], R.shape[2]
        lengths = None if sequence_lens is None else lowering.materialise(sequence_lens)
        y = lowering.empty(work, (steps, self.directions, batch, hidden))
        functions = loop_activations(
            self.activations or self._defaults * self.directions,
            self.activation_alpha,
            self.activation_beta,
        )
        each, last = len(self._defaults), []
        for d in range(self.directions):
            w, r = (_part(lowering, _widened(lowering, v, work), d) for v in (W, R))
            tables = Tables(
                *(
                    None if v is None else _part(lowering, _widened(lowering, v, work), d)
                    for v in (B, P)
                )
            )
            turned = (
                w.transpose((1, 0))
                if w.data is None
                else lowering.constant(np.ascontiguousarray(w.data.T))
            )
            bias = None if tables.bias is None else self._folded_view(lowering, tables.bias)
            first = []
            for state in states:
                first.append(lowering.empty(work, (batch, hidden)))
                lowering.write(self._start(lowering, state, d, first[-1]), first[-1])

            backward = self.direction == "reverse" or d == 1
            walk = lowering.walk(
                x, turned, bias, r, first, y, direction=d, lengths=lengths, backward=backward
            )
            chosen = functions[d * each : (d + 1) * each]
            walk.run(
                self.phases(lowering, walk, chosen, tables), f"{y.storage}_{self.name.lower()}"
            )
            last.append(first)
        ends = [
            lowering.concat([one.reshape((1, batch, hidden)) for one in parts], 0)
            for parts in zip(*last, strict=True)
        ]
        made = [y, *ends]
        if self.layout:
            made = [y.transpose((2, 0, 1, 3)), *(one.transpose((1, 0, 2)) for one in ends)]
        return tuple(
            one if work is dtype else lowering.elementwise(lambda _, v: v, dtype, one)
            for one in made
        )

    def _folded_view(self, lowering: Lowering, bias: TensorView) -> TensorView:
        """`fold_bias` of a view."""
        if bias.data is not None:
            return lowering.constant(self.fold_bias(bias.data))
        whole = bias.size // 2
        folded = whole * self.folded // self._gates
        parts = [bias.slice((at,), (1,), (folded,)) for at in (0, whole)]
        total = lowering.elementwise(lambda _, a, b: a + b, bias.dtype, *parts)
        if folded == whole:
            return total
        return lowering.concat([total, bias.slice((folded,), (1,), (whole - folded,))], 0)

    def _start(
        self, lowering: Lowering, state: TensorView | None, d: int, like: TensorView
    ) -> TensorView:
        if state is None:
            return lowering.generate(like.dtype, like.shape, lambda k, _: k.number(0, like.storage))

        def back(k: Kernel, index: Index) -> Index:
            return (index[0], k.index(d), index[1]) if self.layout else (k.index(d), *index)

        return _widened(lowering, state, like.dtype).viewed(like.shape, back)

    def _first(
        self, state: Array | None, d: int, shape: tuple[int, int], dtype: np.dtype[Any]
    ) -> Array:
        if state is None:
            return np.zeros(shape, dtype)
        return (state[:, d] if self.layout else state[d]).astype(dtype, copy=False)

    def _walk(
        self,
        x: Array,
        gates: Gates,
        states: tuple[Array, ...],
        lengths: Array | None,
        backward: bool,
        y: Array,
    ) -> tuple[Array, ...]:
        """Fill `y` [steps, batch, H] and give the last states of one direction.

        A sequence shorter than `steps` keeps its state behind its end, where `y` is 0; walked
        backwards it begins at its own end.
        """
        steps, batch, size = x.shape
        projected = x.reshape(steps * batch, size) @ gates.w.T
        projected += gates.folded_bias
        projected = projected.reshape(steps, batch, projected.shape[1])
        for t in reversed(range(steps)) if backward else range(steps):
            after = self.step(projected[t], states, gates)
            if lengths is None:
                states = after
                y[t] = after[0]
                continue
            active = (t < lengths)[:, None]
            states = tuple(
                np.where(active, new, old) for new, old in zip(after, states, strict=True)
            )
            y[t] = np.where(active, after[0], 0)
        return states


def _widened(lowering: Lowering, view: TensorView, dtype: DType) -> TensorView:
    if view.dtype is dtype:
        return view
    if view.data is not None:
        return lowering.constant(convert(view.data, dtype))
    return lowering.elementwise(lambda _, v: v, dtype, view, exact=True)


def _part(lowering: Lowering, view: TensorView, d: int) -> TensorView:
    """Element `d` of the first axis, in memory."""
    if view.data is not None:
        return lowering.constant(np.ascontiguousarray(view.data[d]))
    return lowering.materialise(view.viewed(view.shape[1:], lambda k, index: (k.index(d), *index)))


def drop_output_sequence(old: OldForm) -> None:
    """Opset 1 and 3: `output_sequence` says whether Y is made; asking for Y says the same."""
    old.attributes.pop("output_sequence", None)
    if old.attributes.get("direction") in ("foward", b"foward"):  # the default of GRU-1, so spelt
        old.attributes["direction"] = "forward"
