"""3x3 convolution by Winograd's F(2x2, 3x3): 16 products make four places, not 36.

A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks" (2016), section 4.1: with
d the 4x4 elements that 2x2 results read and g the weights, the results are
A'[(G g G') * (B' d B)]A. Of all tiles and channels together the products are 16 matrix products.
Weights are transformed in every run: stored they would be 16/9 as large.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from likewise.ir import DType
from likewise.loop.types import S
from likewise.lower.kernels.igemm import BLOCK, Tile, even_rows, even_spans
from likewise.lower.view import unflatten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.loop.nodes import Memory
    from likewise.loop.values import Value
    from likewise.lower.kernel import Kernel
    from likewise.lower.lowering import Lowering
    from likewise.lower.pending import Epilogue
    from likewise.lower.view import TensorView
    from likewise.ops.windows import Windows

__all__ = ["suits_winograd", "winograd"]

_POINTS: Final = 16
_FEWEST: Final = 16
"""Channels below which the transforms cost more than they save."""
_TILES: Final = 64
_WEIGHTS: Final = 2**18
"""At most so many tiles and transformed weights are in work: both stay in an L2."""


def suits_winograd(x: TensorView, made: int, windows: Windows, group: int) -> bool:
    """Whether a convolution of `x` to `made` channels is one that `winograd` computes."""
    return (
        x.storage is S.f32
        and group == 1
        and windows.kernel == (3, 3)
        and windows.strides == windows.dilations == (1, 1)
        and min(x.shape[1], made) >= _FEWEST
        and x.shape[1] % 4 == 0
        and made % BLOCK == 0
        and min(windows.output) > 1
    )


def winograd(
    lowering: Lowering, x: TensorView, packed: TensorView, y: TensorView, epilogue: Epilogue
) -> None:
    """Fill `y` from channels-last `x` and weights packed as [block, tap, channel, 8].

    `x` has 2 more places than `y` along each spatial axis, and 3 where there `y` has an odd number.
    """
    tiles = tuple(-(-size // 2) for size in y.shape[2:])
    channels, blocks = x.shape[1], y.shape[1] // BLOCK
    per_block = _POINTS * channels * BLOCK
    chunks = even_spans(tiles[0] * tiles[1], _TILES)
    groups = even_spans(blocks, max(1, _WEIGHTS // per_block))
    most, widest = max(step for *_, step in chunks), max(step for *_, step in groups)

    def scratch(size: int) -> Memory:
        return k.pointer(lowering.empty(DType.FLOAT, (size,)).address(k, (k.index(0),))[0])

    with lowering.kernel("f32_winograd_3x3_6x8") as k, k.loop(x.shape[0]) as image:
        own = _Convolution(
            k, x, packed, y, epilogue, tiles,
            scratch(_POINTS * most * channels), scratch(widest * per_block),
            scratch(_POINTS * most * BLOCK),
        )  # fmt: skip
        once = len(chunks) == 1 and chunks[0][1] == chunks[0][2]
        if once:
            own.transform_input(image, k.index(0), most)
        for first_block, last_block, count in groups:
            with k.loop(first_block, last_block, count) as block:
                own.transform_weights(block, count)
                for first_tile, last_tile, size in chunks:
                    with k.loop(first_tile, last_tile, size) as tile:
                        if not once:
                            own.transform_input(image, tile, size)
                        with k.loop(count) as at:
                            own.multiply(at, size)
                            own.transform_output(image, (block + at) * BLOCK, tile, size)


@dataclass(frozen=True)
class _Convolution:
    """What is computed, and the memory between its steps.

    `inputs` [point, tile, channel], `weights` [block, point, channel, 8], `products` [point, tile,
    8], for the tiles and blocks in work.
    """

    k: Kernel
    x: TensorView
    packed: TensorView
    y: TensorView
    epilogue: Epilogue
    tiles: tuple[int, ...]
    inputs: Memory
    weights: Memory
    products: Memory

    @property
    def channels(self) -> int:
        return self.x.shape[1]

    def transform_weights(self, first: Value, count: int) -> None:
        """G g G' of `count` blocks, G = ((1, 0, 0), (½, ½, ½), (½, -½, ½), (0, 0, 1))."""
        k, channels = self.k, self.channels
        source, base = self.packed.address(k, (k.index(0),) * self.packed.rank)
        memory = k.pointer(source)
        with k.loop(count) as block, k.loop(channels) as channel, k.loop(0, BLOCK, 4) as part:
            at = base + (first + block) * (9 * channels * BLOCK) + channel * BLOCK + part
            to = block * (_POINTS * channels * BLOCK) + channel * BLOCK + part
            step = channels * BLOCK
            columns = [
                _spread([k.load(memory, at + (3 * row + column) * step, 4) for row in range(3)])
                for column in range(3)
            ]
            for row, line in enumerate(zip(*columns, strict=True)):
                for column, one in enumerate(_spread(line)):
                    k.store(self.weights, to + (4 * row + column) * step, one)

    def transform_input(self, image: Value, first: Value, count: int) -> None:
        """B' d B of `count` tiles."""
        k = self.k
        with k.loop(count) as tile:
            down, right = unflatten(k, first + tile, self.tiles)
            with k.loop(0, self.channels, 4) as channel:

                def load(row: int, column: int) -> Value:
                    index = (image, channel, down * 2 + row, right * 2 + column)
                    buffer, position = self.x.address(k, index)
                    return k.load(k.pointer(buffer), position, 4)

                columns = [
                    _differences([load(row, column) for row in range(4)]) for column in range(4)
                ]
                for row, line in enumerate(zip(*columns, strict=True)):
                    for column, one in enumerate(_differences(line)):
                        point = (4 * row + column) * count
                        to = (tile + point) * self.channels + channel
                        k.store(self.inputs, to, one)

    def multiply(self, block: Value, count: int) -> None:
        """The products of one block: [tile, channel] by [channel, 8] for each of the points."""
        k, channels = self.k, self.channels
        tile = Tile(self.inputs, channels, (), channels, self.weights)
        with k.loop(_POINTS) as point:
            packed = (block * _POINTS + point) * (channels * BLOCK)
            for first, last, height in even_rows(count):
                with k.loop(first, last, height) as row:
                    place = point * count + row

                    def store(k: Kernel, own: Value, down: int, value: Value) -> None:
                        k.store(self.products, (place + down) * BLOCK + own, value)  # noqa: B023

                    tile.run(k, height, place * channels, packed, k.index(0), store)

    def transform_output(self, image: Value, channel: Value, first: Value, count: int) -> None:
        """A' m A of `count` tiles and one block, and what is done with the results."""
        k = self.k
        with k.loop(count) as tile, k.loop(0, BLOCK, 4) as part:
            down, right = unflatten(k, first + tile, self.tiles)
            lane = k.lane_axis(channel + part)
            at = tile * BLOCK + part
            columns = [
                _sums([
                    k.load(self.products, at + (4 * row + column) * (count * BLOCK), 4)
                    for row in range(4)
                ])
                for column in range(4)
            ]  # fmt: skip
            for row, line in enumerate(zip(*columns, strict=True)):
                for column, one in enumerate(_sums(line)):
                    self._put((image, lane, down * 2 + row, right * 2 + column), one)

    def _put(self, index: tuple[Value, ...], value: Value) -> None:
        """Write a result, if it is one: of an odd number of places the last tile has one more."""
        k = self.k
        with ExitStack() as stack:
            for at, size in zip(index[2:], self.y.shape[2:], strict=True):
                if size % 2 and at.range()[1] >= size:
                    stack.enter_context(k.if_(at < size))
            with k.lanes_over(index[1], 4):
                buffer, position = self.y.address(k, index)
                k.write(buffer, position, self.epilogue(k, value, index))


def _spread(g: Sequence[Value]) -> tuple[Value, ...]:
    """Three weights of a row or column as four."""
    ends = g[0] + g[2]
    return g[0], (ends + g[1]) * 0.5, (ends - g[1]) * 0.5, g[2]


def _differences(d: Sequence[Value]) -> tuple[Value, ...]:
    return d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]


def _sums(m: Sequence[Value]) -> tuple[Value, ...]:
    return m[0] + m[1] + m[2], m[1] - m[2] - m[3]
