"""GRU: a recurrent layer with an update gate and a reset gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from likewise.ops.case import Case, f32
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


class GRU(Recurrent, versions=(1, 3, 7, 14, 22)):
    """H = (1 - z) * h + z * H, gates in the order z, r, h, as the ONNX text has the equations.

    `linear_before_reset`: the reset gate weighs the product with R, not H before it.
    """

    _gates: ClassVar[int] = 3
    _defaults: ClassVar[tuple[str, ...]] = ("Sigmoid", "Tanh")

    linear_before_reset: bool = False

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

    @property
    def folded(self) -> int:
        return 2 if self.linear_before_reset else 3

    def step(self, projected: Array, states: tuple[Array, ...], gates: Gates) -> tuple[Array, ...]:
        (h,) = states
        size = h.shape[1]
        f, g = gates.activations
        if self.linear_before_reset:
            recurrent = h @ gates.r
            zr = f(self.clipped(projected[:, : 2 * size] + recurrent[:, : 2 * size]))
            inner = recurrent[:, 2 * size :] + gates.recurrent_bias[2 * size :]
            inner *= zr[:, size:]
        else:
            zr = f(self.clipped(projected[:, : 2 * size] + h @ gates.r[:, : 2 * size]))
            inner = (zr[:, size:] * h) @ gates.r[:, 2 * size :]
        inner += projected[:, 2 * size :]
        z = zr[:, :size]
        return ((1 - z) * g(self.clipped(inner)) + z * h,)

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
        self, lowering: Lowering, walk: Walk, functions: list[LoopActivation], tables: Tables
    ) -> list[tuple[TensorView, int, int, Callable[[Place], None]]]:
        f, g = functions
        (h,), hidden = walk.states, walk.r.shape[1]

        def total(at: Place, gate: int) -> Value:
            projected, recurrent = at.gate(gate)
            return f(at.k, self.within_clip(at.k, projected + recurrent))

        def mixed(at: Place, z: Value, inner: Value) -> None:
            new = g(at.k, self.within_clip(at.k, inner))
            at.finish((1.0 - z) * new + z * at.state(0))

        def at_once(at: Place) -> None:
            z, r = total(at, 0), total(at, 1)
            projected, recurrent = at.gate(2)
            if tables.bias is not None:
                recurrent = recurrent + at.table(tables.bias, 5)
            mixed(at, z, r * recurrent + projected)

        if self.linear_before_reset:
            return [(h, 0, 3 * hidden, at_once)]
        update_gate, weighed = (lowering.empty(h.dtype, h.shape) for _ in range(2))

        def weigh(at: Place) -> None:
            at.put(update_gate, total(at, 0))
            at.put(weighed, total(at, 1) * at.state(0))

        def finish(at: Place) -> None:
            projected, recurrent = at.gate(2)
            mixed(at, at.value(update_gate), projected + recurrent)

        return [(h, 0, 2 * hidden, weigh), (weighed, 2 * hidden, 3 * hidden, finish)]

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        drop_output_sequence(old)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        # With Affine 1, 0 the gates are plain sums: z = 2, r = 3, and with r before or behind R.
        x, start = f32([[[1]]]), f32([[[2]]])
        w = f32([[[1], [2], [5]]])
        r = f32([[[0.5], [0.5], [0.25]]])
        linear: dict[str, Any] = {"activations": ("Affine", "Affine"), "wanted": 2}
        bias = f32([[0, 0, 0, 0, 0, 1]])
        inputs = [x, w, r, bias, None, start]
        y = f32([[[[-2.5]]]])  # h = 5 + 0.25 * (3 * 2)
        yield Case(cls(**linear), [x, w, r, None, None, start], [y, y[0]])
        yield Case(cls(**linear), inputs, [y - 1, y[0] - 1])
        after = cls(**linear, linear_before_reset=True)  # h = 5 + 3 * (0.25 * 2 + 1)
        yield Case(after, inputs, [y - 3, y[0] - 3])
        yield Case(cls(direction="bidirectional"), inputs, error="the directions of W")
