"""Concat: tensors one behind the other along an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_rank, check_same_dtype, normalize_axis, unify
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim, TensorType
    from likewise.ops.build import OldForm


class Concat(Operator, versions=(1, 4, 11, 13)):
    """Joins the inputs along `axis`; all other dims are equal."""

    axis: int
    symbolic = True

    def infer(self, *inputs: TensorType) -> TensorType:
        if not inputs:
            raise InferenceError("there is nothing to join", allowed="one input or more")
        check_same_dtype(**{f"input {index}": x for index, x in enumerate(inputs)})
        rank = inputs[0].rank
        axis = normalize_axis(self.axis, rank)
        shape: list[Dim] = list(inputs[0].shape)
        for index, x in enumerate(inputs[1:], 1):
            check_rank(x, rank, f"input {index}")
            for at, dim in enumerate(x.shape):
                if at == axis:
                    shape[at] = shape[at] + dim
                else:
                    shape[at] = unify(shape[at], dim, f"the dims {at} of inputs 0 and {index}")
        return inputs[0].with_shape(shape)

    def evaluate(self, *inputs: Array) -> Array:
        return np.concatenate(inputs, self.axis)

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        if old.opset < 4:  # noqa: PLR2004 — there the axis had a default
            old.attributes.setdefault("axis", 1)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x, y = f32([[1, 2]]), f32([[3, 4], [5, 6]])
        yield Case(cls(axis=0), [x, y], [f32([[1, 2], [3, 4], [5, 6]])])
        yield Case(cls(axis=-1), [x, x], [f32([[1, 2, 1, 2]])])
        yield Case(cls(axis=0), [i64([1])], [i64([1])])
        yield Case(cls(axis=0), [x, x[:0]], [x])
        yield Case(cls(axis=1), [x, y], error="the dims 0 of inputs 0 and 1 differ")
        yield Case(cls(axis=2), [x, y], error="axis 2 is out of range")
