"""The program that is being made: its memory, its kernels, and views that become either."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType
from likewise.loop import FunctionBuilder, Program, ProgramBuilder
from likewise.loop.types import LoopError, Storage
from likewise.lower.dtypes import storage_of
from likewise.lower.inplace import share_places
from likewise.lower.kernel import Kernel
from likewise.lower.memory import callees, touched, with_memory
from likewise.lower.nest import Body, join_axes, write_nest
from likewise.lower.pending import Pending
from likewise.lower.tiles import default_tiles
from likewise.lower.view import Index, TensorView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from likewise.ir import Value as GraphValue
    from likewise.loop.nodes import Buffer, Function
    from likewise.lower.pending import Emit, Rows
    from likewise.lower.tiles import Shape, Tiles

__all__ = ["Workshop"]

REPEATED = 1024
"""A constant of more elements that repeat is not written out."""


class Workshop:
    """The memory and the kernels of a program that is being made."""

    def __init__(self, tiles: Tiles | None = None, threads: int = 1) -> None:
        self.tiles = tiles or default_tiles()
        self.threads = threads
        """How many will share the program out."""
        self.shapes: dict[str, Shape] = {}
        """What kernels compute whose tiles can be chosen, by the names of their functions."""
        self.program = ProgramBuilder()
        self.entry = FunctionBuilder("run")
        self.values: dict[GraphValue, Any] = {}
        """The values of the graph that is being lowered, and of those around it."""
        self._kernels: dict[Function, Function] = {}
        self._constants: dict[int, TensorView] = {}
        self._renamed: dict[Buffer, Buffer] = {}
        self._alive: list[np.ndarray] = []  # so that no other array gets the id of one

    # Buffers

    def input(self, name: str, dtype: DType, shape: Sequence[int]) -> TensorView:
        """An input of the model."""
        buffer = self.program.input(f"in.{name}", storage_of(dtype), prod(shape))
        return TensorView.of_buffer(dtype, shape, buffer)

    def constant(self, array: np.ndarray, dtype: DType | None = None) -> TensorView:
        """Data known at compile time; the same array object gives the same buffer.

        Of a large array that NumPy repeats along axes, only what is repeated is kept.
        """
        known = self._constants.get(id(array))
        if known is not None:
            return known
        found = dtype or DType.of(array.dtype)
        storage = storage_of(found)
        repeated = [n > 1 and step == 0 for n, step in zip(array.shape, array.strides, strict=True)]
        if array.size > REPEATED and any(repeated):
            once = array[tuple(slice(1) if one else slice(None) for one in repeated)]
            view = replace(self.constant(once, found).broadcast(array.shape), data=array)
            self._constants[id(array)] = view
            self._alive.append(array)
            return view
        data = array.view(np.uint16) if found is DType.BFLOAT16 else array
        name = f"c{len(self._constants)}"
        buffer = self.program.constant(name, data, storage)
        view = replace(TensorView.of_buffer(found, array.shape, buffer), data=array)
        self._constants[id(array)] = view
        self._alive.append(array)
        return view

    def empty(
        self, dtype: DType, shape: Sequence[int], order: Sequence[int] | None = None
    ) -> TensorView:
        """New memory, to be written by a kernel; `order` names its axes from slow to fast."""
        name = f"t{len(self.program.buffers)}"
        buffer = self.program.scratch(name, storage_of(dtype), prod(shape))
        if order is None:
            return TensorView.of_buffer(dtype, shape, buffer)
        inside = TensorView.of_buffer(dtype, [shape[axis] for axis in order], buffer)
        return inside.transpose([order.index(axis) for axis in range(len(shape))])

    def output(self, name: str, view: TensorView) -> str:
        """Make a view an output of the program, in a buffer called `name`; gives that name.

        Memory that a kernel filled becomes the output itself, once; any other view is written.
        """
        buffer = self.program.output(name, view.storage, view.size)
        if view.stem is None or view.stem.base.memory is not None:
            view = view.settled()
        made = view.buffer
        if made is not None and made.kind == "scratch" and made not in self._renamed:
            self._renamed[made] = buffer
        else:
            self.write(view, TensorView.of_buffer(view.dtype, view.shape, buffer))
        return buffer.name

    # Kernels

    @contextmanager
    def kernel(self, name: str, shape: Shape | None = None) -> Iterator[Kernel]:
        """Write a kernel and call it where `run` stands; equal kernels are kept once.

        With `shape` its tile is one of those that `self.tiles` lets choose for that.
        """
        k = Kernel(name)
        yield k
        self._launch(k, shape)

    def _launch(self, k: Kernel, shape: Shape | None) -> None:
        written = k.finish()
        if not written.body:
            return
        anonymous = replace(written, name="")
        known = self._kernels.get(anonymous)
        if known is None:
            name, number = written.name, 1
            while name in self.program.functions:
                number += 1
                name = f"{written.name}_{number}"
            known = self.program.add(replace(written, name=name))
            self._kernels[anonymous] = known
        if shape is not None:
            self.shapes[known.name] = shape
        self.entry.call(known, k.arguments)

    def nest(self, name: str, shape: Sequence[int], body: Body, widest: Storage) -> None:
        """A kernel that runs `body` at every index of `shape`, by vectors where that works."""
        if prod(shape) == 0:
            return
        groups = join_axes(shape, body)
        joined = [prod(shape[axis] for axis in group) for group in groups]

        def spread(k: Kernel, index: Index) -> None:
            full = [k.index(0)] * len(shape)
            for group, at in zip(groups, index, strict=True):
                full[group[-1]] = at
            body(k, tuple(full))

        lanes = 2 if widest.bytes == 8 else 4
        if joined and joined[-1] >= 2 * lanes:
            try:
                with self.kernel(name) as k:
                    write_nest(k, joined, spread, lanes)
            except LoopError:
                pass  # vectors cannot do it: the scalar form can, or says why not
            else:
                return
        with self.kernel(name) as k:
            write_nest(k, joined, spread, 1)

    def write(self, view: TensorView, target: TensorView, name: str = "map") -> None:
        """Evaluate every element of a view into a target: a buffer's view, or a slice of one."""
        stem = view.stem
        if stem is not None and stem.whole and stem.base.memory is None:
            stem.base.write(target)
            return
        order = target.memory_order

        def body(k: Kernel, index: Index) -> None:
            own = tuple(index[order.index(axis)] for axis in range(view.rank))
            buffer, position = target.address(k, own)
            k.write(buffer, position, view.read(k, own))

        self.nest(name, [view.shape[axis] for axis in order], body, view.storage)

    def materialise(self, view: TensorView, name: str = "map") -> TensorView:
        """The view in memory of its own, row-major; itself where it is that already."""
        if view.buffer is not None:
            return view
        if view.stem is not None and view.stem.base.memory is not None:
            settled = view.settled()
            if settled.buffer is not None:
                return settled
        target = self.empty(view.dtype, view.shape)
        self.write(view, target, name)
        return replace(target, extent=view.extent)

    def settle(self, view: TensorView) -> TensorView:
        """The view in memory, in whatever order suits it."""
        if view.buffer is not None or view.place is not None:
            return view
        settled = view.settled()
        if settled.place is not None:
            return settled
        target = self.empty(view.dtype, view.shape, view.order)
        self.write(view, target)
        return replace(target, extent=view.extent)

    def shared(self, view: TensorView, readers: int) -> TensorView:
        """The view as it should be kept when `readers` nodes read it."""
        if view.stem is not None and view.stem.whole:
            view.stem.base.readers = max(view.stem.base.readers, readers)
            return view
        if readers > 1 and view.cost > 1:
            return self.settle(view)
        return view

    def pending(
        self,
        dtype: DType,
        shape: Sequence[int],
        order: Sequence[int] | None,
        emit: Emit,
        by_rows: Callable[[], Rows] | None = None,
    ) -> TensorView:
        """What a kernel will make that takes elementwise operators into its epilogue.

        See `likewise.lower.pending`.
        """
        kept = None if order is None else tuple(order)
        return Pending(self, dtype, tuple(shape), kept, emit, by_rows).view()

    def finish(self) -> Program:
        """The verified program, without the constants, memory and kernels that nothing uses."""
        written = self.entry.finish()
        run = self.program.add(replace(written, body=with_memory(written.body, self._renamed)))
        used = {memory for memory, _ in touched(run.body)}
        self.program.buffers = {
            name: one
            for name, one in self.program.buffers.items()
            if one in used or one.kind in ("input", "output")
        }
        called = {run.name}
        for name, one in reversed(self.program.functions.items()):  # callers stand behind
            called |= set(callees(one.body)) if name in called else set()
        self.program.functions = {
            name: one for name, one in self.program.functions.items() if name in called
        }
        program, origins = share_places(self.program.finish())
        self.shapes |= {
            name: self.shapes[origin] for name, origin in origins.items() if origin in self.shapes
        }
        return program
