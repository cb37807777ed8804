"""Recurrent layers: one product for the inputs of some steps, then a walk through these."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from likewise.loop.nodes import Call
from likewise.loop.types import I32, S
from likewise.lower.kernels.gemm import Matrix, gemm
from likewise.lower.kernels.igemm import Tile, each_block, even_rows, pack
from likewise.lower.tiles import Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from likewise.loop.nodes import Memory, Operand
    from likewise.loop.values import Value
    from likewise.lower.kernel import Kernel
    from likewise.lower.lowering import Lowering
    from likewise.lower.view import TensorView

__all__ = ["Phase", "Place", "Walk"]

_PORTIONS: Final = 16
"""In so many portions at most the inputs' part is computed: each is a few calls more."""


@dataclass(eq=False)
class Walk:
    """One direction of a recurrent layer. All views are in memory, in float32 or float64.

    `x` [steps, batch, size]; `w` [size, gates * hidden]; `bias` [gates * hidden], which is added to
    their product; `r` [gates * hidden, hidden]; `states` [batch, hidden] each, which hold the first
    states before the walk and the last ones after it; `y` [steps, directions, batch, hidden], of
    which `direction` is to be filled. `lengths` [batch] bounds each sequence.
    """

    lowering: Lowering
    x: TensorView
    w: TensorView
    bias: TensorView | None
    r: TensorView
    states: list[TensorView]
    y: TensorView
    direction: int
    lengths: TensorView | None
    backward: bool
    projected: TensorView = field(init=False)
    """[steps, batch, gates * hidden]: the inputs' part of the sums for some steps."""

    def run(
        self, phases: Sequence[tuple[TensorView, int, int, Callable[[Place], None]]], name: str
    ) -> None:
        """Walk through time; in each step the phases follow each other: see `Phase`."""
        lowering = self.lowering
        steps, batch = self.x.shape[:2]
        if not steps:
            return
        sums = lowering.empty(self.x.dtype, (batch, self.w.shape[1]))
        portion = self._portion()
        starts = range(0, steps, portion)
        with self._for_each(starts[::-1] if self.backward else starts):
            self.projected = self._project(portion)
            with lowering.kernel(name) as k, k.loop(portion) as counter:
                step = portion - 1 - counter if self.backward else counter
                for phase in (Phase(*one) for one in phases):
                    self._product(k, phase, sums)
                    self._update(k, phase, sums, step)

    def _portion(self) -> int:
        """For how many steps to compute the inputs' part at a time: about one tile of the product.

        The portions are of one size, so that the same kernels compute all of them. Several threads
        share all at once: a tile is too little to wake others for.
        """
        steps, batch, size = self.x.shape
        packed = self.w.data is not None and self.x.storage is S.f32 and 0 not in self.x.shape
        if self.lengths is not None or self.lowering.threads > 1 or not packed:
            return steps
        tile = self.lowering.tiles.of(Shape("f32_gemm", (steps * batch, self.w.shape[1], size)))
        least = min(max(-(-(tile.rows - 1) // batch), -(-steps // _PORTIONS)), steps)
        return next(one for one in range(least, steps + 1) if steps % one == 0)

    @contextmanager
    def _for_each(self, starts: range) -> Iterator[None]:
        """What is called inside is called for each portion, with x and y from a step on."""
        entry, steps = self.lowering.entry, self.x.shape[0]
        entry.scopes.push(barrier=True)
        yield
        written = entry.scopes.pop()
        for start in starts:
            moved: dict[Memory | None, Operand] = {
                one.buffer: entry.index(start * (one.size // steps)).node
                for one in (self.x, self.y)
            }
            for one in written:
                entry.scopes.append(_moved(one, moved) if isinstance(one, Call) else one)

    def _project(self, steps: int) -> TensorView:
        """The product of the first `steps` inputs and the weights."""
        lowering, (total, batch, size) = self.lowering, self.x.shape
        rows = self.x.reshape((total * batch, size))
        if steps < total:
            rows = replace(rows, shape=(steps * batch, size), data=None)
        made = lowering.matmul(rows, self.w)
        if self.bias is not None:
            made = lowering.elementwise(lambda _, a, b: a + b, made.dtype, made, self.bias)
        return lowering.materialise(made).reshape((steps, batch, self.w.shape[1]))

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


def _moved(call: Call, offsets: Mapping[Memory | None, Operand]) -> Call:
    """The call with other offsets into some memories, of which it had the beginning."""
    memories = ((memory, offsets.get(memory, offset)) for memory, offset in call.memories)
    return replace(call, memories=tuple(memories))


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
        buffer, position = self.walk.y.address(
            k, (self.step, k.index(self.walk.direction), self.row, self.unit)
        )
        k.write(buffer, position, output)
