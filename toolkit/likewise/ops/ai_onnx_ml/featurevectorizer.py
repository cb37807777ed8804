"""FeatureVectorizer: features side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import unify
from likewise.ops.operator import Operator
from likewise.ops.scores import batch_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim
    from likewise.lower import Lowering, TensorView


class FeatureVectorizer(Operator, versions=(1,)):
    """The inputs, [N, C] each ([C]: one row), joined along the columns as float32.

    `inputdimensions` are their numbers of columns: more are cut, fewer filled up with zeros.
    """

    inputdimensions: tuple[int, ...] | None = None

    def infer(self, first: TensorType, *others: TensorType) -> TensorType:
        inputs = (first, *others)
        if self.inputdimensions is not None and len(self.inputdimensions) != len(inputs):
            raise InferenceError(
                "inputdimensions does not fit the inputs",
                given=f"{len(self.inputdimensions)} for {len(inputs)} inputs",
            )
        batch = batch_of(first)
        columns: Dim = 0
        for index, x in enumerate(inputs):
            batch = unify(batch, batch_of(x), "the numbers of rows")
            wanted = self.inputdimensions
            columns = columns + (wanted[index] if wanted is not None else x.shape[-1])
        return TensorType(DType.FLOAT, (batch, columns))

    def evaluate(self, *inputs: Array) -> Array:
        rows = [x.reshape(1, -1) if x.ndim == 1 else x for x in inputs]
        sizes = self.inputdimensions or tuple(x.shape[1] for x in rows)
        made = np.zeros((len(rows[0]), sum(sizes)), np.float32)
        start = 0
        for x, size in zip(rows, sizes, strict=True):
            taken = x[:, :size]
            made[:, start : start + taken.shape[1]] = taken
            start += size
        return made

    def lower(self, lowering: Lowering, *inputs: TensorView) -> TensorView:
        rows = [x.reshape((1, x.size)) if x.rank == 1 else x for x in inputs]
        sizes = self.inputdimensions or tuple(x.shape[1] for x in rows)
        batch = rows[0].shape[0]
        parts = []
        for x, size in zip(rows, sizes, strict=True):
            taken = min(size, x.shape[1])
            parts.append(lowering.cast(x.slice((0, 0), (1, 1), (batch, taken)), DType.FLOAT))
            parts.append(lowering.constant(np.zeros((batch, size - taken), np.float32)))
        return lowering.concat([one for one in parts if one.shape[1]] or parts[:1], 1)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x, y = f32([[1, 2, 3], [4, 5, 6]]), i64([[7], [8]])
        joined = f32([[1, 2, 3, 7], [4, 5, 6, 8]])
        yield Case(cls(), [x, y], [joined])
        yield Case(cls(inputdimensions=(3, 1)), [x, y], [joined])
        other = f32([[1, 2, 7, 0], [4, 5, 8, 0]])
        yield Case(cls(inputdimensions=(2, 2)), [x, y], [other])
        yield Case(cls(), [x[0], y[0]], [f32([[1, 2, 3, 7]])])
        yield Case(cls(), [x, y[:1]], error="the numbers of rows differ")
        yield Case(cls(inputdimensions=(2,)), [x, y], error="1 for 2 inputs")
