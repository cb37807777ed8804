"""Recurrent layers: one product for the inputs of all steps, then a walk through time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from likewise.loop.types import I32, S
from likewise.lower.kernels.gemm import Matrix, gemm
from likewise.lower.kernels.igemm import Tile, each_block, even_rows, pack
from likewise.lower.tiles import Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from likewise.loop.values import Value
    from likewise.lower.kernel import Kernel
    from likewise.lower.lowering import Lowering
    from likewise.lower.view import TensorView

__all__ = ["Phase", "Place", "Walk"]


@dataclass(eq=False)
class Walk:
    """One direction of a recurrent layer. All views are in memory, in float32 or float64.

    `projected` [steps, batch, gates] is the inputs' part; `r` [gates, hidden]; `states` [batch,
    hidden] each, which hold the first states before the walk and the last ones after it; `y`
    [steps, batch, hidden] is to be filled. `lengths` [batch] bounds each sequence.
    """

    lowering: Lowering
    projected: TensorView
    r: TensorView
    states: list[TensorView]
    y: TensorView
    lengths: TensorView | None
    backward: bool

    def run(
        self, phases: Sequence[tuple[TensorView, int, int, Callable[[Place], None]]], name: str
    ) -> None:
        """Walk through time; in each step the phases follow each other: see `Phase`."""
        steps = self.y.shape[0]
        lowering = self.lowering
        batch, gates = self.projected.shape[1:]
        sums = lowering.empty(self.projected.dtype, (batch, gates))
        with lowering.kernel(name) as k, k.loop(steps) as counter:
            step = steps - 1 - counter if self.backward else counter
            for phase in (Phase(*one) for one in phases):
                self._product(k, phase, sums)
                self._update(k, phase, sums, step)

    def _product(self, k: Kernel, phase: Phase, sums: TensorView) -> None:
        """Sums [batch, first … last] = source @ r[first … last].T, for one phase."""
        if phase.first == phase.last:
            return
        batch, hidden = phase.source.shape
        columns = phase.last - phase.first
        zero = k.index(0)
        left = k.pointer(phase.source.address(k, (zero, zero))[0])

        def put(k: Kernel, row: Value, column: Value, value: Value) -> None:
            buffer, position = sums.address(k, (row, column + phase.first))
            k.write(buffer, position, value)

        if self.r.storage is S.f32 and self.r.data is not None:
            part = np.asarray(self.r.data)[phase.first : phase.last]
            kernel = "f32_gemv" if batch <= 2 else "f32_gemm"
            size = self.lowering.tiles.of(Shape(kernel, (batch, columns, hidden)))
            packed = self.lowering.constant(pack(part[:, None], size.columns))
            weights = k.pointer(packed.address(k, (zero,) * packed.rank)[0])
            tile = Tile(left, hidden, (), hidden, weights)

            def block(column: Value, width: int) -> None:
                for start, stop, height in even_rows(batch, size.rows):
                    with k.loop(start, stop, height) as row:

                        def store(k: Kernel, own: Value, down: int, value: Value) -> None:
                            put(k, row + down, own, value)

                        tile.run(
                            k, height, row * hidden, column * hidden, column, store, columns=width
                        )

            each_block(k, columns, block, size.columns)
            return
        turned = self.lowering.materialise(self.r.transpose((1, 0)))
        memory, base = turned.address(k, (zero, k.index(phase.first)))
        right = Matrix(k.pointer(memory), base, self.r.shape[0])
        gemm(k, (Matrix(left, zero, hidden), right), (batch, columns, hidden), put)

    def _update(self, k: Kernel, phase: Phase, sums: TensorView, step: Value) -> None:
        batch, hidden = self.states[0].shape
        lanes = 2 if sums.storage.bytes == 8 else 4
        whole = hidden // lanes * lanes
        with k.loop(batch) as row:
            active = None
            if self.lengths is not None:
                active = step < self.lengths.read(k, (row,)).cast(I32)
            for first, last, width in ((0, whole, lanes), (whole, hidden, 1)):
                if first == last:
                    continue
                with k.loop(first, last, width) as counter:
                    unit = k.lane_axis(counter) if counter.constant is not None else counter
                    with k.lanes_over(unit, width):
                        phase.update(Place(self, k, sums, step, row, unit, active))


@dataclass(eq=False)
class Phase:
    """Product of `source` with rows `first` to `last` of r, then `update` at every element.

    With no rows there is no product.
    """

    source: TensorView
    first: int
    last: int
    update: Callable[[Place], None]


@dataclass(eq=False)
class Place:
    """One element (or vector) of the states at one step."""

    walk: Walk
    k: Kernel
    sums: TensorView
    step: Value
    row: Value
    unit: Value
    active: Value | None

    def gate(self, number: int) -> tuple[Value, Value]:
        """The input's and the state's part of the sum for a gate."""
        at = self.unit + number * self.walk.states[0].shape[1]
        projected = self.walk.projected.read(self.k, (self.step, self.row, at))
        return projected, self.sums.read(self.k, (self.row, at))

    def table(self, view: TensorView, number: int) -> Value:
        """An element of [n * hidden], the `number`-th part of it."""
        return view.read(self.k, (self.unit + number * self.walk.states[0].shape[1],))

    def value(self, view: TensorView) -> Value:
        """The element of a [batch, hidden]."""
        return view.read(self.k, (self.row, self.unit))

    def state(self, number: int) -> Value:
        return self.walk.states[number].read(self.k, (self.row, self.unit))

    def put(self, view: TensorView, value: Value) -> None:
        buffer, position = view.address(self.k, (self.row, self.unit))
        self.k.write(buffer, position, value)

    def finish(self, *states: Value) -> None:
        """Set the states and the output, which behind the end of a sequence stay and are 0."""
        k = self.k
        output = states[0]
        if self.active is not None:
            states = tuple(
                k.select(self.active, new, self.state(i)) for i, new in enumerate(states)
            )
            output = k.select(self.active, output, k.const(0, output.type))
        for view, value in zip(self.walk.states, states, strict=True):
            self.put(view, value)
        buffer, position = self.walk.y.address(k, (self.step, self.row, self.unit))
        k.write(buffer, position, output)
