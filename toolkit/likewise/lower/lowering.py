"""Lowering: what operators ask for, as views, kernels and calls, in their order."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType
from likewise.loop.conversions import convert, reinterpret
from likewise.lower.dtypes import storage_of
from likewise.lower.pending import Pending, extend
from likewise.lower.view import Index, TensorView
from likewise.lower.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from likewise.ir import Graph
    from likewise.loop.values import Value
    from likewise.lower.control import Repeated, Step
    from likewise.lower.kernel import Kernel
    from likewise.lower.kernels.recurrent import Walk
    from likewise.lower.pending import Epilogue
    from likewise.lower.sequences import Held
    from likewise.ops.windows import Windows

__all__ = ["DEAR", "Lowering"]

DEAR = 8
"""Reading an element of a view that costs more than this is not repeated: it is materialised."""


class Lowering(Workshop):
    """What operators make of views. A target takes `finish()`."""

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
