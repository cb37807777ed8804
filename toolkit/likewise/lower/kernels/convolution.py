"""Convolutions: which kernel for which, and the plain loops for whatever has no kernel."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.ir import DType
from likewise.loop.types import S
from likewise.lower.kernels.depthwise import depthwise, suits_floats
from likewise.lower.kernels.igemm import Tile, each_block, even_rows, pack, part_of_rows
from likewise.lower.kernels.layout import channels_last, padded, strides_of
from likewise.lower.kernels.pairs import as_bytes, pairs_of, pairs_of_weights
from likewise.lower.kernels.winograd import winograd
from likewise.lower.kernels.winograd_forms import winograd_form
from likewise.lower.tiles import Shape
from likewise.lower.view import unflatten

if TYPE_CHECKING:
    from likewise.loop.values import Value
    from likewise.lower.kernel import Kernel
    from likewise.lower.kernels.winograd_forms import Form
    from likewise.lower.lowering import Lowering
    from likewise.lower.pending import Epilogue
    from likewise.lower.tiles import TileSize
    from likewise.lower.view import Index, TensorView
    from likewise.ops.windows import Windows

__all__ = ["convolve"]

_LONG: Final = 8
"""Elements of a row in a window that are worth a loop of their own."""

Place = Callable[[int], "Index"]
Run = Callable[[int, "Value", "Value", int, Place], None]


def convolve(
    lowering: Lowering,
    x: TensorView,
    w: TensorView,
    windows: Windows,
    group: int = 1,
    bias: TensorView | None = None,
    *,
    small: bool = False,
) -> TensorView:
    """`x` [N, C, *spatial] convolved with `w` [M, C / group, *kernel], plus `bias` [M].

    With `small` all numbers are bytes less their zero points, in int32.
    """
    shape = (x.shape[0], w.shape[0], *windows.output)
    if x.storage in (S.f32, S.i32) and w.data is not None and 0 not in (*shape, *x.shape, *w.shape):
        pairs = small and (group == 1 or w.shape[1] % 2 == 0)
        known = w.data
        form = winograd_form(x, known, windows, group) if pairs or x.storage is S.f32 else None
        if pairs:
            x, known = pairs_of(lowering, x, 1), pairs_of_weights(known, 1)
        each = DType.FLOAT if small and not pairs and suits_floats(windows) else x.dtype
        y = _packed(lowering, x, known, windows, group, each, form, pairs=pairs)
    else:
        y = _plain(lowering, x, w, windows, group, bias)
        bias = None
    if bias is None:
        return y
    column = bias.reshape((w.shape[0], *[1] * len(windows.output)))
    return lowering.elementwise(lambda _, a, b: a + b, x.dtype, y, column)


def _packed(
    lowering: Lowering,
    x: TensorView,
    w: np.ndarray[Any, Any],
    windows: Windows,
    group: int,
    each: DType,
    form: Form | None,
    *,
    pairs: bool,
) -> TensorView:
    """float32 or int32 with known weights, channels last; `each` is what depthwise ones are in."""
    order = channels_last(x.rank)
    shape = (x.shape[0], w.shape[0], *windows.output)
    rest = [-size % form.size if form else 0 for size in windows.output]
    reach = windows.overhang(x.shape[2:])
    end = [max(0, one + more) for one, more in zip(reach, rest, strict=True)]
    flat = w.reshape(*w.shape[:2], windows.taps)
    one_each = w.shape[1] == 1 and group == w.shape[0] == x.shape[1] and group > 1 and not pairs

    def emit(target: TensorView, epilogue: Epilogue) -> None:
        strides = strides_of(target)
        if strides is None or (shape[1] > 1 and strides[1] != 1):
            inside = lowering.empty(target.dtype, shape, order)
            emit(inside, epilogue)
            lowering.write(inside, target)
            return
        if one_each:
            depthwise(lowering, lowering.cast(x, each), flat[:, 0], windows, target, epilogue)
            return
        lying = group == 1 and not any(end) and _read_by_rows(x, windows)
        source = lying or padded(lowering, x, windows.begin, end, order)
        if form is not None:
            packed = pack(flat.swapaxes(1, 2))
            weights = lowering.constant(as_bytes(packed) if pairs else packed)
            winograd(lowering, source, weights, form, target, epilogue)
        else:
            _Direct(
                lowering, source, windows, target, epilogue, group, w.shape[1], pairs, bool(lying)
            ).write(flat.reshape(group, w.shape[0] // group, *flat.shape[1:]))

    return lowering.pending(x.dtype, shape, order, emit)


def _read_by_rows(x: TensorView, windows: Windows) -> TensorView | None:
    """`x` where it stands in memory, if windows can be read from there; else None.

    That is so if the last axis is the fastest there and what a window takes of it is long enough,
    without gaps and padding: an image of which patches are taken, above all.
    """
    if any(windows.begin) or windows.dilations[-1] > 1 or windows.kernel[-1] < _LONG:
        return None
    lying = x.settled() if x.stem is not None and x.stem.base.memory is not None else x
    strides = strides_of(lying)
    return lying if strides is not None and strides[-1] == 1 else None


@dataclass(frozen=True)
class _Direct:
    """Direct convolution of a padded, channels-last input.

    With `by_rows` it is one whose last axis is the fastest: what lies together below a tap is then
    a row of the window, not the channels.
    """

    lowering: Lowering
    x: TensorView
    windows: Windows
    y: TensorView
    epilogue: Epilogue
    group: int
    depth: int
    pairs: bool
    by_rows: bool

    def write(self, weights: np.ndarray[Any, Any]) -> None:
        """With weights as [group, made channel, channel, tap]."""
        strides = strides_of(self.x) or ()
        steps, made = strides[2:], self.y.shape[1] // self.group
        shape = self._shape()
        size = self.lowering.tiles.of(shape)
        row_step, taps, depth = self._taps(strides)
        together = weights if self.by_rows else weights.swapaxes(2, 3)
        together = together.reshape(self.group, made, -1, depth)
        packed = self.lowering.constant(np.stack([pack(one, size.columns) for one in together]))
        with self.lowering.kernel(f"{shape.kernel}_{size}", shape) as k, ExitStack() as loops:
            image = loops.enter_context(k.loop(self.x.shape[0]))
            g = loops.enter_context(k.loop(self.group))
            memory, base = self.x.address(
                k, (image, g * self.depth, *[k.index(0)] * (self.x.rank - 2))
            )
            right = k.pointer(packed.address(k, (k.index(0),) * packed.rank)[0])
            tile = Tile(k.pointer(memory), row_step, taps, depth, right, self.pairs)
            per_group = packed.size // self.group

            def at(column: Value) -> Value:
                return g * per_group + column * (self.windows.taps * self.depth)

            def run(rows: int, start: Value, column: Value, columns: int, place: Place) -> None:
                def store(k: Kernel, own: Value, row: int, value: Value) -> None:
                    index = (image, g * made + own, *place(row))
                    target, position = self.y.address(k, index)
                    k.write(target, position, self.epilogue(k, value, index))

                tile.run(k, rows, start, at(column), column, store, columns=columns)

            if self._pointwise:
                self._over_points(k, base, made, run, size)
            else:
                self._over_rows(k, base, steps, made, run, size)

    @property
    def _pointwise(self) -> bool:
        """Whether all places are one axis: windows of one element, side by side."""
        return self.windows.taps == 1 and all(step == 1 for step in self.windows.strides)

    def _shape(self) -> Shape:
        windows = self.windows
        kernel, places = (
            f"{'i16' if self.pairs else self.x.storage}_gemm",
            [math.prod(windows.output)],
        )
        if not self._pointwise:
            kernel = f"{kernel[:3]}_conv_" + "x".join(map(str, windows.kernel))
            places = [*windows.output]
        batch = self.y.shape[0] * self.group
        return Shape(
            kernel, (batch, *places, self.y.shape[1] // self.group, windows.taps * self.depth)
        )

    def _row_axis(self) -> int:
        """The spatial axis whose neighbours make a tile: the last with more than one place."""
        places = self.windows.output
        return max((axis for axis, n in enumerate(places) if n > 1), default=len(places) - 1)

    def _taps(self, strides: Sequence[int]) -> tuple[int, list[tuple[int, int]], int]:
        """How far the next row is, the loops over taps, and what lies together below a tap."""
        windows, steps = self.windows, strides[2:]
        taps = [
            (n, step * d)
            for n, step, d in zip(windows.kernel, steps, windows.dilations, strict=True)
        ]
        depth = self.depth
        if self.by_rows:
            depth = windows.kernel[-1]
            taps = [(self.depth, strides[1]), *taps[:-1]]
        elif self.group == 1 and (windows.dilations[-1] == 1 or windows.kernel[-1] == 1):
            depth *= windows.kernel[-1]
            taps.pop()
        row = self._row_axis()
        return steps[row] * windows.strides[row], taps, depth

    def _over_points(self, k: Kernel, base: Value, made: int, run: Run, size: TileSize) -> None:
        """A window of one element: all places are one axis, taken in parts that fit the cache."""
        spatial = self.y.shape[2:]
        count = math.prod(spatial)
        channels = self.x.shape[1]

        def rows_of(first: Value, ranges: Sequence[tuple[int, int, int]]) -> None:
            def block(column: Value, columns: int) -> None:
                for start, stop, step in ranges:
                    with k.loop(start, stop, step) as row:
                        at = first + row

                        def place(down: int, at: Value = at) -> Index:
                            return unflatten(k, at + down, spatial)

                        run(step, base + at * channels, column, columns, place)

            each_block(k, made, block, size.columns)

        part = part_of_rows(self.depth, size)
        whole = count // part * part
        if count <= part * 3 // 2:
            rows_of(k.index(0), even_rows(count, size.rows))
            return
        with k.loop(0, whole, part) as first:
            rows_of(first, even_rows(part, size.rows))
        if whole < count:
            rows_of(k.index(whole), even_rows(count - whole, size.rows))

    def _over_rows(
        self,
        k: Kernel,
        base: Value,
        steps: tuple[int, ...],
        made: int,
        run: Run,
        size: TileSize,
    ) -> None:
        windows = self.windows
        moves = [step * s for step, s in zip(steps, windows.strides, strict=True)]
        axis = self._row_axis()
        rest = [k.index(0)] * (len(moves) - 1 - axis)

        def block(column: Value, columns: int) -> None:
            with ExitStack() as loops:
                start, outer = base, []
                for n, move in zip(windows.output[:axis], moves[:axis], strict=True):
                    outer.append(loops.enter_context(k.loop(n)))
                    start = start + outer[-1] * move
                for first, stop, step in even_rows(windows.output[axis], size.rows):
                    with k.loop(first, stop, step) as at:

                        def place(down: int, at: Value = at) -> Index:
                            return (*outer, at + down, *rest)

                        run(step, start + at * moves[axis], column, columns, place)

        each_block(k, made, block, size.columns)


def _plain(
    lowering: Lowering,
    x: TensorView,
    w: TensorView,
    windows: Windows,
    group: int,
    bias: TensorView | None,
) -> TensorView:
    """Any element type, any weights: one loop after the other."""
    end = windows.overhang(x.shape[2:])
    source = padded(lowering, x, windows.begin, [max(0, e) for e in end], range(x.rank))
    w = lowering.materialise(w)
    bias = None if bias is None else lowering.materialise(bias)
    depth, made = w.shape[1], w.shape[0] // group

    def compute(k: Kernel, index: Index) -> Value:
        n, m, *places = index
        g = k.floor_divide(m, k.index(made)) if group > 1 else k.index(0)
        total = k.var(k.number(0, x.storage))
        with ExitStack() as loops:
            channel = loops.enter_context(k.loop(depth))
            taps = [loops.enter_context(k.loop(size)) for size in windows.kernel]
            at = [
                p * s + t * d
                for p, s, t, d in zip(places, windows.strides, taps, windows.dilations, strict=True)
            ]
            left = source.read(k, (n, g * depth + channel, *at))
            total.set(total.get() + left * w.read(k, (m, channel, *taps)))
        value = total.get() if bias is None else total.get() + bias.read(k, (m,))
        return k.narrow(value, x.storage)

    made_view = lowering.generate(x.dtype, (x.shape[0], w.shape[0], *windows.output), compute)
    return lowering.materialise(made_view, f"{x.storage}_conv")
