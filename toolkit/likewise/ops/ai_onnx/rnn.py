"""RNN: a simple recurrent layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ops.case import Case, f32, i32
from likewise.ops.recurrent import Gates, Recurrent, drop_output_sequence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from likewise.ir import Array, TensorType
    from likewise.lower import Lowering, TensorView
    from likewise.lower.kernels.recurrent import Place, Walk
    from likewise.ops.activations import LoopActivation
    from likewise.ops.build import OldForm
    from likewise.ops.recurrent import Tables


class RNN(Recurrent, versions=(1, 7, 14, 22)):
    """H = f(X W^T + H R^T + Wb + Rb) step by step: Y with every H, and the last one."""

    def infer(
        self,
        X: TensorType,
        W: TensorType,
        R: TensorType,
        B: TensorType | None = None,
        sequence_lens: TensorType | None = None,
        initial_h: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        return self.infer_states(X, W, R, B, sequence_lens, initial_h=initial_h)

    def evaluate(
        self,
        X: Array,
        W: Array,
        R: Array,
        B: Array | None = None,
        sequence_lens: Array | None = None,
        initial_h: Array | None = None,
    ) -> tuple[Array, ...]:
        return self.run(X, W, R, B, sequence_lens, (initial_h,))

    def step(self, projected: Array, states: tuple[Array, ...], gates: Gates) -> tuple[Array, ...]:
        h = states[0] @ gates.r
        h += projected
        return (gates.activations[0](self.clipped(h)),)

    def lower(
        self,
        lowering: Lowering,
        X: TensorView,
        W: TensorView,
        R: TensorView,
        B: TensorView | None = None,
        sequence_lens: TensorView | None = None,
        initial_h: TensorView | None = None,
    ) -> tuple[TensorView, ...]:
        return self.lower_states(lowering, X, W, R, B, sequence_lens, (initial_h,))

    def phases(
        self, _: Lowering, walk: Walk, functions: list[LoopActivation], __: Tables
    ) -> list[tuple[TensorView, int, int, Callable[[Place], None]]]:
        (function,), hidden = functions, walk.r.shape[1]

        def update(at: Place) -> None:
            projected, recurrent = at.gate(0)
            at.finish(function(at.k, self.within_clip(at.k, projected + recurrent)))

        return [(walk.states[0], 0, hidden, update)]

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        drop_output_sequence(old)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[[1], [2]], [[3], [-4]], [[5], [6]]])
        w, r = f32([[[1]]]), f32([[[0.5]]])
        linear: dict[str, Any] = {"activations": ("Affine",), "wanted": 2}
        one: Array = f32([[[1, 2], [3.5, -3], [6.75, 4.5]]]).reshape(3, 1, 2, 1)
        yield Case(cls(**linear), [x, w, r], [one, one[2]])
        clip = [f32([[[[1], [2]]], [[[2], [-2]]], [[[2], [2]]]])]
        yield Case(cls(**linear, clip=2.0), [x, w, r], clip)
        lens, start = i32([3, 1]), f32([[[0], [4]]])
        short: Array = f32([[1, 4], [3.5, 0], [6.75, 0]]).reshape(3, 1, 2, 1)
        end = f32([[[6.75], [4]]])
        yield Case(cls(**linear), [x, w, r, None, lens, start], [short, end])
        back: Array = f32([[3.75, 4], [5.5, 0], [5, 0]]).reshape(3, 1, 2, 1)
        reverse = cls(**linear, direction="reverse")
        yield Case(reverse, [x, w, r, None, lens, start], [back, back[0]])
        rows = cls(**linear, layout=1)
        turned = [one.transpose(2, 0, 1, 3), one[2].swapaxes(0, 1)]
        yield Case(rows, [x.swapaxes(0, 1), w, r], turned)
        bias = f32([[1, 2]])
        yield Case(cls(), [x[:1], w, r, bias], [np.tanh(f32([[[[4], [5]]]]))], rtol=1e-6)
        yield Case(cls(), [x, w, f32([[[1, 2]]])], error="differ")
        yield Case(cls(activations=("Tan",)), [x, w, r], error="unknown activation")
        yield Case(cls(), [x, w, r, None, i32([3, 4])], error="sequence length is out of range")
