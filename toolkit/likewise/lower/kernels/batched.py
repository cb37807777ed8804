"""Batched products of two matrices that only a run knows, the right one packed on the fly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from likewise.loop.types import S
from likewise.lower.kernels.igemm import BLOCK, Tile, over_rows
from likewise.lower.kernels.layout import strides_of
from likewise.lower.tiles import Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.loop.values import Value
    from likewise.lower.kernel import Kernel
    from likewise.lower.lowering import Lowering
    from likewise.lower.pending import Put, Rows
    from likewise.lower.tiles import TileSize
    from likewise.lower.view import Index, TensorView

__all__ = ["Product", "pack_columns", "rows_of", "suits_product"]

_FEWEST: Final = 24
"""Rows below which packing costs more than it saves."""


def suits_product(a: TensorView, b: TensorView) -> bool:
    """Whether a `Product` of these may be made, and pays."""
    sizes = (*a.shape, *b.shape)
    return a.storage is S.f32 and a.shape[-2] >= _FEWEST and b.shape[-1] >= BLOCK and 0 not in sizes


def pack_columns(lowering: Lowering, b: TensorView) -> TensorView:
    """[..., depth, n] as [..., block, depth, 8] in memory; the last block may be filled in part."""
    *lead, depth, n = b.shape
    b = lowering.settle(b)
    whole, rest = divmod(n, BLOCK)
    packed = lowering.empty(b.dtype, (*lead, whole + (rest > 0), depth, BLOCK))
    for first, count, width in ((0, whole, BLOCK), (whole, rest > 0, rest)):
        if not count:
            continue

        def back(_: Kernel, index: Index, first: int = first) -> Sequence[Value]:
            *outer, block, row, lane = index
            return (*outer, row, (block + first) * BLOCK + lane)

        part = packed.slice(
            (*[0] * len(lead), first, 0, 0),
            (1,) * packed.rank,
            (*lead, int(count), depth, width),
        )
        lowering.write(b.viewed(part.shape, back), part, "pack")
    return packed


@dataclass(frozen=True)
class Product:
    """A [..., m, depth] times b [..., depth, n]: `left` as it lies in memory, `right` packed."""

    left: TensorView
    right: TensorView
    row_step: int
    columns: int
    size: TileSize

    @staticmethod
    def of(lowering: Lowering, a: TensorView, b: TensorView) -> Product:
        """Writes the kernels that bring both sides into form."""
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        left = lowering.settle(a)
        strides = strides_of(left) or (0,)
        if strides[-1] != 1:
            left = lowering.materialise(a)
            strides = (a.shape[-1], 1)
        packed = pack_columns(lowering, b)
        shape = Shape("f32_batched", (*batch, a.shape[-2], b.shape[-1], a.shape[-1]))
        return Product(
            left.broadcast((*batch, *a.shape[-2:])),
            packed.broadcast((*batch, *packed.shape[-3:])),
            strides[-2],
            b.shape[-1],
            lowering.tiles.of(shape),
        )

    def rows(self, k: Kernel, lead: Index, first: Value, count: int, put: Put) -> None:
        """Compute `count` rows of the matrix at `lead`, from row `first` on."""
        zero = k.index(0)
        depth = self.left.shape[-1]
        memory, base = self.left.address(k, (*lead, zero, zero))
        packed, block = self.right.address(k, (*lead, zero, zero, zero))
        tile = Tile(k.pointer(memory), self.row_step, (), depth, k.pointer(packed))

        def run(rows: int, row: Value, column: Value, columns: int) -> None:
            def store(k: Kernel, own: Value, down: int, value: Value) -> None:
                put(k, row + down, (*lead, first + row + down, own), value)

            start = base + (first + row) * self.row_step
            tile.run(k, rows, start, block + column * depth, column, store, columns=columns)

        over_rows(k, count, self.columns, depth, run, self.size)


def rows_of(lowering: Lowering, a: TensorView, b: TensorView) -> Rows:
    """See `Pending.by_rows`."""
    return Product.of(lowering, a, b).rows
