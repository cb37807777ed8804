"""Det: the determinant of square matrices."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.ops.case import Case, f16, f32, f64
from likewise.ops.checks import check_float, unify
from likewise.ops.convolution import working_dtype
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.loop import Value
    from likewise.lower import Lowering, TensorView


class Det(Operator, versions=(11, 22)):
    """[..., M, M] to [...]; 1 for no rows."""

    def infer(self, X: TensorType) -> TensorType:
        check_float(X, "X")
        if X.rank < 2:
            raise InferenceError("X is no matrix", given=X, allowed="2 dims or more")
        unify(X.shape[-2], X.shape[-1], "the rows and columns")
        return X.with_shape(X.shape[:-2])

    def evaluate(self, X: Array) -> Array:
        made = np.linalg.det(X.astype(working_dtype(X.dtype), copy=False))
        return np.asarray(made).astype(X.dtype, copy=False)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        """Gaussian elimination with the largest pivot of each column."""
        size, batch = x.shape[-1], x.shape[:-2]
        y = lowering.empty(x.dtype, batch)
        dtype = DType.FLOAT if x.dtype in {DType.FLOAT16, DType.BFLOAT16} else x.dtype
        x = lowering.settle(x)
        work = lowering.empty(dtype, (size, size))
        one = work.storage.value
        with lowering.kernel(f"{work.storage}_det") as k, ExitStack() as loops:
            index = tuple(loops.enter_context(k.loop(n)) for n in batch)

            def put(row: Value, column: Value, value: Value) -> None:
                buffer, position = work.address(k, (row, column))
                k.write(buffer, position, value)

            with k.loop(size) as row, k.loop(size) as column:
                put(row, column, x.read(k, (*index, row, column)))
            found = k.var(1.0, one)
            with k.loop(size) as step:
                best = k.var(step)
                with k.loop(step + 1, size) as row:
                    larger = abs(work.read(k, (row, step))) > abs(work.read(k, (best.get(), step)))
                    with k.if_(larger):
                        best.set(row)
                pivot_row = best.get()
                found.set(k.select(pivot_row.eq(step), found.get(), -found.get()))
                with k.loop(step, size) as column:
                    upper, lower = work.read(k, (step, column)), work.read(k, (pivot_row, column))
                    put(step, column, lower)
                    put(pivot_row, column, upper)
                pivot = work.read(k, (step, step))
                found.set(found.get() * pivot)
                with k.if_(pivot.ne(0)), k.loop(step + 1, size) as row:
                    factor = work.read(k, (row, step)) / pivot
                    with k.loop(step + 1, size) as column:
                        value = work.read(k, (row, column))
                        put(row, column, value - factor * work.read(k, (step, column)))
            buffer, position = y.address(k, index)
            k.write(buffer, position, found.get())
        return y

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f64([[3, 1], [2, 4]])
        yield Case(cls(), [x], [f64(10)], rtol=1e-15)
        yield Case(cls(), [f32([[[2, 0], [0, 3]], [[1, 2], [2, 4]]])], [f32([6, 0])])
        yield Case(cls(), [f16([[300, 0], [0, 200]])], [f16(60000)])
        yield Case(cls(), [np.zeros((2, 0, 0), np.float32)], [f32([1, 1])])
        yield Case(cls(), [x[:1]], error="the rows and columns differ; given: 1 and 2")
        yield Case(cls(), [x[0]], error="X is no matrix")
