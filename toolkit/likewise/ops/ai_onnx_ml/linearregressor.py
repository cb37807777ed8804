"""LinearRegressor: weighted sums of features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import unify
from likewise.ops.operator import Operator
from likewise.ops.score_loops import feature_rows, transformed
from likewise.ops.scores import PostTransform, as_rows, batch_of, transform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import Lowering, TensorView


class LinearRegressor(Operator, versions=(1,)):
    """X times the coefficients of each target plus its intercept, [N, targets] in float32."""

    coefficients: tuple[float, ...]
    intercepts: tuple[float, ...] | None = None
    post_transform: PostTransform = "NONE"
    targets: int = 1

    def infer(self, x: TensorType) -> TensorType:
        batch = batch_of(x)
        if self.targets < 1 or len(self.coefficients) % self.targets:
            raise InferenceError(
                "coefficients does not fit the targets",
                given=f"{len(self.coefficients)} for {self.targets} targets",
            )
        if self.intercepts and len(self.intercepts) != self.targets:
            raise InferenceError(
                "intercepts does not fit the targets",
                given=f"{len(self.intercepts)} for {self.targets} targets",
            )
        unify(x.shape[-1], len(self.coefficients) // self.targets, "features and coefficients")
        return TensorType(DType.FLOAT, (batch, self.targets))

    def evaluate(self, x: Array) -> Array:
        rows = as_rows(x)
        weights = np.array(self.coefficients, rows.dtype).reshape(self.targets, -1)
        made = rows @ weights.T
        if self.intercepts:
            made = made + np.array(self.intercepts, rows.dtype)
        return transform(made, self.post_transform)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        rows = feature_rows(lowering, x)
        work = rows.dtype.numpy
        weights = np.array(self.coefficients, work).reshape(self.targets, -1)
        made = lowering.matmul(rows, lowering.constant(np.ascontiguousarray(weights.T)))
        if self.intercepts:
            more = lowering.constant(np.array(self.intercepts, work))
            made = lowering.elementwise(lambda _, a, b: a + b, rows.dtype, made, more)
        return transformed(lowering, made, self.post_transform)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 2], [3, -4]])
        two = cls(coefficients=(0.5, 0.25, -1.0, 1.0), intercepts=(0.5, 1.0), targets=2)
        yield Case(two, [x], [f32([[1.5, 2], [1, -6]])])
        yield Case(cls(coefficients=(0.5, 0.25)), [i64([2, 4])], [f32([[2]])])
        soft = cls(coefficients=(0.0,) * 4, targets=2, post_transform="SOFTMAX")
        yield Case(soft, [x], [f32([[0.5, 0.5]] * 2)])
        curve = cls(coefficients=(0.0,) * 2, post_transform="LOGISTIC")
        yield Case(curve, [x], [f32([[0.5]] * 2)])
        yield Case(cls(coefficients=(1.0,) * 3), [x], error="features and coefficients differ")
        wrong = cls(coefficients=(1.0,) * 3, targets=2)
        yield Case(wrong, [x], error="coefficients does not fit the targets; given: 3 for 2")
