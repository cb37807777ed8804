"""SVMClassifier: support vector machines for each pair of classes, which vote."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType
from likewise.ops.case import Case, f32, i64, strings
from likewise.ops.checks import unify
from likewise.ops.kernels import KernelType, coupled_view, kernel, kernel_view, parameters
from likewise.ops.operator import Operator
from likewise.ops.score_loops import best_label, feature_rows, logistic_view, transformed
from likewise.ops.scores import PostTransform, batch_of, labels_of, logistic, transform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.loop import Value
    from likewise.lower import Kernel, Lowering, TensorView


class SVMClassifier(Operator, versions=(1,)):
    """The label [N] and the scores in float32.

    With `vectors_per_class` there is a machine for each pair of classes, and the class with most
    votes wins, the first of equals; with `prob_a` and `prob_b` the scores are probabilities
    [N, classes]. Without support vectors each class has a row of coefficients.

    What ONNX leaves open is as in onnxruntime: without probabilities the scores are those of the
    machines, [N, pairs]; a single one, s, gives -s and s, after LOGISTIC 1 - f(s) and f(s), and
    1 - s and s with SOFTMAX and SOFTMAX_ZERO.
    """

    classlabels_ints: tuple[int, ...] | None = None
    classlabels_strings: tuple[str, ...] | None = None
    coefficients: tuple[float, ...]
    kernel_params: tuple[float, ...] | None = None
    kernel_type: KernelType = "LINEAR"
    post_transform: PostTransform = "NONE"
    prob_a: tuple[float, ...] | None = None
    prob_b: tuple[float, ...] | None = None
    rho: tuple[float, ...]
    support_vectors: tuple[float, ...] | None = None
    vectors_per_class: tuple[int, ...] | None = None

    def infer(self, x: TensorType) -> tuple[TensorType, TensorType]:
        batch = batch_of(x)
        labels, dtype = labels_of(self.classlabels_strings, self.classlabels_ints)
        count = len(labels)
        parameters(self.kernel_params)
        table = self._table(count)
        unify(x.shape[-1], table.shape[1], "the features and the vectors' length")
        scores = count
        if self.vectors_per_class:
            pairs = count * (count - 1) // 2
            self._check(count, pairs)
            scores = count if self.prob_a or pairs == 1 else pairs
        return TensorType(dtype, (batch,)), TensorType(DType.FLOAT, (batch, scores))

    def _check(self, classes: int, pairs: int) -> None:
        vectors = sum(self.vectors_per_class or ())
        for name, given, allowed in (
            ("vectors_per_class", len(self.vectors_per_class or ()), classes),
            ("coefficients", len(self.coefficients), vectors * (classes - 1)),
            ("rho", len(self.rho), pairs),
            ("prob_a", len(self.prob_a or ()), pairs if self.prob_a else 0),
            ("prob_b", len(self.prob_b or ()), pairs if self.prob_a else 0),
        ):
            if given != allowed:
                raise InferenceError(f"{name} has a wrong length", given=given, allowed=allowed)

    def _table(self, classes: int) -> Array:
        """The support vectors, or the rows of coefficients where there are none."""
        vectors = sum(self.vectors_per_class or ())
        values = np.array(
            (self.support_vectors or ()) if vectors else self.coefficients, np.float64
        )
        rows = vectors or classes
        if not values.size or values.size % rows:
            raise InferenceError(
                "support_vectors or coefficients does not fit",
                given=f"{values.size} numbers",
                allowed=f"a multiple of {rows}",
            )
        return values.reshape(rows, -1)

    def evaluate(self, x: Array) -> tuple[Array, Array]:
        rows = (x.reshape(1, -1) if x.ndim == 1 else x).astype(np.float64)
        labels, _ = labels_of(self.classlabels_strings, self.classlabels_ints)
        table = self._table(len(labels))
        if not self.vectors_per_class:
            scores = rows @ table.T + self.rho[0]
            return labels[scores.argmax(1)], transform(scores, self.post_transform)
        alike = kernel(self.kernel_type, rows, table, parameters(self.kernel_params))
        scores, votes = self._machines(alike, len(labels))
        chosen = labels[votes.argmax(1)]
        if self.prob_a:
            scores = self._probabilities(scores, len(labels))
        elif scores.shape[1] == 1:
            return chosen, self._pair(scores)
        return chosen, transform(scores, self.post_transform)

    def _machines(self, alike: Array, classes: int) -> tuple[Array, Array]:
        """The scores of the machines, [N, pairs], and the votes that the classes get."""
        sizes = np.array(self.vectors_per_class, np.int64)
        stops = np.cumsum(sizes)
        starts = stops - sizes
        weights = np.array(self.coefficients, np.float64).reshape(classes - 1, -1)
        scores = np.zeros((len(alike), classes * (classes - 1) // 2))
        votes = np.zeros((len(alike), classes), np.int64)
        for index, (i, j) in enumerate(combinations(range(classes), 2)):
            one, other = slice(starts[i], stops[i]), slice(starts[j], stops[j])
            scores[:, index] = (
                alike[:, one] @ weights[j - 1, one]
                + alike[:, other] @ weights[i, other]
                + self.rho[index]
            )
            wins = scores[:, index] > 0
            votes[:, i] += wins
            votes[:, j] += ~wins
        return scores, votes

    def _pair(self, score: Array) -> Array:
        """Two scores of the one that tells two classes apart."""
        kind = self.post_transform
        if kind == "LOGISTIC":
            score = logistic(score)
        first = -score if kind == "NONE" else 1 - score
        both = np.concatenate([first, score], 1)
        return transform(both, kind if kind == "PROBIT" else "NONE")

    def _probabilities(self, scores: Array, classes: int) -> Array:
        """The chances of the classes from those of the pairs, Platt's sigmoids of the scores."""
        a, b = np.array(self.prob_a), np.array(self.prob_b)
        won = np.clip(logistic(-(scores * a + b)), 1e-7, 1 - 1e-7)
        pairs = np.zeros((len(scores), classes, classes))
        for index, (i, j) in enumerate(combinations(range(classes), 2)):
            pairs[:, i, j], pairs[:, j, i] = won[:, index], 1 - won[:, index]
        return couple(pairs)

    def lower(self, lowering: Lowering, x: TensorView) -> tuple[TensorView, TensorView]:
        rows = lowering.materialise(feature_rows(lowering, x, DType.DOUBLE))
        labels, _ = labels_of(self.classlabels_strings, self.classlabels_ints)
        classes = len(labels)
        table, rho = self._table(classes), np.array(self.rho, np.float64)
        if not self.vectors_per_class:
            weights, rho = table.T, rho[:1]
        else:
            settings = parameters(self.kernel_params)
            rows = kernel_view(lowering, self.kernel_type, rows, table, settings)
            weights = self._machine_weights(classes)
        made = lowering.matmul(rows, lowering.constant(np.ascontiguousarray(weights)))
        scores = lowering.materialise(
            lowering.elementwise(lambda _, a, b: a + b, made.dtype, made, lowering.constant(rho))
        )
        if not self.vectors_per_class:
            chosen = best_label(lowering, scores, labels)
            return chosen, transformed(lowering, scores, self.post_transform)
        chosen = best_label(lowering, self._votes_view(lowering, scores, classes), labels)
        if self.prob_a:
            scores = self._probabilities_view(lowering, scores, classes)
        elif scores.shape[1] == 1:
            return chosen, self._pair_view(lowering, scores)
        return chosen, transformed(lowering, scores, self.post_transform)

    def _machine_weights(self, classes: int) -> Array:
        """[vectors, pairs]: what each vector counts in each machine."""
        stops = np.cumsum(self.vectors_per_class or ())
        starts = [0, *stops[:-1]]
        weights = np.array(self.coefficients, np.float64).reshape(classes - 1, -1)
        made = np.zeros((weights.shape[1], classes * (classes - 1) // 2))
        for index, (i, j) in enumerate(combinations(range(classes), 2)):
            made[starts[i] : stops[i], index] = weights[j - 1, starts[i] : stops[i]]
            made[starts[j] : stops[j], index] = weights[i, starts[j] : stops[j]]
        return made

    def _votes_view(self, lowering: Lowering, scores: TensorView, classes: int) -> TensorView:
        """The votes that the classes get: [N, classes], whole numbers."""
        votes = np.zeros((scores.shape[1], classes))
        for index, (i, j) in enumerate(combinations(range(classes), 2)):
            votes[index, i], votes[index, j] = 1, -1
        lost = np.minimum(votes, 0).sum(0)

        def won(k: Kernel, score: Value) -> Value:
            return k.select(score > 0.0, k.const(1.0, score.type), 0.0)

        wins = lowering.elementwise(won, DType.DOUBLE, scores)
        made = lowering.matmul(wins, lowering.constant(votes))
        return lowering.materialise(
            lowering.elementwise(lambda _, a, b: a - b, DType.DOUBLE, made, lowering.constant(lost))
        )

    def _probabilities_view(
        self, lowering: Lowering, scores: TensorView, classes: int
    ) -> TensorView:
        a, b = (lowering.constant(np.array(one, np.float64)) for one in (self.prob_a, self.prob_b))
        inner = lowering.elementwise(
            lambda _, s, one, other: -(s * one + other), DType.DOUBLE, scores, a, b
        )
        won = lowering.elementwise(
            lambda k, v: k.min(k.max(v, 1e-7), 1 - 1e-7),
            DType.DOUBLE,
            logistic_view(lowering, inner),
        )
        return coupled_view(lowering, won, classes)

    def _pair_view(self, lowering: Lowering, score: TensorView) -> TensorView:
        kind = self.post_transform
        if kind == "LOGISTIC":
            score = lowering.materialise(logistic_view(lowering, score))
        first = lowering.elementwise(
            lambda _, v: -v if kind == "NONE" else 1.0 - v, score.dtype, score
        )
        both = lowering.concat([first, score], 1)
        return transformed(lowering, both, kind if kind == "PROBIT" else "NONE")

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 0], [0, 2]])
        rows = cls(classlabels_ints=(4, 7), coefficients=(1.0, 0.0, 0.0, 1.0), rho=(0.5,))
        yield Case(rows, [x], [i64([4, 7]), f32([[1.5, 0.5], [0.5, 2.5]])])
        three = cls(
            classlabels_strings=("a", "b", "c"),
            coefficients=(1.0, -1.0, -2.0, 1.0, 1.0, -1.0),
            rho=(0.0, 0.5, 0.0),
            support_vectors=(1.0, 0.0, 0.0, 1.0, 1.0, 1.0),
            vectors_per_class=(1, 1, 1),
        )
        made = f32([[1, -0.5, -1], [-2, -3.5, 0]])
        yield Case(three, [x], [strings(["c", "c"]), made])
        yield Case(rows, [x[:, :1]], error="the vectors' length differ; given: 1 and 2")
        wrong = cls(
            classlabels_ints=(1, 2, 3),
            coefficients=(1.0,) * 6,
            rho=(0.0,),
            support_vectors=(1.0,) * 6,
            vectors_per_class=(1, 1, 1),
        )
        yield Case(wrong, [x], error="rho has a wrong length; given: 1; allowed: 3")


