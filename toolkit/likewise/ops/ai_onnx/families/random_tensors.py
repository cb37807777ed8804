"""RandomNormal, RandomUniform and their forms that take the shape of a tensor.

Numbers are drawn in float64 and rounded to the element type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import numpy as np

from likewise.errors import InferenceError, UnsupportedError
from likewise.ir import DType, TensorType
from likewise.ops.case import Case, f32, f64, i32
from likewise.ops.conversion import convert
from likewise.ops.operator import Operator
from likewise.ops.random_numbers import check_drawn, generator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import Lowering, TensorView


class _Drawn(Operator):
    """Base of the four."""

    deterministic = False
    seed: float | None = None

    def draw(self, source: np.random.RandomState, shape: tuple[int, ...]) -> Array:
        """Numbers of float64."""
        raise NotImplementedError

    def lower(self, lowering: Lowering, *inputs: TensorView) -> NoReturn:  # noqa: ARG002
        raise UnsupportedError("random numbers are not compiled")

    def _drawn(self, shape: tuple[int, ...], dtype: DType) -> Array:
        return convert(self.draw(generator(self.seed), shape), dtype)


class _OfShape(_Drawn):
    """The shape and the element type are attributes."""

    shape: tuple[int, ...]
    dtype: DType = DType.FLOAT

    def infer(self) -> TensorType:
        if any(dim < 0 for dim in self.shape):
            raise InferenceError("shape holds a negative size", given=list(self.shape))
        return TensorType(check_drawn(self.dtype), self.shape)

    def evaluate(self) -> Array:
        return self._drawn(self.shape, self.dtype)


class _LikeInput(_Drawn):
    """The shape is the input's, and so is the element type unless `dtype` is given."""

    dtype: DType | None = None

    def infer(self, x: TensorType) -> TensorType:
        return x.with_dtype(check_drawn(self.dtype or x.dtype))

    def evaluate(self, x: Array) -> Array:
        return self._drawn(x.shape, self.dtype or DType.of(x.dtype))


class RandomNormal(_OfShape, versions=(1, 22)):
    """Normally distributed numbers with `mean` and the standard deviation `scale`."""

    mean: float = 0.0
    scale: float = 1.0

    def draw(self, source: np.random.RandomState, shape: tuple[int, ...]) -> Array:
        return np.asarray(source.normal(self.mean, abs(self.scale), shape))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(shape=(2, 1), mean=3.0, scale=0.0), [], [f32([[3], [3]])])
        yield Case(cls(shape=()), [], [])
        yield Case(cls(shape=(2, -1)), [], error="shape holds a negative size; given: [2, -1]")
        yield Case(cls(shape=(2,), dtype=DType.INT32), [], error="no such element type")


class RandomNormalLike(_LikeInput, versions=(1, 22)):
    """RandomNormal with the shape of the input."""

    mean: float = 0.0
    scale: float = 1.0

    def draw(self, source: np.random.RandomState, shape: tuple[int, ...]) -> Array:
        return np.asarray(source.normal(self.mean, abs(self.scale), shape))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(mean=3.0, scale=0.0), [f64([7, 8])], [f64([3, 3])])
        three = cls(mean=3.0, scale=0.0, dtype=DType.FLOAT)
        yield Case(three, [i32([[7]])], [f32([[3]])])
        yield Case(cls(), [i32([7])], error="no such element type; given: int32")


class RandomUniform(_OfShape, versions=(1, 22)):
    """Numbers spread evenly from `low` up to `high`."""

    high: float = 1.0
    low: float = 0.0

    def draw(self, source: np.random.RandomState, shape: tuple[int, ...]) -> Array:
        return np.asarray(source.uniform(self.low, self.high, shape))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(shape=(2, 1), low=3.0, high=3.0), [], [f32([[3], [3]])])
        nothing = np.zeros((0, 2), np.float16)
        yield Case(cls(shape=(0, 2), dtype=DType.FLOAT16), [], [nothing])
        yield Case(cls(shape=(-2,)), [], error="shape holds a negative size")


class RandomUniformLike(_LikeInput, versions=(1, 22)):
    """RandomUniform with the shape of the input."""

    high: float = 1.0
    low: float = 0.0

    def draw(self, source: np.random.RandomState, shape: tuple[int, ...]) -> Array:
        return np.asarray(source.uniform(self.low, self.high, shape))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(low=3.0, high=3.0), [f32(7)], [f32(3)])
        yield Case(cls(), [i32([7])], error="no such element type; given: int32")
