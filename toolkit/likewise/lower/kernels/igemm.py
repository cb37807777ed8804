"""The register tile that convolutions and products with packed weights share.

Weights are packed in blocks of 8 columns (output channels), `[block][tap][depth][8]`, the last
block filled up with zeros. A tile is some rows (pixels) times one block: each element of a row is
spread over the lanes and multiplied by two vectors of weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.loop.types import scalar_or_vector, type_named

if TYPE_CHECKING:
    from likewise.loop.builder import Var
    from likewise.loop.nodes import Memory
    from likewise.loop.values import Value
    from likewise.lower.kernel import Kernel
    from likewise.lower.tiles import TileSize

__all__ = [
    "BLOCK",
    "I16X8",
    "Store",
    "Tile",
    "each_block",
    "even_rows",
    "even_spans",
    "over_rows",
    "pack",
    "part_of_rows",
    "portion_of",
]

BLOCK: Final = 8
_CHUNK: Final = 4096
"""Elements of the left side that one pass over packed weights takes."""
_ENOUGH: Final = 4
_PORTIONS: Final = 8
I16X8: Final = type_named("i16x8")
_IN_ORDER: Final = 128
"""Products summed one after the other, about, before their sum is added to the total.

Rounding errors then grow with this and with the number of such sums, not with all products.
"""

Store = Callable[["Kernel", "Value", int, "Value"], None]
"""store(k, column, row, value): value holds the lanes from `column` on, or one element."""


def pack(weights: np.ndarray[Any, Any], width: int = BLOCK) -> np.ndarray[Any, Any]:
    """[columns, taps, depth] as [block, tap, depth, 8].

    With a larger `width` columns stand in blocks of that as long as there are so many: one long
    run of memory is read faster than several side by side. The result is then flat.
    """
    columns, taps, depth = weights.shape
    if width > BLOCK:
        whole = columns // width * width
        wide = weights[:whole].reshape(-1, width, taps, depth).transpose(0, 2, 3, 1)
        return np.concatenate([wide.ravel(), pack(weights[whole:]).ravel()])
    count = -(-columns // BLOCK)
    packed = np.zeros((count * BLOCK, taps, depth), weights.dtype)
    packed[:columns] = weights
    return np.ascontiguousarray(packed.reshape(count, BLOCK, taps, depth).transpose(0, 2, 3, 1))


def even_rows(size: int, most: int) -> list[tuple[int, int, int]]:
    """Ranges (first, last, step) that cover `size` with at most two steps, both near `most`.

    A few tiles one row smaller cost less than one tile of what is left.
    """
    if size <= 0:
        return []
    tiles = -(-size // most)
    small, larger = divmod(size, tiles)
    cut = larger * (small + 1)
    found = [(0, cut, small + 1)] if larger else []
    return [*found, (cut, size, small)] if cut < size else found


def even_spans(size: int, most: int) -> list[tuple[int, int, int]]:
    """Ranges (first, last, step) with steps near `most`, of one size where that can be."""
    least = -(-size // most)
    count = next((one for one in range(least, 2 * least) if size % one == 0), None)
    return even_rows(size, size // count if count else most)


def portion_of(size: int) -> int:
    """Into what portions to cut work that is shared out: a divisor of `size`.

    Each portion needs memory of its own, so there are few: at least 4 where that leaves few.
    """
    portions = [one for one in range(1, min(size, _PORTIONS) + 1) if size % one == 0]
    return size // next((one for one in portions if one >= _ENOUGH), portions[-1])


@contextmanager
def _one_block(k: Kernel, first: int, last: int, step: int) -> Iterator[Value]:
    with k.loop(first, last, step) as column:
        yield k.lane_axis(column) if column.constant is not None else column


def each_block(
    k: Kernel, columns: int, body: Callable[[Value, int], None], wide: int = BLOCK
) -> None:
    """body(first column, number of columns) for all blocks; the first is a lane axis.

    `wide` columns are taken at a time as long as there are so many, then one block.
    """
    first = 0
    for step in (wide, BLOCK):
        whole = first + (columns - first) // step * step
        if whole > first:
            with _one_block(k, first, whole, step) as column:
                body(column, step)
            first = whole
    if first < columns:
        with _one_block(k, first, columns, BLOCK) as column:
            body(column, columns - first)


@dataclass(frozen=True)
class Tile:
    """A tile's operands. Row j of the left side starts at `start + j * row_step` in `x`.

    Tap t of `taps` (counts and steps, outermost first) moves that by its step; within a tap `depth`
    elements lie together. `w` at `packed` is the block's first weight; of more than 8 columns
    the weights are packed in blocks of as many. In `pairs` an element, an int32, holds two of
    16 bits, and a product is the sum of two.
    """

    x: Memory
    row_step: int
    taps: Sequence[tuple[int, int]]
    depth: int
    w: Memory
    pairs: bool = False

    def run(
        self,
        k: Kernel,
        rows: int,
        start: Value,
        packed: Value,
        column: Value,
        store: Store,
        *,
        columns: int = BLOCK,
    ) -> None:
        """Compute the tile and hand its parts to `store`; `column` is the lane axis."""
        kind = scalar_or_vector(self.w.storage.value, 4)
        parts, width = range(0, columns, 4), max(columns, BLOCK)
        sums = [[k.var(0, kind) for _ in parts] for _ in range(rows)]
        with ExitStack() as loops:
            tap, place = k.index(0), start
            for count, step in self.taps:
                at = loops.enter_context(k.loop(count))
                tap, place = tap * count + at, place + at * step
            weight = packed + tap * (self.depth * width)
            if not kind.is_float or self._per_block <= 2 * _IN_ORDER:
                self._add_products(k, sums, place, weight, self.depth)
            else:
                for first, last, count in even_spans(self.depth, _IN_ORDER):
                    with k.loop(first, last, count) as at:
                        some = [[k.var(0, kind) for _ in parts] for _ in range(rows)]
                        self._add_products(k, some, place + at, weight + at * width, count)
                        for line, made in zip(sums, some, strict=True):
                            for total, one in zip(line, made, strict=True):
                                total.set(total.get() + one.get())
        for row, line in enumerate(sums):
            for part, total in zip(parts, line, strict=True):
                left_over = min(4, columns - part)
                if left_over == 4:
                    with k.lanes_over(column, 4):
                        store(k, column + part, row, total.get())
                    continue
                for lane in range(left_over):
                    store(k, column + part + lane, row, total.get().lane(lane))

    @property
    def _per_block(self) -> int:
        """Products of one element of the result."""
        return prod(count for count, _ in self.taps) * self.depth

    def _add_products(
        self, k: Kernel, sums: list[list[Var]], place: Value, weight: Value, depth: int
    ) -> None:
        """Add `depth` products to each sum, one after the other, from `place` and `weight` on."""
        kind = scalar_or_vector(self.w.storage.value, 4)
        parts = range(0, 4 * len(sums[0]), 4)
        width = max(len(parts) * 4, BLOCK)

        def add(total: Var, left: Value, factor: Value) -> None:
            if kind.is_float:
                total.set(k.madd(left, factor, total.get()))
            elif self.pairs:
                two = k.apply("dot", left.bitcast(I16X8), factor.bitcast(I16X8))
                total.set(total.get() + two)
            else:
                total.set(total.get() + left * factor)

        def spread(row: int, at: Value) -> Value:
            return k.splat(k.load(self.x, place + row * self.row_step + at), kind)

        def weights(at: Value) -> Iterator[Value]:
            return (k.load(self.w, weight + (at * width + part), 4) for part in parts)

        def add_few(at: Value, lefts: list[Value]) -> None:
            # Weights are loaded one by one: all at once they would not fit the registers.
            for part, factor in enumerate(weights(at)):
                for line, left in zip(sums, lefts, strict=True):
                    add(line[part], left, factor)

        if len(sums) == 1:
            # Loads are what bounds this: one for four elements, which shuffles spread.
            whole = depth // 4 * 4
            with k.loop(0, whole, 4) as at:
                four = k.load(self.x, place + at, 4)
                for lane in range(4):
                    add_few(at + lane, [k.shuffle(four, four, (lane,) * 4)])
            with k.loop(whole, depth) as at:
                add_few(at, [spread(0, at)])
            return
        with k.loop(depth) as at:
            if len(sums) <= max(2, len(parts) - 1):
                add_few(at, [spread(row, at) for row in range(len(sums))])
                return
            right = list(weights(at))
            for row, line in enumerate(sums):
                left = spread(row, at)
                for total, factor in zip(line, right, strict=True):
                    add(total, left, factor)


Run = Callable[[int, "Value", "Value", int], None]


def part_of_rows(depth: int, tile: TileSize) -> int:
    """So many rows of that depth as half of an L1 holds, in whole tiles."""
    return max(4, _CHUNK // depth // tile.rows) * tile.rows


def over_rows(k: Kernel, count: int, n: int, depth: int, run: Run, tile: TileSize) -> None:
    """All tiles of `count` rows and `n` columns, rows in parts that fit the cache."""

    def one_part(first: Value, size: int) -> None:
        def block(column: Value, columns: int) -> None:
            for start, stop, step in even_rows(size, tile.rows):
                with k.loop(start, stop, step) as row:
                    run(step, first + row, column, columns)

        each_block(k, n, block, tile.columns)

    part = part_of_rows(depth, tile)
    whole = count // part * part
    if count <= part * 3 // 2:
        one_part(k.index(0), count)
        return
    with k.loop(0, whole, part) as first:
        one_part(first, part)
    if whole < count:
        one_part(k.index(whole), count - whole)