def couple(pairs: Array) -> Array:
    """[N, K] chances of K classes from [N, K, K], the chance of i against j.

    The fixed point of Wu, Lin and Weng, "Probability estimates for multi-class classification by
    pairwise coupling" (2004), algorithm 2, up to 0.005 / K or 100 rounds.
    """
    count = pairs.shape[1]
    system = -pairs * pairs.transpose(0, 2, 1)
    diagonal = np.square(pairs.transpose(0, 2, 1)).sum(2)
    system[:, np.arange(count), np.arange(count)] = diagonal
    p = np.full(pairs.shape[:2], 1 / count)
    going = np.arange(len(p))
    for _ in range(max(100, count)):
        moved = np.einsum("nij,nj->ni", system[going], p[going])
        total = (p[going] * moved).sum(1)
        far = np.abs(moved - total[:, None]).max(1, initial=0) >= 0.005 / count
        going, moved, total = going[far], moved[far], total[far]
        if not len(going):
            break
        q, part = system[going], p[going]
        for t in range(count):
            step = (total - moved[:, t]) / q[:, t, t]
            part[:, t] += step
            scale = 1 + step
            total = (total + step * (step * q[:, t, t] + 2 * moved[:, t])) / scale**2
            moved = (moved + step[:, None] * q[:, t]) / scale[:, None]
            part /= scale[:, None]
        p[going] = part
    return p
