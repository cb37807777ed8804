"""Matrix products by register tiles."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.loop.types import S, scalar_or_vector
from likewise.lower.kernels.batched import Product, rows_of, suits_product
from likewise.lower.kernels.igemm import (
    Tile,
    even_rows,
    over_rows,
    pack,
)
from likewise.lower.kernels.layout import strides_of
from likewise.lower.kernels.pairs import pairs_of, pairs_of_weights
from likewise.lower.tiles import Shape
from likewise.lower.view import unflatten

if TYPE_CHECKING:
    from likewise.loop.nodes import Memory
    from likewise.loop.values import Value
    from likewise.lower.kernel import Kernel
    from likewise.lower.lowering import Lowering
    from likewise.lower.pending import Epilogue
    from likewise.lower.view import Index, TensorView

__all__ = ["Matrix", "gemm", "matmul"]

Put = Callable[["Kernel", "Value", "Value", "Value"], None]
"""put(k, row, column, value): the lanes from `column` on, or one element."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """A row-major matrix in memory: element (i, j) stands at base + i * stride + j."""

    memory: Memory
    base: Value
    stride: int

    def at(self, row: Value, column: Value) -> Value:
        return self.base + row * self.stride + column


def gemm(
    k: Kernel,
    operands: tuple[Matrix, Matrix],
    sizes: tuple[int, int, int],
    put: Put,
    rows: int = 6,
) -> None:
    """A @ b for sizes (m, n, depth), in tiles of `rows` by two vectors; `put` takes the results.

    Every element is summed over the depth in order, from 0. The last columns are computed
    together with some before them where they do not fill a vector.
    """
    m, n, depth = sizes
    lanes = 2 if operands[1].memory.storage.bytes == 8 else 4
    for first, last, columns in _columns(n, lanes):
        with k.loop(first, last, columns) as counter:
            column = k.lane_axis(counter) if counter.constant is not None else counter
            for start, stop, height in even_rows(m, rows):
                with k.loop(start, stop, height) as row:
                    _tile(k, operands, (row, column), (height, columns), depth, put)


def _columns(n: int, lanes: int) -> Iterator[tuple[int, int, int]]:
    """Ranges (first, last, step) over `n` columns; they may overlap at the end."""
    wide = 2 * lanes
    whole = n // wide * wide
    if whole:
        yield 0, whole, wide
    rest = n - whole
    if rest > lanes and whole:
        yield n - wide, n, wide
    elif rest > lanes:
        yield 0, lanes, lanes
        yield n - lanes, n, lanes
    elif rest and n >= lanes:
        yield n - lanes, n, lanes
    elif rest:
        yield 0, n, 1


def _tile(
    k: Kernel,
    operands: tuple[Matrix, Matrix],
    corner: tuple[Value, Value],
    tile: tuple[int, int],
    depth: int,
    put: Put,
) -> None:
    a, b = operands
    row, column = corner
    height, columns = tile
    lanes = min(columns, 2 if b.memory.storage.bytes == 8 else 4)
    kind = scalar_or_vector(b.memory.storage.value, lanes)
    parts = range(0, columns, lanes)
    sums = [[k.var(0, kind) for _ in parts] for _ in range(height)]
    with k.loop(depth) as at:
        factors = [k.load(b.memory, b.at(at, column + part), lanes) for part in parts]
        for down, line in enumerate(sums):
            one = k.load(a.memory, a.at(row + down, at))
            left = one if lanes == 1 else k.splat(one, kind)
            for total, right in zip(line, factors, strict=True):
                if kind.is_float:
                    total.set(k.madd(left, right, total.get()))
                else:
                    total.set(total.get() + left * right)
    for down, line in enumerate(sums):
        for part, total in zip(parts, line, strict=True):
            with k.lanes_over(column, lanes):
                put(k, row + down, column + part, total.get())


def matmul(lowering: Lowering, a: TensorView, b: TensorView, *, small: bool = False) -> TensorView:
    """The product of two views of rank 2 or more, their leading axes broadcast.

    float16 and bfloat16 are summed in float32 and rounded once; integers wrap. With `small` all
    numbers are bytes less their zero points, in int32.
    """
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    shape = (*batch, a.shape[-2], b.shape[-1])
    known = b.data is not None and math.prod(b.shape[:-2]) == 1
    if known and 0 not in (*shape, a.shape[-1]) and a.shape[:-2] == batch:
        weights = np.asarray(b.data).reshape(b.shape[-2:])
        if a.storage is S.f32:
            return _with_weights(lowering, a, weights)
        if small:
            a, weights = pairs_of(lowering, a, a.rank - 1), pairs_of_weights(weights, 0)
            return _with_weights(lowering, a, weights, pairs=True)

    def emit(target: TensorView, epilogue: Epilogue) -> None:
        _batched(lowering, a, b, target, epilogue)

    by_rows = partial(rows_of, lowering, a, b) if suits_product(a, b) else None
    return lowering.pending(a.dtype, shape, None, emit, by_rows)


def _batched(
    lowering: Lowering, a: TensorView, b: TensorView, y: TensorView, epilogue: Epilogue
) -> None:
    strides = strides_of(y)
    m, depth, n = a.shape[-2], a.shape[-1], b.shape[-1]
    if strides is None or (n > 1 and strides[-1] != 1):
        inside = lowering.empty(y.dtype, y.shape)
        _batched(lowering, a, b, inside, epilogue)
        lowering.write(inside, y)
        return
    product = Product.of(lowering, a, b) if suits_product(a, b) else None
    batch = y.shape[:-2]
    if product is None:
        a, b = lowering.materialise(a), lowering.materialise(b)
    wide = [one.broadcast((*batch, *one.shape[-2:])) for one in (a, b)]
    with lowering.kernel(f"{y.storage}_gemm_6x8") as k, ExitStack() as loops:
        index = tuple(loops.enter_context(k.loop(size)) for size in batch)

        def put(k: Kernel, at: Index, value: Value) -> None:
            buffer, position = y.address(k, at)
            k.write(buffer, position, epilogue(k, k.narrow(value, a.storage), at))

        if product is not None:
            product.rows(k, index, k.index(0), m, lambda k, _, at, value: put(k, at, value))
            return
        operands = []
        for view, stride in ((wide[0], depth), (wide[1], n)):
            buffer, base = view.address(k, (*index, k.index(0), k.index(0)))
            operands.append(Matrix(k.pointer(buffer), base, stride))
        gemm(
            k,
            (operands[0], operands[1]),
            (m, n, depth),
            lambda k, row, column, value: put(k, (*index, row, column), value),
        )


def _with_weights(
    lowering: Lowering, a: TensorView, b: np.ndarray[Any, Any], *, pairs: bool = False
) -> TensorView:
    """float32, or pairs, with a known matrix on the right, which is packed."""
    depth, n = b.shape
    *lead, m, _ = a.shape
    count = math.prod(lead) * m

    def emit(y: TensorView, epilogue: Epilogue) -> None:
        strides = strides_of(y)
        if strides is None or (n > 1 and strides[-1] != 1):
            inside = lowering.empty(y.dtype, y.shape)
            emit(inside, epilogue)
            lowering.write(inside, y)
            return
        left = lowering.materialise(a)
        shape = Shape(
            f"{'i16' if pairs else 'f32'}_gem{'v' if count <= 2 else 'm'}", (count, n, depth)
        )
        size = lowering.tiles.of(shape)
        weights = lowering.constant(pack(b.T[:, None], size.columns))
        with lowering.kernel(f"{shape.kernel}_{size}", shape) as k:
            memory, base = left.address(k, (k.index(0),) * left.rank)
            packed = k.pointer(weights.address(k, (k.index(0),) * weights.rank)[0])
            tile = Tile(k.pointer(memory), depth, (), depth, packed, pairs)

            def run(rows: int, first: Value, column: Value, columns: int) -> None:
                def store(k: Kernel, own: Value, row: int, value: Value) -> None:
                    at = (*unflatten(k, first + row, (*lead, m)), own)
                    buffer, position = y.address(k, at)
                    k.write(buffer, position, epilogue(k, value, at))

                start = base + first * depth
                tile.run(k, rows, start, column * depth, column, store, columns=columns)

            over_rows(k, count, n, depth, run, size)

    return lowering.pending(a.dtype, (*lead, m, n), None, emit)
