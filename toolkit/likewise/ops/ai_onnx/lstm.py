"""LSTM: a recurrent layer with a cell that gates write, keep and read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from likewise.ops.case import Case, f16, f32
from likewise.ops.recurrent import Gates, Recurrent, drop_output_sequence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from likewise.ir import Array, TensorType
    from likewise.loop import Value
    from likewise.lower import Lowering, TensorView
    from likewise.lower.kernels.recurrent import Place, Walk
    from likewise.ops.activations import LoopActivation
    from likewise.ops.build import OldForm
    from likewise.ops.recurrent import Tables


class LSTM(Recurrent, versions=(1, 7, 14, 22)):
    """C = f * C + i * c and H = o * h(C), gates in the order i, o, f, c; outputs Y, H and C.

    `input_forget` couples the gates: the forget gate is 1 - i. `clip` bounds the sums that go
    into f and g, not C on its way into h: ONNX says only "the input of activations", onnxruntime
    decides.
    """

    _gates: ClassVar[int] = 4
    _defaults: ClassVar[tuple[str, ...]] = ("Sigmoid", "Tanh", "Tanh")
    _states: ClassVar[int] = 2

    input_forget: bool = False

    def infer(
        self,
        X: TensorType,
        W: TensorType,
        R: TensorType,
        B: TensorType | None = None,
        sequence_lens: TensorType | None = None,
        initial_h: TensorType | None = None,
        initial_c: TensorType | None = None,
        P: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        states = {"initial_h": initial_h, "initial_c": initial_c, "P": P}
        return self.infer_states(X, W, R, B, sequence_lens, **states)

    def evaluate(
        self,
        X: Array,
        W: Array,
        R: Array,
        B: Array | None = None,
        sequence_lens: Array | None = None,
        initial_h: Array | None = None,
        initial_c: Array | None = None,
        P: Array | None = None,
    ) -> tuple[Array, ...]:
        return self.run(X, W, R, B, sequence_lens, (initial_h, initial_c), P)

    def step(self, projected: Array, states: tuple[Array, ...], gates: Gates) -> tuple[Array, ...]:
        h, c = states
        size = h.shape[1]
        f, g, squash = gates.activations
        sums = h @ gates.r
        sums += projected
        peep = gates.peepholes
        if peep is None:
            iof = f(self.clipped(sums[:, : 3 * size]))
            i, o, keep = iof[:, :size], iof[:, size : 2 * size], iof[:, 2 * size :]
        else:
            i = f(self.clipped(sums[:, :size] + peep[:size] * c))
            keep = f(self.clipped(sums[:, 2 * size : 3 * size] + peep[2 * size :] * c))
        if self.input_forget:
            keep = 1 - i
        cell = keep * c
        cell += i * g(self.clipped(sums[:, 3 * size :]))
        if peep is not None:
            o = f(self.clipped(sums[:, size : 2 * size] + peep[size : 2 * size] * cell))
        return o * squash(cell), cell

    def lower(
        self,
        lowering: Lowering,
        X: TensorView,
        W: TensorView,
        R: TensorView,
        B: TensorView | None = None,
        sequence_lens: TensorView | None = None,
        initial_h: TensorView | None = None,
        initial_c: TensorView | None = None,
        P: TensorView | None = None,
    ) -> tuple[TensorView, ...]:
        return self.lower_states(lowering, X, W, R, B, sequence_lens, (initial_h, initial_c), P)

    def phases(
        self, lowering: Lowering, walk: Walk, functions: list[LoopActivation], tables: Tables
    ) -> list[tuple[TensorView, int, int, Callable[[Place], None]]]:
        f, g, squash = functions
        h, c = walk.states
        after = lowering.empty(c.dtype, c.shape)

        def total(at: Place, gate: int, cell: Value) -> Value:
            projected, recurrent = at.gate(gate)
            found = projected + recurrent
            if tables.peepholes is not None and gate < 3:
                found = found + at.table(tables.peepholes, gate) * cell
            return self.within_clip(at.k, found)

        def weigh(at: Place) -> None:
            k, before = at.k, at.state(1)
            i = f(k, total(at, 0, before))
            keep = 1.0 - i if self.input_forget else f(k, total(at, 2, before))
            at.put(after, keep * before + i * g(k, total(at, 3, before)))

        def finish(at: Place) -> None:
            cell = at.value(after)
            at.finish(f(at.k, total(at, 1, cell)) * squash(at.k, cell), cell)

        # A loop of its own for h(C): a processor looks ahead to the next units, but not so far that
        # it could begin them while these wait for one function after the other.
        return [(h, 0, walk.r.shape[0], weigh), (h, 0, 0, finish)]

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        drop_output_sequence(old)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        # With Affine 1, 0 the gates are plain sums: i = 1, o = 2, f = 3, c = 4 + what is added.
        x, w, r = f32([[[1]]]), f32([[[1], [2], [3], [4]]]), np.zeros((1, 4, 1), np.float32)
        h, c = f32([[[0.5]]]), f32([[[2]]])
        linear: dict[str, Any] = {"activations": ("Affine",) * 3, "wanted": 3}

        def made(hidden: float, cell: float) -> list[Array]:
            return [f32([[[[hidden]]]]), f32([[[hidden]]]), f32([[[cell]]])]

        yield Case(cls(**linear), [x, w, r], made(8, 4))
        yield Case(cls(**linear), [x, w, r, None, None, h, c], made(20, 10))
        bias = f32([[1, 0, 0, 0, 0, 0, 0, 1]])
        yield Case(cls(**linear), [x, w, r, bias, None, h, c], made(32, 16))
        recurrent = [x, w, r + 2, None, None, h, c]  # i = 2, o = 3, f = 4, c = 5
        yield Case(cls(**linear), recurrent, made(54, 18))
        peepholes = f32([[1, 2, 3]])  # i = 1 + 2, f = 3 + 6, o = 2 + 2 C
        yield Case(cls(**linear), [x, w, r, None, None, h, c, peepholes], made(62 * 30, 30))
        coupled = cls(**linear, input_forget=True)
        yield Case(coupled, [x, w, r + 2, None, None, h, c], made(24, 8))
        clipped = cls(**linear, clip=2.5)  # C = 2.5 * 2 + 1 * 2.5
        yield Case(clipped, [x, w, r, None, None, h, c], made(15, 7.5))
        s = 1 / (1 + np.exp(-f32([1, 2, 3])))
        cell = s[0] * np.tanh(np.float32(4))
        both = made(s[1] * np.tanh(cell), cell)
        yield Case(cls(wanted=3), [x, w, r], both, rtol=1e-6)
        halves = [f16(v) for v in both]
        yield Case(cls(wanted=3), [f16(x), f16(w), f16(r)], halves, rtol=1e-3)
        double = cls(direction="bidirectional", wanted=3)
        pair = [np.concatenate([v, v], axis) for v, axis in zip(both, (1, 0, 0), strict=True)]
        yield Case(double, [x, *(np.concatenate([v, v]) for v in (w, r))], pair, rtol=1e-6)
        yield Case(cls(), [x, w[:, :3], r], error="the gates of W and of the operator")
