"""Adagrad, Adam, Momentum: one step of training for any number of tensors.

The inputs after the learning rate R and the update count T are groups of equal size: the tensors,
their gradients, then what the method accumulates for each. The outputs are the new tensors, then
the new accumulated ones. R is taken in the element type of the tensors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType
from likewise.ops.case import Case, f32, f64, i64
from likewise.ops.checks import broadcast, check_dtype, check_same_dtype
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.ops.build import Builder

_FLOATS = frozenset({DType.FLOAT, DType.DOUBLE})


class Optimizer(Operator):
    """Base of the three; `groups` is how many inputs there are for each tensor."""

    groups: ClassVar[int]

    def infer(self, R: TensorType, T: TensorType, *inputs: TensorType) -> tuple[TensorType, ...]:
        check_dtype(R, _FLOATS, "R")
        check_dtype(T, {DType.INT64}, "T")
        count, rest = divmod(len(inputs), self.groups)
        if rest or not count:
            raise InferenceError(
                "the inputs do not come in groups of equal size",
                given=f"{len(inputs)} tensors",
                allowed=f"a multiple of {self.groups}",
            )
        for index in range(count):
            group = inputs[index::count]
            check_dtype(group[0], _FLOATS, "a tensor to be optimized")
            names = ("X", "gradient", "accumulated", "accumulated_squares")
            check_same_dtype(**dict(zip(names, group, strict=False)))
            broadcast(*(x.shape for x in group))
        kept = (*inputs[:count], *inputs[2 * count :])
        return tuple(x.with_shape(x.shape) for x in kept)

    def expand(self, b: Builder[V], R: V, T: V, *inputs: V) -> tuple[V, ...]:
        count = len(inputs) // self.groups
        made = [self.step(b, R, T, *inputs[index::count]) for index in range(count)]
        return tuple(x for group in zip(*made, strict=True) for x in group)

    def step(self, b: Builder[V], R: V, T: V, *group: V) -> Sequence[V]:
        """The new tensor and its new accumulated ones."""
        raise NotImplementedError


def _like(b: Builder[V], x: V, model: V) -> V:
    """`x` in the element type of `model`."""
    return b.Cast(x, to=b.type(model).dtype)


class Adagrad(Optimizer, versions=(1,)):
    """X - r G / (sqrt(H) + epsilon), H the sum of squared gradients, r = R / (1 + T decay)."""

    decay_factor: float = 0.0
    epsilon: float = 1e-6
    norm_coefficient: float = 0.0
    groups = 3

    def step(self, b: Builder[V], R: V, T: V, *group: V) -> Sequence[V]:
        x, gradient, squares = group
        rate = b.Div(_like(b, R, x), b.Add(b.Mul(_like(b, T, x), self.decay_factor), 1))
        gradient = b.Add(b.Mul(x, self.norm_coefficient), gradient)
        squares = b.Add(squares, b.Mul(gradient, gradient))
        move = b.Div(b.Mul(rate, gradient), b.Add(b.Sqrt(squares), self.epsilon))
        return b.Sub(x, move), squares

    @classmethod
    def cases(cls) -> Iterator[Case]:
        inputs = [f32(0.5), i64(1), f32([1, 2]), f32([3, -4]), f32([16, 9])]
        made = [f32([0.85, 2.2]), f32([25, 25])]
        yield Case(cls(decay_factor=1.0, epsilon=0.0), inputs, made, rtol=1e-6)
        plain = [f64(0.5), i64(0), f64([1]), f64([3]), f64([16])]
        yield Case(cls(epsilon=1.0), plain, [f64([0.75]), f64([25])])
        yield Case(cls(), inputs[:4], error="the inputs do not come in groups")
        yield Case(cls(), [*inputs[:4], f64([1, 2])], error="the element types differ")


class Adam(Optimizer, versions=(1,)):
    """X - r V / (sqrt(H) + epsilon), V and H running averages of the gradient and its square.

    r is R, from the second update on R sqrt(1 - beta^T) / (1 - alpha^T).
    """

    alpha: float = 0.9
    beta: float = 0.999
    epsilon: float = 1e-6
    norm_coefficient: float = 0.0
    norm_coefficient_post: float = 0.0
    groups = 4

    def step(self, b: Builder[V], R: V, T: V, *group: V) -> Sequence[V]:
        x, gradient, average, squares = group
        gradient = b.Add(b.Mul(x, self.norm_coefficient), gradient)
        average = b.Add(b.Mul(average, self.alpha), b.Mul(gradient, 1 - self.alpha))
        squared = b.Mul(gradient, gradient)
        squares = b.Add(b.Mul(squares, self.beta), b.Mul(squared, 1 - self.beta))
        move = b.Div(
            b.Mul(self._rate(b, _like(b, R, x), T), average),
            b.Add(b.Sqrt(squares), self.epsilon),
        )
        moved = b.Mul(b.Sub(x, move), 1 - self.norm_coefficient_post)
        return moved, average, squares

    def _rate(self, b: Builder[V], rate: V, T: V) -> V:
        dtype = b.type(rate).dtype
        count = _like(b, T, rate)
        first, second = (
            b.Sub(b.constant(1, dtype), b.Pow(b.constant(base, dtype), count))
            for base in (self.alpha, self.beta)
        )
        return b.Where(b.Greater(T, 0), b.Div(b.Mul(rate, b.Sqrt(second)), first), rate)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        adam = cls(alpha=0.5, beta=0.5, epsilon=0.0, norm_coefficient_post=0.5)
        group = [f32([4]), f32([2]), f32([4]), f32([28])]
        yield Case(adam, [f32(1), i64(0), *group], [f32([1.625]), f32([3]), f32([16])])
        made = [f32([2 - 0.375 * 2**0.5]), f32([3]), f32([16])]
        yield Case(adam, [f32(1), i64(1), *group], made, rtol=1e-6)
        yield Case(adam, [i64(1), i64(1), *group], error="R has an element type")


class Momentum(Optimizer, versions=(1,)):
    """X - R V, with V = alpha V + beta G; Nesterov's mode X - R (G + alpha V).

    beta counts as 1 in the first update (T = 0).
    """

    alpha: float
    beta: float
    mode: Literal["nesterov", "standard"]
    norm_coefficient: float
    groups = 3

    def step(self, b: Builder[V], R: V, T: V, *group: V) -> Sequence[V]:
        x, gradient, momentum = group
        dtype = b.type(x).dtype
        beta: Any = b.Where(b.Greater(T, 0), b.constant(self.beta, dtype), b.constant(1, dtype))
        gradient = b.Add(b.Mul(x, self.norm_coefficient), gradient)
        momentum = b.Add(b.Mul(momentum, self.alpha), b.Mul(beta, gradient))
        move = momentum
        if self.mode == "nesterov":
            move = b.Add(gradient, b.Mul(momentum, self.alpha))
        return b.Sub(x, b.Mul(_like(b, R, x), move)), momentum

    @classmethod
    def cases(cls) -> Iterator[Case]:
        group = [f32([4]), f32([2]), f32([8])]
        settings: dict[str, Any] = {"alpha": 0.5, "beta": 2.0, "norm_coefficient": 0.0}
        standard, nesterov = cls(mode="standard", **settings), cls(mode="nesterov", **settings)
        yield Case(standard, [f32(0.5), i64(1), *group], [f32([0]), f32([8])])
        yield Case(standard, [f32(0.5), i64(0), *group], [f32([1]), f32([6])])
        yield Case(nesterov, [f32(0.5), i64(1), *group], [f32([1]), f32([8])])
        both = [x for x in group for _ in range(2)]
        made = [f32([0]), f32([0]), f32([8]), f32([8])]
        two = cls(mode="standard", wanted=4, **settings)
        yield Case(two, [f32(0.5), i64(1), *both], made)
        yield Case(two, [f32(0.5), i64(1), *both[:4]], error="do not come in groups")
