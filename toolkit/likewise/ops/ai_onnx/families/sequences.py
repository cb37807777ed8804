"""Sequences: made, read, changed. A sequence is a list of arrays, never changed in place."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError, LikewiseError, UnsupportedError
from likewise.ir import DType, SequenceType, TensorType, Type
from likewise.ops.case import Case, f32, i32, i64
from likewise.ops.checks import check_dtype, element_type, join, without_content
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import Lowering, TensorView


class SequenceConstruct(Operator, versions=(11,)):
    """The sequence of the inputs, which have one element type."""

    on_narrow = "take"

    def infer(self, tensor: TensorType, *inputs: TensorType) -> SequenceType:
        types = [without_content(x) for x in (tensor, *inputs)]
        return SequenceType(reduce(lambda a, b: join(a, b, "the inputs"), types))

    def evaluate(self, *inputs: Array) -> list[Array]:
        return list(inputs)

    def lower(self, _: Lowering, *inputs: TensorView) -> list[TensorView]:
        return list(inputs)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([1]), f32([2, 3])], [[f32([1]), f32([2, 3])]])
        yield Case(cls(), [f32(1), i64(2)], error="the element types of the inputs differ")


class SequenceEmpty(Operator, versions=(11,)):
    """A sequence with no elements, of type `dtype`."""

    dtype: DType = DType.FLOAT
    on_narrow = "take"

    def infer(self) -> SequenceType:
        return SequenceType(TensorType(self.dtype, None))

    def evaluate(self) -> list[Array]:
        return []

    def lower(self, _: Lowering) -> list[TensorView]:
        return []

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(dtype=DType.INT64), [], [[]])


class SequenceAt(Operator, versions=(11,)):
    """The element at `position`, counted from the back where negative."""

    on_narrow = "take"

    def infer(self, input_sequence: SequenceType, position: TensorType) -> TensorType:
        check_position(position)
        return element_type(input_sequence)

    def evaluate(self, input_sequence: list[Array], position: Array) -> Array:
        return input_sequence[index_of(position, len(input_sequence))]

    def lower(
        self, _: Lowering, input_sequence: list[TensorView], position: TensorView
    ) -> TensorView:
        return input_sequence[index_of(known(position), len(input_sequence))]

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = [f32([1]), f32([2, 3])]
        yield Case(cls(), [x, i64(0)], [f32([1])])
        yield Case(cls(), [x, i32(-1)], [f32([2, 3])])
        yield Case(cls(), [x, i64(2)], error="position is out of range; given: 2; allowed: -2 to 1")
        yield Case(cls(), [x, f32(0)], error="position has an element type")
        yield Case(cls(), [x[0], i64(0)], error="input_sequence is not a sequence")


class SequenceInsert(Operator, versions=(11,)):
    """The sequence with `tensor` put before the element at `position`, or at the end."""

    on_narrow = "take"

    def infer(
        self,
        input_sequence: SequenceType,
        tensor: TensorType,
        position: TensorType | None = None,
    ) -> SequenceType:
        check_sequence(input_sequence)
        check_position(position)
        inside, new = input_sequence.element, without_content(tensor)
        return SequenceType(new if inside is None else join(inside, new, "sequence and tensor"))

    def evaluate(
        self, input_sequence: list[Array], tensor: Array, position: Array | None = None
    ) -> list[Array]:
        there = len(input_sequence)
        index = there if position is None else index_of(position, there, there)
        return [*input_sequence[:index], tensor, *input_sequence[index:]]

    def lower(
        self,
        _: Lowering,
        input_sequence: list[TensorView],
        tensor: TensorView,
        position: TensorView | None = None,
    ) -> list[TensorView]:
        there = len(input_sequence)
        index = there if position is None else index_of(known(position), there, there)
        return [*input_sequence[:index], tensor, *input_sequence[index:]]

    @classmethod
    def cases(cls) -> Iterator[Case]:
        a, b, c = f32([1]), f32([2, 3]), f32([4])
        yield Case(cls(), [[a, b], c], [[a, b, c]])
        yield Case(cls(), [[a, b], c, i64(-1)], [[a, c, b]])
        yield Case(cls(), [[a, b], c, i64(2)], [[a, b, c]])
        yield Case(cls(), [[a, b], c, i64(-2)], [[c, a, b]])
        yield Case(cls(), [[], c], [[c]])
        yield Case(cls(), [[a, b], c, i64(3)], error="out of range; given: 3; allowed: -2 to 2")
        yield Case(cls(), [[a, b], i64(1)], error="element types of sequence and tensor differ")


class SequenceErase(Operator, versions=(11,)):
    """The sequence without the element at `position`, or without its last."""

    on_narrow = "take"

    def infer(
        self, input_sequence: SequenceType, position: TensorType | None = None
    ) -> SequenceType:
        check_sequence(input_sequence)
        check_position(position)
        return input_sequence

    def evaluate(self, input_sequence: list[Array], position: Array | None = None) -> list[Array]:
        last = np.array(-1) if position is None else position
        index = index_of(last, len(input_sequence))
        return [*input_sequence[:index], *input_sequence[index + 1 :]]

    def lower(
        self, _: Lowering, input_sequence: list[TensorView], position: TensorView | None = None
    ) -> list[TensorView]:
        last = np.array(-1) if position is None else known(position)
        index = index_of(last, len(input_sequence))
        return [*input_sequence[:index], *input_sequence[index + 1 :]]

    @classmethod
    def cases(cls) -> Iterator[Case]:
        a, b, c = f32([1]), f32([2, 3]), f32([4])
        yield Case(cls(), [[a, b, c]], [[a, b]])
        yield Case(cls(), [[a, b, c], i64(-3)], [[b, c]])
        yield Case(cls(), [[]], error="position is out of range; given: -1; allowed: none")


class SequenceLength(Operator, versions=(11,)):
    """The number of elements."""

    on_narrow = "take"

    def infer(self, input_sequence: SequenceType) -> TensorType:
        check_sequence(input_sequence)
        return TensorType(DType.INT64, ())

    def evaluate(self, input_sequence: list[Array]) -> Array:
        return np.array(len(input_sequence), np.int64)

    def lower(self, lowering: Lowering, input_sequence: list[TensorView]) -> TensorView:
        return lowering.constant(np.array(len(input_sequence), np.int64))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [[f32([1]), f32([2, 3])]], [i64(2)])
        yield Case(cls(), [[]], [i64(0)])


def check_sequence(x: Type) -> None:
    """Refuse what is not a sequence."""
    if not isinstance(x, SequenceType):
        raise InferenceError("input_sequence is not a sequence", given=x)


def check_position(position: TensorType | None) -> None:
    """Refuse a position that is not int32 or int64."""
    if position is not None:
        check_dtype(position, {DType.INT32, DType.INT64}, "position")


def known(position: TensorView) -> Array:
    """A position that compiled code knows when it is made; any other is refused."""
    if position.data is None:
        raise UnsupportedError("which element of the sequence is meant depends on data")
    return position.data


def index_of(position: Array, there: int, last: int | None = None) -> int:
    """`position` among `there` elements, counted from the front; `last` is the largest allowed."""
    index, last = int(position.item()), there - 1 if last is None else last
    if not -there <= index <= last:
        allowed = f"{-there} to {last}" if there or last >= 0 else "none: the sequence is empty"
        raise LikewiseError("position is out of range", given=index, allowed=allowed)
    return index + there if index < 0 else index
