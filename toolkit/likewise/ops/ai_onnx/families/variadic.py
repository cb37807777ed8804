"""Max, Min, Sum, Mean of any number of tensors, element by element, with broadcasting."""

from __future__ import annotations

from functools import partial, reduce
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, maximum, minimum
from likewise.ops.case import Case, f16, f32, i32, i64, u8
from likewise.ops.checks import FLOATS, NUMBERS, broadcast, check_dtype, check_same_dtype
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from likewise.ir import Array, TensorType
    from likewise.loop.values import Value
    from likewise.lower import Kernel, Lowering, TensorView
    from likewise.ops.build import Builder, OldForm


class Variadic(Operator):
    """Base: one input or more, all of one type, which the output has too."""

    takes: ClassVar[Collection[DType]] = FLOATS

    def infer(self, *inputs: TensorType) -> TensorType:
        if not inputs or any(x is None for x in inputs):
            raise InferenceError("an input is missing", allowed="one input or more")
        check_dtype(inputs[0], self.takes, "input 0")
        check_same_dtype(**{f"input {index}": x for index, x in enumerate(inputs)})
        return inputs[0].with_shape(broadcast(*(x.shape for x in inputs)))

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        old.attributes.pop("consumed_inputs", None)


class Extreme(Variadic):
    """Base of Max and Min: NaN wins over every number. Of two inputs they are primitives."""

    takes = NUMBERS
    symbolic = True
    compute: ClassVar[np.ufunc]
    of_dims: ClassVar[np.ufunc]

    def evaluate(self, *inputs: Array) -> Array:
        if any(x.dtype == object for x in inputs):
            return np.asarray(reduce(self.of_dims, inputs), object)
        return reduce(self.compute, inputs)

    def lower(self, lowering: Lowering, *inputs: TensorView) -> TensorView:
        def compute(k: Kernel, *values: Value) -> Value:
            return reduce(partial(self.scalar, k), values)

        return lowering.elementwise(compute, inputs[0].dtype, *inputs, exact=True)

    @staticmethod
    def scalar(k: Kernel, a: Value, b: Value) -> Value:
        """The more extreme of two elements."""
        raise NotImplementedError


class Max(Extreme, versions=(1, 6, 8, 12, 13)):
    """The largest."""

    compute = np.maximum
    of_dims = np.frompyfunc(maximum, 2, 1)

    @staticmethod
    def scalar(k: Kernel, a: Value, b: Value) -> Value:
        return k.max(a, b)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([1, np.nan, -np.inf])
        yield Case(cls(), [x, f32([[0], [2]])], [f32([[1, np.nan, 0], [2, np.nan, 2]])])
        yield Case(cls(), [i64([1, 9]), i64([3, 3]), i64(5)], [i64([5, 9])])
        yield Case(cls(), [x], [x])
        yield Case(cls(), [x, i64([1])], error="types differ; given: input 0 float, input 1 int64")
        yield Case(cls(), [x, f32([1, 2])], error="do not broadcast")


class Min(Extreme, versions=(1, 6, 8, 12, 13)):
    """The least."""

    compute = np.minimum
    of_dims = np.frompyfunc(minimum, 2, 1)

    @staticmethod
    def scalar(k: Kernel, a: Value, b: Value) -> Value:
        return k.min(a, b)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([1, np.nan, 3]), f32(2)], [f32([1, np.nan, 2])])
        yield Case(cls(), [u8([1, 255]), u8([[3]]), u8(7)], [u8([[1, 3]])])


class Sum(Variadic, versions=(1, 6, 8, 13)):
    """The sum, from the first input to the last; float16 and bfloat16 are rounded once."""

    def expand(self, b: Builder[V], *inputs: V) -> V:
        return _rounded_once(b, inputs, lambda wide: reduce(b.Add, wide))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([1, 2]), f32([[1], [5]]), f32(1)], [f32([[3, 4], [7, 8]])])
        yield Case(cls(), [f16([1, 2])], [f16([1, 2])])
        yield Case(cls(), [f16([2048]), f16([1]), f16([1])], [f16([2050])])
        yield Case(cls(), [i32([1])], error="input 0 has an element type")


class Mean(Variadic, versions=(1, 6, 8, 13)):
    """The sum divided by the number of inputs; float16 and bfloat16 are rounded once."""

    def expand(self, b: Builder[V], *inputs: V) -> V:
        return _rounded_once(b, inputs, lambda wide: b.Div(reduce(b.Add, wide), len(wide)))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([1, 2]), f32([[3], [6]])], [f32([[2, 2.5], [3.5, 4]])])
        yield Case(cls(), [f32([1, 2])], [f32([1, 2])])


def _rounded_once(b: Builder[V], inputs: Sequence[V], compute: Callable[[list[V]], V]) -> V:
    """What `compute` makes of several inputs, in float32 where their element type is narrower."""
    dtype = b.type(inputs[0]).dtype
    if len(inputs) == 1:
        made: V = b.Identity(inputs[0])
    elif dtype in (DType.FLOAT16, DType.BFLOAT16):
        made = b.Cast(compute([b.Cast(x, to=DType.FLOAT) for x in inputs]), to=dtype)
    else:
        made = compute(list(inputs))
    return made
