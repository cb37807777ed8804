"""Matrix products by register tiles."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from likewise.loop.types import scalar_or_vector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.loop.nodes import Memory
    from likewise.loop.values import Value
    from likewise.lower.kernel import Kernel
    from likewise.lower.lowering import Lowering
    from likewise.lower.view import TensorView

__all__ = ["Matrix", "gemm", "matmul"]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A row-major matrix in memory: element (i, j) stands at base + i * stride + j."""

    memory: Memory
    base: Value
    stride: int

    def at(self, row: Value, column: Value) -> Value:
        return self.base + row * self.stride + column


def gemm(
    k: Kernel, operands: tuple[Matrix, Matrix, Matrix], sizes: tuple[int, int, int], rows: int = 5
) -> None:
    """Y = a @ b for sizes (m, n, depth), in tiles of `rows` by 8 of y, 4 and 1 where 8 is too wide.

    Every element is summed over the depth in order, from 0.
    """
    m, n, depth = sizes
    for first_column, last_column, columns in _splits(n, (8, 4, 1)):
        with k.loop(first_column, last_column, columns) as column:
            for first_row, last_row, height in _splits(m, (rows, max(m % rows, 1))):
                with k.loop(first_row, last_row, height) as row:
                    _tile(k, operands, (row, column), (height, columns), depth)


def _splits(size: int, steps: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """Ranges that cover `size`, each with the largest step that still fits."""
    first = 0
    for step in steps:
        last = first + (size - first) // step * step
        if last > first:
            yield first, last, step
            first = last


def _tile(
    k: Kernel,
    operands: tuple[Matrix, Matrix, Matrix],
    corner: tuple[Value, Value],
    tile: tuple[int, int],
    depth: int,
) -> None:
    a, b, y = operands
    row, column = corner
    height, columns = tile
    lanes = 4 if columns >= 4 else 1
    kind = scalar_or_vector(y.memory.storage.value, lanes)
    parts = range(0, columns, lanes)
    sums = [[k.var(0.0, kind) for _ in parts] for _ in range(height)]
    with k.loop(depth) as at:
        factors = [k.load(b.memory, b.at(at, column + part), lanes) for part in parts]
        for down, line in enumerate(sums):
            left = k.splat(k.load(a.memory, a.at(row + down, at)), kind)
            for total, right in zip(line, factors, strict=True):
                total.set(k.madd(left, right, total.get()))
    for down, line in enumerate(sums):
        for part, total in zip(parts, line, strict=True):
            k.store(y.memory, y.at(row + down, column + part), total.get())


def matmul(lowering: Lowering, a: TensorView, b: TensorView) -> TensorView:
    """The product of two views of rank 2 or more, their leading axes broadcast."""
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    m, depth, n = a.shape[-2], a.shape[-1], b.shape[-1]
    a, b = lowering.materialise(a), lowering.materialise(b)
    y = lowering.empty(a.dtype, (*batch, m, n))
    wide = [one.broadcast((*batch, *one.shape[-2:])) for one in (a, b)]
    with lowering.kernel("f32_gemm_5x8") as k, ExitStack() as loops:
        index = [loops.enter_context(k.loop(size)) for size in batch]
        corner = (*index, k.index(0), k.index(0))
        operands = []
        for view, stride in ((wide[0], depth), (wide[1], n), (y, n)):
            buffer, base = view.address(k, corner)
            operands.append(Matrix(k.pointer(buffer), base, stride))
        gemm(k, (operands[0], operands[1], operands[2]), (m, n, depth))
    return y
