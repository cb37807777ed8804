"""Matrix products by register tiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from likewise.loop.types import scalar_or_vector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.loop.nodes import Memory
    from likewise.loop.values import Value
    from likewise.lower.kernel import Kernel

__all__ = ["Matrix", "gemm"]


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
