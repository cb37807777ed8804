"""Lowering: turns views into kernels, buffers and calls, in the order operators ask for them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType
from likewise.loop import FunctionBuilder, Program, ProgramBuilder
from likewise.loop.conversions import convert, reinterpret
from likewise.loop.types import LoopError, Storage
from likewise.lower.dtypes import storage_of
from likewise.lower.inplace import share_places
from likewise.lower.kernel import Kernel
from likewise.lower.memory import callees, touched, with_memory
from likewise.lower.nest import Body, join_axes, write_nest
from likewise.lower.pending import Pending, extend
from likewise.lower.tiles import default_tiles
from likewise.lower.view import Index, TensorView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from likewise.ir import Graph
    from likewise.ir import Value as GraphValue
    from likewise.loop.nodes import Buffer, Function
    from likewise.loop.values import Value
    from likewise.lower.control import Repeated, Step
    from likewise.lower.kernels.recurrent import Walk
    from likewise.lower.pending import Emit, Epilogue, Rows
    from likewise.lower.sequences import Held
    from likewise.lower.tiles import Shape, Tiles
    from likewise.ops.windows import Windows

__all__ = ["DEAR", "Lowering"]

DEAR = 8
"""Reading an element of a view that costs more than this is not repeated: it is materialised."""


REPEATED = 1024
"""A constant of more elements that repeat is not written out."""


class Lowering:
    """The program being made. Operators use its methods; a target takes `finish()`."""

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

    # Computing views

    def elementwise(
        self,
        compute: Callable[..., Value],
        dtype: DType,
        *inputs: TensorView,
        cost: int = 1,
        exact: bool = False,
    ) -> TensorView:
        """compute(k, a, b, …) at every index of the inputs' broadcast shape.

        `compute` is written once for scalars and vectors. Its result is wrapped or rounded to
        `dtype` unless `exact` says that it is representable already.
        """
        shape = np.broadcast_shapes(*(one.shape for one in inputs))
        inputs = tuple(self._affordable(one.inlined(), shape) for one in inputs)
        storage = storage_of(dtype)

        def narrowed(k: Kernel, *values: Value) -> Value:
            value = compute(k, *values)
            return value if exact else k.narrow(value, storage)

        found = extend(self, narrowed, dtype, inputs, shape)
        if isinstance(found, Pending):
            return found.view()
        full = [one for one in inputs if one.shape == shape]
        order = next((one.order for one in full if one.order), None)

        def read(k: Kernel, index: Index) -> Value:
            return narrowed(k, *(one.broadcast(shape).read(k, index) for one in inputs))

        total = cost + sum(one.cost for one in inputs)
        return TensorView(dtype, shape, read, None, total, order=order, stem=found)

    def _affordable(self, view: TensorView, shape: Sequence[int]) -> TensorView:
        """A view that broadcasting would compute again and again is materialised first."""
        repeated = prod(shape) > view.size
        return self.materialise(view) if repeated and view.cost > DEAR else view

    def cast(self, x: TensorView, dtype: DType) -> TensorView:
        """The elements as another type, as ONNX's Cast converts them."""
        if x.dtype is dtype:
            return x
        source, target = x.storage, storage_of(dtype)
        made = self.elementwise(lambda k, v: convert(k, v, source, target), dtype, x)
        return replace(made, extent=x.extent)

    def bitcast(self, x: TensorView, dtype: DType) -> TensorView:
        """The bits of each element read as another type of as many."""
        source, target = x.storage, storage_of(dtype)
        return self.elementwise(
            lambda k, v: reinterpret(k, v, source, target), dtype, x, exact=target.value.is_float
        )

    def generate(
        self, dtype: DType, shape: Sequence[int], compute: Callable[..., Value]
    ) -> TensorView:
        """compute(k, index) at every index: data that comes from the index itself."""
        return TensorView(dtype, tuple(shape), compute, None, 2)

    def concat(self, views: Sequence[TensorView], axis: int) -> TensorView:
        """The views one behind the other; each is evaluated straight into its place.

        That is where the result is wanted: a kernel's padded input, perhaps.
        """
        first = views[0]
        shape = list(first.shape)
        shape[axis] = sum(one.shape[axis] for one in views)
        order = next((one.order for one in views if one.order), None)

        def emit(target: TensorView, _: Epilogue) -> None:
            at = 0
            for one in views:
                starts = [at if i == axis else 0 for i in range(len(shape))]
                self.write(one, target.slice(starts, [1] * len(shape), one.shape), "concat")
                at += one.shape[axis]

        return Pending(self, first.dtype, tuple(shape), order, emit, copies=True).view()

    def reduce(
        self,
        x: TensorView,
        axes: Sequence[int],
        start: float,
        combine: Callable[[Kernel, Value, Value], Value],
        **options: Any,
    ) -> TensorView:
        """See `likewise.lower.reduce`; `options` are its finish, keepdims and name."""
        from likewise.lower.reduce import reduce

        return reduce(self, x, axes, start, combine, **options)

    def matmul(self, a: TensorView, b: TensorView, *, small: bool = False) -> TensorView:
        """The product of two views of rank 2 or more, their leading axes broadcast.

        With `small` all numbers are bytes less their zero points, in int32.
        """
        from likewise.lower.kernels.attention import attention
        from likewise.lower.kernels.gemm import matmul

        return attention(self, a, b) or matmul(self, a, b, small=small)

    def softmax(self, x: TensorView) -> TensorView:
        """See `likewise.lower.kernels.attention`."""
        from likewise.lower.kernels.attention import softmax

        return softmax(self, x)

    def convolve(
        self,
        x: TensorView,
        w: TensorView,
        windows: Windows,
        group: int = 1,
        bias: TensorView | None = None,
        *,
        small: bool = False,
    ) -> TensorView:
        """See `likewise.lower.kernels.convolution`."""
        from likewise.lower.kernels.convolution import convolve

        return convolve(self, x, w, windows, group, bias, small=small)

    def pool(
        self,
        x: TensorView,
        windows: Windows,
        start: float,
        combine: Callable[[Kernel, Value, Value], Value],
        name: str = "pool",
    ) -> TensorView:
        """See `likewise.lower.kernels.pooling`."""
        from likewise.lower.kernels.pooling import pool

        return pool(self, x, windows, start, combine, name)

    def max_pool_indices(
        self, x: TensorView, windows: Windows, lowest: float, *, by_columns: bool
    ) -> tuple[TensorView, TensorView]:
        """The maxima under windows and their indices; see `likewise.lower.kernels.pooling`."""
        from likewise.lower.kernels.pooling import max_pool_indices

        shape = (*x.shape[:2], *windows.output)
        y, at = self.empty(x.dtype, shape), self.empty(DType.INT64, shape)
        max_pool_indices(self, x, windows, y, at, lowest, by_columns=by_columns)
        return y, at

    def convolve_transposed(
        self,
        x: TensorView,
        w: TensorView,
        windows: Windows,
        output: Sequence[int],
        group: int,
    ) -> TensorView:
        """See `likewise.lower.kernels.transposed`."""
        from likewise.lower.kernels.transposed import convolve_transposed

        return convolve_transposed(self, x, w, windows, output, group)

    def gather_axis(self, x: TensorView, axis: int, places: np.ndarray) -> TensorView:
        """See `likewise.lower.kernels.resize`."""
        from likewise.lower.kernels.resize import gather_axis

        return gather_axis(self, x, axis, places)

    def weigh_axis(
        self, x: TensorView, axis: int, places: np.ndarray, weights: np.ndarray
    ) -> TensorView:
        """See `likewise.lower.kernels.resize`."""
        from likewise.lower.kernels.resize import weigh_axis

        return weigh_axis(self, x, axis, places, weights)

    def walk(self, *views: Any, **options: Any) -> Walk:
        """The steps of a recurrent layer: see `likewise.lower.kernels.recurrent`."""
        from likewise.lower.kernels.recurrent import Walk

        return Walk(self, *views, **options)

    # Control flow

    def graph(self, graph: Graph, inputs: Sequence[Held] = ()) -> list[Any]:
        """The outputs of a subgraph on views, lowered where `run` stands."""
        from likewise.lower.graph import lower_nodes

        around, self.values = self.values, dict(self.values)
        try:
            return lower_nodes(self, graph, inputs)
        finally:
            self.values = around

    def choose(self, condition: TensorView, yes: Graph, no: Graph) -> tuple[Held, ...]:
        """See `likewise.lower.control`."""
        from likewise.lower.control import choose

        return choose(self, condition, yes, no)

    def repeat(self, step: Step, states: Sequence[Held], **options: Any) -> Repeated:
        """See `likewise.lower.control`; `options` are its trips, going and captures."""
        from likewise.lower.control import repeat

        return repeat(self, step, states, **options)

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
