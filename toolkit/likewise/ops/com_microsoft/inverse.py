"""Inverse: of square matrices."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.ops.case import Case, f32
from likewise.ops.checks import check_float, unify
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.loop import Value
    from likewise.lower import Kernel, Lowering, TensorView


class Inverse(Operator, versions=(1,)):
    """The inverse of each matrix in the last two axes.

    A singular one is an error; compiled code cannot tell and gives infinities or NaN.
    """

    def infer(self, x: TensorType) -> TensorType:
        check_float(x, "X")
        if x.rank < 2:
            raise InferenceError("X has no matrices", given=x, allowed="2 dims or more")
        unify(x.shape[-2], x.shape[-1], "the rows and columns of X")
        return x.with_shape(x.shape)

    def evaluate(self, x: Array) -> Array:
        wide = x.astype(np.float32) if x.dtype.itemsize == 2 else x
        try:
            return np.linalg.inv(wide).astype(x.dtype, copy=False)
        except np.linalg.LinAlgError:
            raise InferenceError("a matrix of X has no inverse") from None

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        """Gauss-Jordan elimination of [matrix, identity] with the largest pivot of each column."""
        size, batch = x.shape[-1], x.shape[:-2]
        wide = DType.DOUBLE if x.dtype is DType.DOUBLE else DType.FLOAT
        x, y = lowering.settle(x), lowering.empty(x.dtype, x.shape)
        work = lowering.empty(wide, (size, 2 * size))

        def put(k: Kernel, row: Value, column: Value, value: Value) -> None:
            buffer, position = work.address(k, (row, column))
            k.write(buffer, position, value)

        with lowering.kernel(f"{x.storage}_inverse") as k, ExitStack() as loops:
            index = tuple(loops.enter_context(k.loop(n)) for n in batch)
            one, zero = (k.const(number, work.storage.value) for number in (1.0, 0.0))
            with k.loop(size) as row, k.loop(size) as column:
                put(k, row, column, x.read(k, (*index, row, column)))
                put(k, row, column + size, k.select(row.eq(column), one, zero))
            with k.loop(size) as step:
                best = k.var(step)
                with k.loop(step + 1, size) as row:
                    larger = abs(work.read(k, (row, step))) > abs(work.read(k, (best.get(), step)))
                    with k.if_(larger):
                        best.set(row)
                chosen = best.get()
                pivot = work.read(k, (chosen, step))
                with k.loop(2 * size) as column:
                    upper, lower = work.read(k, (step, column)), work.read(k, (chosen, column))
                    put(k, chosen, column, upper)
                    put(k, step, column, lower / pivot)
                with k.loop(size) as row, k.if_(row.ne(step)):
                    factor = work.read(k, (row, step))
                    with k.loop(2 * size) as column:
                        value = work.read(k, (row, column))
                        put(k, row, column, value - factor * work.read(k, (step, column)))
            with k.loop(size) as row, k.loop(size) as column:
                buffer, position = y.address(k, (*index, row, column))
                k.write(buffer, position, work.read(k, (row, column + size)))
        return y

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[[2, 0], [0, 4]], [[0, 1], [1, 0]]])
        yield Case(cls(), [x], [f32([[[0.5, 0], [0, 0.25]], [[0, 1], [1, 0]]])])
        yield Case(cls(), [x[:0]], [x[:0]])
        yield Case(cls(), [x[:, :1]], error="the rows and columns of X differ")
        yield Case(cls(), [x * 0], error="has no inverse")
