"""ConcatFromSequence: the elements of a sequence joined along an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import LikewiseError, UnsupportedError
from likewise.ir import SequenceType, TensorType, fresh
from likewise.ops.case import Case, f32
from likewise.ops.checks import element_type, normalize_axis
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import Lowering, TensorView


class ConcatFromSequence(Operator, versions=(11,)):
    """Joins along an `axis` that is there, or with `new_axis` along one that is inserted."""

    axis: int
    new_axis: bool = False
    on_narrow = "take"

    def infer(self, input_sequence: SequenceType) -> TensorType:
        element = element_type(input_sequence)
        if element.dims is None:
            return element
        dims = list(element.dims)
        axis = normalize_axis(self.axis, element.rank + self.new_axis)
        dims[axis : axis + (not self.new_axis)] = [fresh("concat")]
        return element.with_shape(dims)

    def evaluate(self, input_sequence: list[Array]) -> Array:
        if not input_sequence:
            raise LikewiseError("an empty sequence cannot be joined")
        if self.new_axis:
            return np.stack(input_sequence, self.axis)
        return np.concatenate(input_sequence, self.axis)

    def lower(self, lowering: Lowering, input_sequence: list[TensorView]) -> TensorView:
        if not input_sequence:
            raise UnsupportedError("an empty sequence cannot be joined")
        axis = self.axis % (input_sequence[0].rank + self.new_axis)
        if self.new_axis:
            input_sequence = [
                x.reshape((*x.shape[:axis], 1, *x.shape[axis:])) for x in input_sequence
            ]
        shapes = {(*x.shape[:axis], *x.shape[axis + 1 :]) for x in input_sequence}
        if len(shapes) > 1:
            raise UnsupportedError("the elements do not fit together", given=sorted(shapes))
        return lowering.concat(input_sequence, axis)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = [f32([[1, 2]]), f32([[3, 4]])]
        yield Case(cls(axis=0), [x], [f32([[1, 2], [3, 4]])])
        yield Case(cls(axis=-1), [x], [f32([[1, 2, 3, 4]])])
        yield Case(cls(axis=-1, new_axis=True), [x], [f32([[[1, 3], [2, 4]]])])
        yield Case(cls(axis=0), [[x[0], f32([[5, 6], [7, 8]])]], [f32([[1, 2], [5, 6], [7, 8]])])
        yield Case(cls(axis=2), [x], error="axis 2 is out of range; allowed: -2 to 1")
        yield Case(cls(axis=3, new_axis=True), [x], error="allowed: -3 to 2 for 3 dims")
