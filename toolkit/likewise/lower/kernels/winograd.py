"""3x3 convolution by Winograd's algorithm: 16 products make 4 places, or 36 make 16, not 9 each.

The transforms stand in `likewise.lower.kernels.winograd_forms`. Of all tiles and channels together
the products are one matrix product for each point. Weights are transformed in every run: stored
they would be 16/9 as large, or more.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from likewise.loop.types import S, type_named
from likewise.lower.kernels.igemm import BLOCK, I16X8, Tile, even_rows, portion_of
from likewise.lower.tiles import Shape

if TYPE_CHECKING:
    from likewise.loop.nodes import BufferParam
    from likewise.loop.values import Value
    from likewise.lower.kernel import Kernel
    from likewise.lower.kernels.winograd_forms import Form
    from likewise.lower.lowering import Lowering
    from likewise.lower.pending import Epilogue
    from likewise.lower.view import TensorView

__all__ = ["winograd"]

_INPUTS: Final = 2**15
"""Elements of transformed inputs that a portion has in work at a time: a part of an L2."""
_WIDE: Final = 4
_LINE: Final = 16
"""Elements of a cache's line."""
_I32X4: Final = type_named("i32x4")


def winograd(
    lowering: Lowering,
    x: TensorView,
    packed: TensorView,
    form: Form,
    y: TensorView,
    epilogue: Epilogue,
) -> None:
    """Fill `y` from channels-last `x` and weights packed as [block, tap, channel, 8].

    `x` has 2 more places than `y` along each spatial axis, and those that fill the last tile.
    Both are floats or, in int32, pairs of bytes less their zero points; the weights may be bytes.
    """
    height, width = (-(-size // form.size) for size in y.shape[2:])
    shape = Shape(form.name, (*y.shape[2:], y.shape[1], x.shape[1]))
    size = lowering.tiles.of(shape)
    with lowering.kernel(f"{shape.kernel}_{size}", shape) as k, k.loop(x.shape[0]) as image:
        own = _Convolution(lowering, k, x, packed, form, y, epilogue, image, width, size.rows)
        if height * width < y.shape[1]:
            own.by_blocks(height)
        else:
            own.by_rows(height)


@dataclass(frozen=True)
class _Convolution:
    """What is computed, in tiles of 2x2 or 4x4 results, `width` of them in a row.

    Whichever is smaller, the transformed weights or the transformed inputs, is made first and as a
    whole; the other in parts. A portion of the work has memory of its own, so that portions can be
    shared out among threads. Transformed inputs lie as [point, tile, channel], weights as [block,
    point, channel, 8], products as [point, tile, 8].
    """

    lowering: Lowering
    k: Kernel
    x: TensorView
    packed: TensorView
    form: Form
    y: TensorView
    epilogue: Epilogue
    image: Value
    width: int
    tile_rows: int

    @property
    def channels(self) -> int:
        return self.x.shape[1]

    @property
    def blocks(self) -> int:
        return self.y.shape[1] // BLOCK

    @property
    def points(self) -> int:
        return self.form.points**2

    @property
    def per_block(self) -> int:
        """Elements of a block's transformed weights."""
        return self.points * _spaced(self.channels * BLOCK)

    def by_rows(self, height: int) -> None:
        """All weights, then some rows of tiles at a time."""
        k, row = self.k, self.points * self.width
        portion = portion_of(height)
        most = max(1, _INPUTS // (row * self.channels))
        rows = next(n for n in range(min(most, portion), 0, -1) if portion % n == 0)
        portions = height // portion
        weights = self._scratch(self.blocks * self.per_block)
        per_input, per_product = (
            self.points * _spaced(rows * self.width * one) for one in (self.channels, BLOCK)
        )
        inputs = self._scratch(portions * per_input)
        products = self._scratch(portions * per_product)
        with k.loop(self.blocks) as block:
            self.transform_weights(block, weights + block * self.per_block)
        with k.loop(portions) as number, k.loop(0, portion, rows) as at:
            first = number * portion + at
            source, made = inputs + number * per_input, products + number * per_product
            with k.loop(rows) as down:
                self.transform_input(first + down, source + down * self.width * self.channels, rows)
            with k.loop(self.blocks) as block:
                packed = weights + block * self.per_block
                self.multiply(source, packed, made, rows)
                self.transform_output(block * BLOCK, first, made, rows)

    def by_blocks(self, height: int) -> None:
        """All inputs, then one block of weights at a time."""
        k = self.k
        portion = portion_of(self.blocks)
        portions = self.blocks // portion
        per_input, per_product = (
            self.points * _spaced(height * self.width * one) for one in (self.channels, BLOCK)
        )
        inputs = self._scratch(per_input)
        weights = self._scratch(portions * self.per_block)
        products = self._scratch(portions * per_product)
        with k.loop(height) as down:
            self.transform_input(down, inputs + down * self.width * self.channels, height)
        with k.loop(portions) as number, k.loop(portion) as at:
            block = number * portion + at
            packed, made = weights + number * self.per_block, products + number * per_product
            self.transform_weights(block, packed)
            self.multiply(inputs, packed, made, height)
            self.transform_output(block * BLOCK, k.index(0), made, height)

    def _scratch(self, size: int) -> _At:
        view = self.lowering.empty(self.x.dtype, (size,))
        zero = self.k.index(0)
        return _At(self.k.pointer(view.address(self.k, (zero,))[0]), zero)

    @property
    def pairs(self) -> bool:
        return self.x.storage is S.i32

    def _load(self, memory: BufferParam, place: Value) -> Value:
        """4 floats, or 8 numbers of 16 bits."""
        found = self.k.load(memory, place, _WIDE)
        return found.bitcast(I16X8) if self.pairs else found

    def _store(self, to: _At, value: Value) -> None:
        self.k.store(to.memory, to.place, value.bitcast(_I32X4) if self.pairs else value)

    def transform_weights(self, block: Value, target: _At) -> None:
        """G g G' of a block."""
        k, step = self.k, self.channels * BLOCK
        source, base = self.packed.address(k, (k.index(0),) * self.packed.rank)
        memory = k.pointer(source)
        spread, points = self.form.of_weights, self.form.points
        with k.loop(0, step, _WIDE) as at:

            def load(tap: int) -> Value:
                place = base + (block * 9 + tap) * step + at
                if memory.storage is S.i8:
                    return k.load(memory, place * 2, 2 * _WIDE)
                return self._load(memory, place)

            columns = [spread([load(3 * row + column) for row in range(3)]) for column in range(3)]
            for row, line in enumerate(zip(*columns, strict=True)):
                for column, one in enumerate(spread(line)):
                    self._store(target + ((points * row + column) * _spaced(step) + at), one)

    def transform_input(self, down: Value, target: _At, rows: int) -> None:
        """B' d B of a row of tiles, one of `rows` that lie together."""
        k, size, points = self.k, self.form.size, self.form.points
        differences = self.form.of_inputs
        with k.loop(self.width) as right, k.loop(0, self.channels, _WIDE) as channel:

            def load(row: int, column: int) -> Value:
                index = (self.image, channel, down * size + row, right * size + column)
                buffer, position = self.x.address(k, index)
                return self._load(k.pointer(buffer), position)

            columns = [
                differences([load(row, column) for row in range(points)])
                for column in range(points)
            ]
            for row, line in enumerate(zip(*columns, strict=True)):
                for column, one in enumerate(differences(line)):
                    point = (points * row + column) * _spaced(rows * self.width * self.channels)
                    self._store(target + (right * self.channels + channel + point), one)

    def multiply(self, inputs: _At, weights: _At, products: _At, rows: int) -> None:
        """The products of one block: [tile, channel] by [channel, 8] for each of the points."""
        k, channels, count = self.k, self.channels, rows * self.width
        tile = Tile(inputs.memory, channels, (), channels, weights.memory, self.pairs)
        with k.loop(self.points) as point:
            packed = weights.place + point * _spaced(channels * BLOCK)
            for first, last, height in even_rows(count, self.tile_rows):
                with k.loop(first, last, height) as row:
                    made = products.place + (point * _spaced(count * BLOCK) + row * BLOCK)

                    def store(
                        k: Kernel, own: Value, down: int, value: Value, made: Value = made
                    ) -> None:
                        k.store(products.memory, made + (down * BLOCK + own), value)

                    start = inputs.place + (point * _spaced(count * channels) + row * channels)
                    tile.run(k, height, start, packed, k.index(0), store)

    def transform_output(self, channel: Value, first: Value, products: _At, rows: int) -> None:
        """A' m A of some rows of tiles and one block, and what is done with the results."""
        k, size, points = self.k, self.form.size, self.form.points
        sums, step = self.form.of_products, _spaced(rows * self.width * BLOCK)
        with k.loop(rows) as down, k.loop(self.width) as right, k.loop(0, BLOCK, _WIDE) as part:
            lane = k.lane_axis(channel + part)
            at = products.place + ((down * self.width + right) * BLOCK + part)
            columns = [
                sums([
                    k.load(products.memory, at + (points * row + column) * step, _WIDE)
                    for row in range(points)
                ])
                for column in range(points)
            ]  # fmt: skip
            for row, line in enumerate(zip(*columns, strict=True)):
                for column, one in enumerate(sums(line)):
                    place = ((first + down) * size + row, right * size + column)
                    self._put((self.image, lane, *place), self.form.finish(one))

    def _put(self, index: tuple[Value, ...], value: Value) -> None:
        """Write a result, if it is one: the last tile may have more than there are."""
        k, side = self.k, self.form.size
        with ExitStack() as stack:
            for at, size in zip(index[2:], self.y.shape[2:], strict=True):
                if size % side and at.range()[1] >= size:
                    stack.enter_context(k.if_(at < size))
            with k.lanes_over(index[1], _WIDE):
                buffer, position = self.y.address(k, index)
                k.write(buffer, position, self.epilogue(k, value, index))


def _spaced(size: int) -> int:
    """Elements from one point to the next: all points would else meet in one set of a cache."""
    return size + _LINE


class _At(NamedTuple):
    """A place in memory."""

    memory: BufferParam
    place: Value

    def __add__(self, further: Value) -> _At:  # type: ignore[override]
        return _At(self.memory, self.place + further)
