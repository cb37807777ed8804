"""LinearClassifier: the class with the largest weighted sum of features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType
from likewise.ops.case import Case, f32, i64, strings
from likewise.ops.checks import unify
from likewise.ops.operator import Operator
from likewise.ops.score_loops import (
    best_label,
    chosen_label,
    feature_rows,
    logistic_view,
    transformed,
)
from likewise.ops.scores import PostTransform, as_rows, batch_of, labels_of, logistic, transform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import Lowering, TensorView


class LinearClassifier(Operator, versions=(1,)):
    """The label [N] of the largest score, and the scores [N, classes].

    One row of coefficients for two labels tells them apart by sign (ONNX is silent; this is what
    onnxruntime does): p > 0 is the second label; the scores are 1 - p and p, after LOGISTIC
    1 - f(p) and f(p); SOFTMAX and SOFTMAX_ZERO leave them so.
    """

    classlabels_ints: tuple[int, ...] | None = None
    classlabels_strings: tuple[str, ...] | None = None
    coefficients: tuple[float, ...]
    intercepts: tuple[float, ...] | None = None
    multi_class: int = 0
    post_transform: PostTransform = "NONE"

    def infer(self, x: TensorType) -> tuple[TensorType, TensorType]:
        batch = batch_of(x)
        labels, dtype = labels_of(self.classlabels_strings, self.classlabels_ints)
        rows = self._rows(len(labels))
        if len(self.coefficients) % rows:
            raise InferenceError(
                "coefficients does not fit the classes",
                given=f"{len(self.coefficients)} for {rows} rows",
            )
        unify(x.shape[-1], len(self.coefficients) // rows, "features and coefficients")
        return TensorType(dtype, (batch,)), TensorType(DType.FLOAT, (batch, len(labels)))

    def _rows(self, labels: int) -> int:
        """How many rows of coefficients there are: as many as intercepts, else as labels."""
        rows = len(self.intercepts or ()) or labels
        if rows not in {labels, 1 if labels == 2 else labels}:
            raise InferenceError(
                "intercepts does not fit the classes",
                given=f"{rows} for {labels} labels",
            )
        return rows

    def evaluate(self, x: Array) -> tuple[Array, Array]:
        rows = as_rows(x)
        labels, _ = labels_of(self.classlabels_strings, self.classlabels_ints)
        count = self._rows(len(labels))
        weights = np.array(self.coefficients, rows.dtype).reshape(count, -1)
        scores = rows @ weights.T
        if self.intercepts:
            scores = scores + np.array(self.intercepts, rows.dtype)
        if count == len(labels):
            return labels[scores.argmax(1)], transform(scores, self.post_transform)
        chosen = labels[(scores[:, 0] > 0).astype(np.int64)]
        kind = self.post_transform
        if kind == "LOGISTIC":
            scores = logistic(scores)
        both = np.concatenate([1 - scores, scores], 1)
        return chosen, transform(both, kind if kind == "PROBIT" else "NONE")

    def lower(self, lowering: Lowering, x: TensorView) -> tuple[TensorView, TensorView]:
        rows, kind = feature_rows(lowering, x), self.post_transform
        work = rows.dtype.numpy
        labels, _ = labels_of(self.classlabels_strings, self.classlabels_ints)
        count = self._rows(len(labels))
        weights = np.array(self.coefficients, work).reshape(count, -1)
        scores = lowering.matmul(rows, lowering.constant(np.ascontiguousarray(weights.T)))
        if self.intercepts:
            more = lowering.constant(np.array(self.intercepts, work))
            scores = lowering.elementwise(lambda _, a, b: a + b, rows.dtype, scores, more)
        scores = lowering.materialise(scores)
        if count == len(labels):
            return best_label(lowering, scores, labels), transformed(lowering, scores, kind)
        second = lowering.elementwise(lambda _, v: v > 0.0, DType.BOOL, scores)
        chosen = chosen_label(lowering, second.reshape((rows.shape[0],)), labels)
        if kind == "LOGISTIC":
            scores = lowering.materialise(logistic_view(lowering, scores))
        first = lowering.elementwise(lambda _, v: 1.0 - v, scores.dtype, scores)
        both = lowering.concat([first, scores], 1)
        return chosen, transformed(lowering, both, kind if kind == "PROBIT" else "NONE")

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 0], [0, 1]])
        three = cls(
            classlabels_strings=("a", "b", "c"),
            coefficients=(1.0, 0.0, 0.5, 2.0, 0.0, 0.0),
            intercepts=(0.0, 0.0, 0.5),
        )
        made = f32([[1, 0.5, 0.5], [0, 2, 0.5]])
        yield Case(three, [x], [strings(["a", "b"]), made])
        two = cls(classlabels_ints=(4, 7), coefficients=(0.25, -1.0), intercepts=(0.0,))
        yield Case(two, [x], [i64([7, 4]), f32([[0.75, 0.25], [2, -1]])])
        curve = cls(
            classlabels_ints=(4, 7),
            coefficients=(0.0, 0.0),
            intercepts=(0.0,),
            post_transform="LOGISTIC",
        )
        yield Case(curve, [x], [i64([4, 4]), f32([[0.5, 0.5]] * 2)])
        yield Case(three, [x[:, :1]], error="features and coefficients differ; given: 1 and 2")
        yield Case(cls(coefficients=(1.0,)), [x], error="one of the two lists of class labels")
