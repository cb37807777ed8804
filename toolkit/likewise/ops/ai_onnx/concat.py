"""Concat: tensors laid one behind the other along an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.ir import fresh
from likewise.ops.case import Case, f32, f64, i64
from likewise.ops.checks import check_rank, check_same_dtype, normalize_axis, unify
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim, TensorType
    from likewise.lower import Lowering, TensorView
    from likewise.ops.build import OldForm


class Concat(Operator, versions=(1, 4, 11, 13)):
    """All inputs behind each other along `axis`; the other dims must be equal."""

    axis: int
    symbolic = True
    on_narrow = "take"

    def infer(self, first: TensorType, *rest: TensorType) -> TensorType:
        inputs = (first, *rest)
        check_same_dtype(**{f"inputs[{index}]": x for index, x in enumerate(inputs)})
        ranked = next((x for x in inputs if x.dims is not None), first)
        axis = normalize_axis(self.axis, ranked.rank)
        dims: list[Dim] = list(ranked.shape)
        dims[axis] = 0
        for index, x in enumerate(inputs):
            if x.dims is None:  # then it has the rank of the others
                dims[axis] += fresh("concat")
                continue
            check_rank(x, len(dims), f"inputs[{index}]")
            for i, (a, b) in enumerate(zip(dims, x.shape, strict=True)):
                dims[i] = a + b if i == axis else unify(a, b, f"dims {i} of the inputs")
        return first.with_shape(dims)

    def evaluate(self, *inputs: Array) -> Array:
        return inputs[0] if len(inputs) == 1 else np.concatenate(inputs, self.axis)

    def lower(self, lowering: Lowering, *inputs: TensorView) -> TensorView:
        if len(inputs) == 1:
            return inputs[0]
        return lowering.concat(inputs, self.axis % inputs[0].rank)

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        if old.opset < 4:
            old.attributes.setdefault("axis", 1)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        a, b = f32([[1, 2]]), f32([[3, 4], [5, 6]])
        yield Case(cls(axis=0), [a, b], [f32([[1, 2], [3, 4], [5, 6]])])
        yield Case(cls(axis=-1), [a, a, a], [f32([[1, 2, 1, 2, 1, 2]])])
        yield Case(cls(axis=0), [a], [a])
        yield Case(cls(axis=0), [i64([1]), np.zeros(0, np.int64)], [i64([1])])
        yield Case(cls(axis=1), [a, b], error="dims 0 of the inputs differ; given: 1 and 2")
        yield Case(cls(axis=0), [a, f32([1, 2])], error="inputs[1] has 1 dims")
        yield Case(cls(axis=0), [a, f64([[1, 2]])], error="types differ")
        yield Case(cls(axis=2), [a], error="axis 2 is out of range")
