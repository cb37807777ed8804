"""NonMaxSuppression: of boxes that overlap, the best."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import UnsupportedError
from likewise.ir import DType, TensorType, fresh
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_dtype, check_rank, unify
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import TensorView


class NonMaxSuppression(Operator, versions=(10, 11)):
    """[batch, class, box] of the boxes kept, for each batch and class by falling score.

    boxes [N, B, 4] are two opposite corners (y, x, y, x), or centre and extent (x, y, w, h) with
    `center_point_box`; scores [N, C, B]. Of equal scores the first box counts as better. A box
    goes when its intersection over union with a better one kept exceeds `iou_threshold`.
    """

    center_point_box: bool = False

    def infer(
        self,
        boxes: TensorType,
        scores: TensorType,
        max_output_boxes_per_class: TensorType | None = None,
        iou_threshold: TensorType | None = None,
        score_threshold: TensorType | None = None,
    ) -> TensorType:
        for name, x in (("boxes", boxes), ("scores", scores)):
            check_dtype(x, {DType.FLOAT}, name)
            check_rank(x, 3, name)
        if max_output_boxes_per_class is not None:
            check_dtype(max_output_boxes_per_class, {DType.INT64}, "max_output_boxes_per_class")
        if iou_threshold is not None:
            check_dtype(iou_threshold, {DType.FLOAT}, "iou_threshold")
        if score_threshold is not None:
            check_dtype(score_threshold, {DType.FLOAT}, "score_threshold")
        unify(boxes.shape[0], scores.shape[0], "the batches of boxes and scores")
        unify(boxes.shape[1], scores.shape[2], "the counts of boxes and scores")
        unify(boxes.shape[2], 4, "the numbers of a box and 4")
        return TensorType(DType.INT64, (fresh("selected"), 3))

    def evaluate(
        self,
        boxes: Array,
        scores: Array,
        max_output_boxes_per_class: Array | None = None,
        iou_threshold: Array | None = None,
        score_threshold: Array | None = None,
    ) -> Array:
        most = _number(max_output_boxes_per_class, 0)
        overlap = np.float32(_number(iou_threshold, 0.0))
        least = None if score_threshold is None else np.float32(score_threshold.item())
        kept: list[Array] = []
        for batch, class_index in np.ndindex(scores.shape[:2]) if most > 0 else ():
            of_class = scores[batch, class_index]
            order = np.argsort(-of_class, kind="stable")
            if least is not None:
                # ONNX's text keeps a score equal to the threshold; its code and onnxruntime do not.
                order = order[of_class[order] > least]
            corners = _corners(boxes[batch], center=self.center_point_box)
            found = _keep(corners, order, most, overlap)
            where = np.full((len(found), 2), (batch, class_index))
            kept.append(np.concatenate([where, found[:, None]], 1))
        return np.concatenate(kept) if kept else np.zeros((0, 3), np.int64)

    def lower(self, *_: object) -> TensorView:
        raise UnsupportedError("the number of boxes that are kept depends on data")

    @classmethod
    def cases(cls) -> Iterator[Case]:
        boxes = f32([[[0, 0, 1, 1], [1, 1.1, 0, 0.1], [0, 10, 1, 11], [0, 0, 1, 1]]])
        scores = f32([[[0.5, 0.75, 0.25, 0.5]]])
        some, half = i64(3), f32(0.5)
        yield Case(cls(), [boxes, scores, some, half], [i64([[0, 0, 1], [0, 0, 2]])])
        yield Case(cls(), [boxes, scores, i64(1), half], [i64([[0, 0, 1]])])
        yield Case(cls(), [boxes, scores, some, half, f32(0.4)], [i64([[0, 0, 1]])])
        yield Case(cls(), [boxes, scores], [np.zeros((0, 3), np.int64)])
        middle = f32([[[0.5, 0.5, 1, 1], [0.6, 0.5, 1, 1], [10.5, 0.5, 1, 1], [0.5, 0.5, 1, 1]]])
        yield Case(
            cls(center_point_box=True), [middle, scores, some, half], [i64([[0, 0, 1], [0, 0, 2]])]
        )
        yield Case(cls(), [boxes[:, :2], scores, some], error="the counts of boxes and scores")


def _number(x: Array | None, default: float) -> float:
    return default if x is None or x.size == 0 else x.item()


def _corners(boxes: Array, *, center: bool) -> Array:
    """The low and the high corner of each box: [B, 4]."""
    first, second = boxes[:, :2], boxes[:, 2:]
    if center:
        return np.concatenate([first - second / 2, first + second / 2], 1)
    return np.concatenate([np.minimum(first, second), np.maximum(first, second)], 1)


def _keep(corners: Array, order: Array, most: float, overlap: np.float32) -> Array:
    """The boxes to keep of those in `order`, best first."""
    low, high = corners[:, :2], corners[:, 2:]
    area = (high - low).prod(1)
    kept: list[int] = []
    while order.size and len(kept) < most:
        best, order = int(order[0]), order[1:]
        kept.append(best)
        extent = np.minimum(high[best], high[order]) - np.maximum(low[best], low[order])
        shared = np.maximum(extent, 0).prod(1)
        union = area[best] + area[order] - shared
        real = (shared > 0) & (area[best] > 0) & (area[order] > 0) & (union > 0)
        order = order[~(real & (shared / np.where(union > 0, union, 1) > overlap))]
    return np.array(kept, np.int64)
