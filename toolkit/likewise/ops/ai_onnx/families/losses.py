"""NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss: how far classes are from their labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from likewise.errors import InferenceError, LikewiseError
from likewise.ir import DType
from likewise.ops.case import Case, f16, f32, i32, i64
from likewise.ops.checks import check_dtype, check_float, check_rank, check_same_dtype, unify
from likewise.ops.convolution import working_dtype
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder


class Loss(Operator):
    """Base of the two: log-probabilities [N, C, D1 … Dn] against labels [N, D1 … Dn].

    Each loss is weighted by the weight of its label's class, 1 by default and 0 for the label
    `ignore_index`; "mean" divides their sum by the sum of these weights.
    """

    ignore_index: int | None = None
    reduction: Literal["mean", "none", "sum"] = "mean"

    def check(self, scores: TensorType, labels: TensorType, weights: TensorType | None) -> None:
        """Refuse types that do not fit together."""
        check_float(scores, "scores")
        check_dtype(labels, {DType.INT32, DType.INT64}, "labels")
        if scores.rank < 2:
            raise InferenceError("the scores have no classes", given=scores, allowed="N x C x …")
        check_rank(labels, scores.rank - 1, "labels")
        for a, b in zip((scores.shape[0], *scores.shape[2:]), labels.shape, strict=True):
            unify(a, b, "the dims of scores and labels")
        if weights is not None:
            check_same_dtype(scores=scores, weights=weights)
            check_rank(weights, 1, "weights")
            unify(weights.shape[0], scores.shape[1], "the weights and the classes")

    def loss_type(self, scores: TensorType, labels: TensorType) -> TensorType:
        """The type of the loss."""
        return scores.with_shape(labels.shape if self.reduction == "none" else ())

    def loss(self, log_probability: Array, labels: Array, weights: Array | None) -> Array:
        """The loss, in the dtype of `log_probability`."""
        ignored = np.zeros(labels.shape, bool)
        if self.ignore_index is not None:
            ignored = labels == self.ignore_index
        target = np.where(ignored, 0, labels).astype(np.int64)
        classes = log_probability.shape[1]
        if ((target < 0) | (target >= classes)).any():
            raise LikewiseError("a label is no class", allowed=f"0 to {classes - 1}")
        dtype = log_probability.dtype
        if classes == 0:  # then every label is ignored
            return np.zeros(labels.shape if self.reduction == "none" else (), dtype)
        share = np.ones(labels.shape, dtype) if weights is None else weights.astype(dtype)[target]
        share = np.where(ignored, dtype.type(0), share)
        picked = np.take_along_axis(log_probability, target[:, None], axis=1)[:, 0]
        losses = np.where(ignored, dtype.type(0), -picked * share)
        if self.reduction == "none":
            return losses
        total = losses.sum()
        return np.asarray(total / share.sum() if self.reduction == "mean" else total)

    def expand_loss(self, b: Builder[V], log_probability: V, labels: V, weights: V | None) -> V:
        """`loss` as a graph."""
        target = labels
        dtype = b.type(log_probability).dtype
        one, zero = b.constant(1, dtype), b.constant(0, dtype)
        share = None if weights is None else b.Gather(weights, labels)
        if self.ignore_index is not None:
            ignored = b.Equal(labels, b.constant(self.ignore_index, b.type(labels).dtype))
            target = b.Where(ignored, b.constant(0, b.type(labels).dtype), labels)
            share = one if weights is None else b.Gather(weights, target)
            share = b.Where(ignored, zero, share)
        picked = b.GatherElements(log_probability, b.Unsqueeze(target, b.ints(1)), axis=1)
        losses = b.Neg(b.Squeeze(picked, b.ints(1)))
        if share is not None:
            losses = b.Mul(losses, share)
        if self.ignore_index is not None:  # where the share is 0 the loss is 0, infinite or not
            losses = b.Where(ignored, zero, losses)
        if self.reduction == "none":
            return losses
        if self.reduction == "sum" or share is not None:
            total = b.ReduceSum(losses, keepdims=0)
            if self.reduction == "sum":
                return total
            return b.Div(total, b.ReduceSum(share, keepdims=0))
        return b.ReduceMean(losses, keepdims=0)


class NegativeLogLikelihoodLoss(Loss, versions=(12, 13, 22)):
    """-input[n, label, …] * weight[label], reduced."""

    def infer(
        self,
        input: TensorType,  # noqa: A002 — ONNX's name
        target: TensorType,
        weight: TensorType | None = None,
    ) -> TensorType:
        self.check(input, target, weight)
        return self.loss_type(input, target)

    def evaluate(self, x: Array, target: Array, weight: Array | None = None) -> Array:
        wide = x.astype(working_dtype(x.dtype), copy=False)
        return self.loss(wide, target, weight).astype(x.dtype, copy=False)

    def expand(self, b: Builder[V], x: V, target: V, weight: V | None = None) -> V:
        return self.expand_loss(b, x, target, weight)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[[1, 2], [2, 2], [3, 2]], [[0, 1], [2, 2], [1, 2]]])
        target = i64([[2, 1], [0, 2]])
        weight = f32([0.5, 0.25, 1])
        none = f32([[-3, -2], [0, -2]])
        yield Case(cls(reduction="none"), [x, target], [none])
        yield Case(cls(reduction="sum"), [x, target], [f32(-7)])
        yield Case(cls(), [x, i32(target)], [f32(-1.75)])
        yield Case(cls(), [x, target, weight], [f32(-2)], rtol=1e-6)
        ignoring = cls(ignore_index=2, reduction="none")
        yield Case(ignoring, [x, target], [f32([[0, -2], [0, 0]])])
        yield Case(cls(ignore_index=2), [x, target], [f32(-1)])
        outside = cls(ignore_index=-1)
        yield Case(outside, [x, i64([[2, -1], [-1, 2]]), weight], [f32(-2.5)])
        flat = [f16([[1, 2], [3, 4]]), i64([0, 1])]
        yield Case(cls(), flat, [f16(-2.5)])
        yield Case(cls(), [x, i64([[3, 1], [0, 2]])], error="a label is no class")
        yield Case(cls(), [x, i64([0, 1])], error="labels has 1 dims")


class SoftmaxCrossEntropyLoss(Loss, versions=(12, 13)):
    """The negative log-likelihood loss of the logarithm of softmax over the classes."""

    def infer(
        self, scores: TensorType, labels: TensorType, weights: TensorType | None = None
    ) -> tuple[TensorType, TensorType]:
        self.check(scores, labels, weights)
        return self.loss_type(scores, labels), scores.with_shape(scores.shape)

    def evaluate(self, scores: Array, labels: Array, weights: Array | None = None) -> Any:
        x = scores.astype(working_dtype(scores.dtype), copy=False)
        if x.shape[1]:
            x = x - x.max(axis=1, keepdims=True)
        log_probability = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
        loss = self.loss(log_probability, labels, weights).astype(scores.dtype, copy=False)
        return loss, log_probability.astype(scores.dtype, copy=False)

    def expand(self, b: Builder[V], scores: V, labels: V, weights: V | None = None) -> tuple[V, V]:
        log_probability = b.LogSoftmax(scores, axis=1)
        return self.expand_loss(b, log_probability, labels, weights), log_probability

    @classmethod
    def cases(cls) -> Iterator[Case]:
        p = f32([[0.25, 0.5, 0.25], [0.5, 0.25, 0.25]])
        x, log = np.log(p) + 7, np.log(p)
        labels, two = i64([1, 2]), np.log(f32(2))
        both = cls(wanted=2)
        close: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-6}
        yield Case(both, [x, labels], [np.asarray(two * 1.5), log], **close)
        none = cls(reduction="none", ignore_index=1)
        yield Case(none, [x, labels], [f32([0, two * 2])], **close)
        weights = f32([1, 3, 1])
        yield Case(cls(), [x, labels, weights], [np.asarray(two * 1.25)], **close)
        yield Case(cls(), [x[:, :2], i64([1, 2])], error="a label is no class")
