"""SVMRegressor: support vector regression, and telling outliers apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType
from likewise.ops.case import Case, f32
from likewise.ops.checks import unify
from likewise.ops.kernels import KernelType, kernel, kernel_view, parameters
from likewise.ops.operator import Operator
from likewise.ops.score_loops import feature_rows, transformed
from likewise.ops.scores import PostTransform, batch_of, transform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.loop import Value
    from likewise.lower import Kernel, Lowering, TensorView


class SVMRegressor(Operator, versions=(1,)):
    """[N, F] → [N, 1]: the support vectors' kernels times their coefficients, plus rho.

    Without support vectors the coefficients weigh the features. `one_class` gives 1 where the
    result is positive and -1 elsewhere.
    """

    coefficients: tuple[float, ...]
    kernel_params: tuple[float, ...] | None = None
    kernel_type: KernelType = "LINEAR"
    n_supports: int = 0
    one_class: bool = False
    post_transform: PostTransform = "NONE"
    rho: tuple[float, ...]
    support_vectors: tuple[float, ...] | None = None

    def infer(self, x: TensorType) -> TensorType:
        batch = batch_of(x)
        parameters(self.kernel_params)
        vectors = self._vectors()
        if len(self.rho) != 1 or (self.n_supports and len(self.coefficients) != self.n_supports):
            raise InferenceError(
                "rho or coefficients does not fit the support vectors",
                given=f"{len(self.rho)} and {len(self.coefficients)}",
                allowed=f"1 and {self.n_supports or 'one a feature'}",
            )
        unify(x.shape[-1], vectors.shape[1], "the features and the support vectors' length")
        return TensorType(DType.FLOAT, (batch, 1))

    def _vectors(self) -> Array:
        """The support vectors; without any, the coefficients as the one that there is."""
        if self.n_supports <= 0:
            return np.array([self.coefficients], np.float64)
        values = np.array(self.support_vectors or (), np.float64)
        if not values.size or values.size % self.n_supports:
            raise InferenceError(
                "support_vectors does not fit n_supports",
                given=f"{values.size} numbers for {self.n_supports} vectors",
            )
        return values.reshape(self.n_supports, -1)

    def evaluate(self, x: Array) -> Array:
        rows = (x.reshape(1, -1) if x.ndim == 1 else x).astype(np.float64)
        vectors = self._vectors()
        if self.n_supports > 0:
            alike = kernel(self.kernel_type, rows, vectors, parameters(self.kernel_params))
            made = alike @ np.array(self.coefficients, np.float64)
        else:
            made = rows @ vectors[0]
        made = made[:, None] + self.rho[0]
        if self.one_class:
            return np.where(made > 0, 1, -1).astype(np.float32)
        return transform(made, self.post_transform)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        rows = lowering.materialise(feature_rows(lowering, x, DType.DOUBLE))
        vectors = self._vectors()
        weights = vectors.T
        if self.n_supports > 0:
            settings = parameters(self.kernel_params)
            rows = kernel_view(lowering, self.kernel_type, rows, vectors, settings)
            weights = np.array([self.coefficients], np.float64).T
        made = lowering.matmul(rows, lowering.constant(np.ascontiguousarray(weights)))
        rho = self.rho[0]
        if not self.one_class:
            moved = lowering.elementwise(lambda _, v: v + rho, DType.DOUBLE, made)
            return transformed(lowering, moved, self.post_transform)

        def side(k: Kernel, value: Value) -> Value:
            return k.select(value + rho > 0.0, k.const(1.0, value.type), -1.0)

        return lowering.cast(lowering.elementwise(side, DType.DOUBLE, made), DType.FLOAT)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 2], [3, -4]])
        linear = cls(coefficients=(0.5, 0.25), rho=(1.0,))
        yield Case(linear, [x], [f32([[2], [1.5]])])
        square = cls(
            coefficients=(2.0, -1.0),
            kernel_params=(1.0, 1.0, 2.0),
            kernel_type="POLY",
            n_supports=2,
            rho=(0.5,),
            support_vectors=(1.0, 0.0, 0.0, 1.0),
        )
        yield Case(square, [x], [f32([[-0.5], [23.5]])])
        sides = cls(coefficients=(0.0, 1.0), one_class=True, rho=(1.0,))
        yield Case(sides, [x], [f32([[1], [-1]])])
        yield Case(linear, [x[:, :1]], error="support vectors' length differ; given: 1 and 2")
        lost = cls(coefficients=(2.0, -1.0), n_supports=2, rho=(0.5,))
        yield Case(lost, [x], error="support_vectors does not fit n_supports")
