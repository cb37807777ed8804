"""Sampling along one axis by tables of places and weights that are known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.loop.types import I32
from likewise.lower.kernels.layout import in_order

if TYPE_CHECKING:
    from likewise.loop.values import Value
    from likewise.lower.kernel import Kernel
    from likewise.lower.lowering import Lowering
    from likewise.lower.pending import Epilogue
    from likewise.lower.view import Index, TensorView

__all__ = ["gather_axis", "weigh_axis"]

_UNROLLED = 8


def gather_axis(
    lowering: Lowering, x: TensorView, axis: int, places: np.ndarray[Any, Any]
) -> TensorView:
    """A view whose element i along `axis` is element places[i] of `x`."""
    length, size = len(places), x.shape[axis]
    if length == size and (places == np.arange(size)).all():
        return x
    shape = (*x.shape[:axis], length, *x.shape[axis + 1 :])
    order = x.order
    times = length // size if size and length % size == 0 else 0
    repeated = times > 0 and (places == np.arange(length) // times).all()
    table = None if repeated else lowering.constant(places.astype(np.int32))

    def back(k: Kernel, index: Index) -> Index:
        if table is None:
            at = k.floor_divide(index[axis], k.index(times))
        else:
            with k.without_lanes():
                at = table.read(k, (index[axis],)).cast(I32)
        return (*index[:axis], at, *index[axis + 1 :])

    return replace(x.viewed(shape, back), order=order)


def weigh_axis(
    lowering: Lowering,
    x: TensorView,
    axis: int,
    places: np.ndarray[Any, Any],
    weights: np.ndarray[Any, Any],
) -> TensorView:
    """Element i along `axis` is the sum over t of x[places[i, t]] * weights[i, t]."""
    used = [t for t in range(places.shape[1]) if weights[:, t].any()] or [0]
    x = lowering.settle(x)
    x = in_order(lowering, x, x.memory_order)
    shape = (*x.shape[:axis], len(places), *x.shape[axis + 1 :])
    index_table = lowering.constant(np.ascontiguousarray(places[:, used].astype(np.int32)))
    work = np.float64 if x.storage.bytes == 8 else np.float32
    weight_table = lowering.constant(np.ascontiguousarray(weights[:, used].astype(work)))

    def part(k: Kernel, index: Index, tap: Value | int) -> Value:
        with k.without_lanes():
            at = index_table.read(k, (index[axis], k.index(tap))).cast(I32)
        value = x.read(k, (*index[:axis], at, *index[axis + 1 :]))
        return value * weight_table.read(k, (index[axis], k.index(tap)))

    def compute(k: Kernel, index: Index) -> Value:
        if len(used) <= _UNROLLED:
            total = part(k, index, 0)
            for tap in range(1, len(used)):
                total = total + part(k, index, tap)
            return k.narrow(total, x.storage)
        found = k.var(k.number(0, x.storage))
        with k.loop(len(used)) as at:
            found.set(found.get() + part(k, index, at))
        return k.narrow(found.get(), x.storage)

    def emit(target: TensorView, epilogue: Epilogue) -> None:
        def read(k: Kernel, index: Index) -> Value:
            return epilogue(k, compute(k, index), index)

        lowering.write(lowering.generate(x.dtype, shape, read), target, f"{x.storage}_resize")

    return lowering.pending(x.dtype, shape, x.order, emit)
