"""NonMaxSuppression: of boxes that overlap, the best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from likewise.ir import DType, TensorType, fresh
from likewise.loop import F32, I32, I64
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_dtype, check_rank, unify
from likewise.ops.operator import Operator
from likewise.ops.selection import counting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from likewise.ir import Array
    from likewise.loop import Value, Var
    from likewise.lower import Kernel, Lowering, TensorView


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

    def lower(
        self,
        lowering: Lowering,
        boxes: TensorView,
        scores: TensorView,
        max_output_boxes_per_class: TensorView | None = None,
        iou_threshold: TensorView | None = None,
        score_threshold: TensorView | None = None,
    ) -> TensorView:
        batches, classes, size = scores.shape
        most, capacity = max_output_boxes_per_class, size
        if most is None or most.data is not None or not most.size:
            known = int(_number(None if most is None else most.data, 0))
            most, capacity = None, min(max(known, 0), size)
        y = lowering.empty(DType.INT64, (batches * classes * capacity, 3))
        kept = _Suppression.of(lowering, boxes, scores, center=self.center_point_box)
        with counting(lowering, "f32_nms") as (k, number, count):
            limit = k.index(capacity)
            if most is not None:
                given = _scalar(k, most, 0)
                limit = k.select(given < size, k.max(given, 0), size).cast(I32)
            overlap = _scalar(k, iou_threshold, 0.0)
            with k.loop(batches) as batch, k.loop(classes) as class_index:
                kept.begin(k, (batch, class_index), score_threshold)
                found, best = k.var(0, I32), k.var(0, I32)

                def more(found: Var = found, best: Var = best) -> Value:
                    return (found.get() < limit) & (best.get() >= 0)

                with k.while_(more):
                    best.set(kept.best(k, (batch, class_index)))
                    with k.if_(best.get() >= 0):
                        for at, index in enumerate((batch, class_index, best.get())):
                            k.write(*y.address(k, (number.get(), k.index(at))), index.cast(I64))
                        number.set(number.get() + 1)
                        found.set(found.get() + 1)
                        kept.suppress(k, batch, best.get(), overlap)
        return y.ending(0, count)

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


@dataclass(frozen=True)
class _Suppression:
    """Corners [N, B, 2], areas [N, B] and scores [N, C, B] of boxes, and which are alive [B]."""

    low: TensorView
    high: TensorView
    area: TensorView
    scores: TensorView
    alive: TensorView

    @classmethod
    def of(
        cls, lowering: Lowering, boxes: TensorView, scores: TensorView, *, center: bool
    ) -> _Suppression:
        low, high = _corner_views(lowering, boxes, center=center)
        extent = lowering.elementwise(lambda _, a, b: a - b, boxes.dtype, high, low)
        column = (*boxes.shape[:2], 1)
        sides = [extent.slice((0, 0, at), (1, 1, 1), column) for at in (0, 1)]
        area = lowering.elementwise(lambda _, a, b: a * b, boxes.dtype, *sides)
        area = lowering.settle(area.reshape(boxes.shape[:2]))
        alive = lowering.empty(DType.UINT8, (boxes.shape[1],))
        return cls(low, high, area, lowering.settle(scores), alive)

    def begin(self, k: Kernel, of: tuple[Value, Value], least: TensorView | None) -> None:
        """All boxes of a batch and class are alive, but those of scores not above `least`."""
        with k.loop(self.alive.shape[0]) as box:
            taken = k.number(1, self.alive.storage)
            if least is not None:
                above = self.scores.read(k, (*of, box)) > _scalar(k, least, 0.0)
                taken = k.select(above, taken, 0)
            k.write(*self.alive.address(k, (box,)), taken)

    def best(self, k: Kernel, of: tuple[Value, Value]) -> Value:
        """The first box of the highest score that is alive, NaN being the lowest; else -1."""
        best, top = k.var(-1, I32), k.var(k.number(0, self.scores.storage))
        with k.loop(self.alive.shape[0]) as box, k.if_(self.alive.read(k, (box,)).ne(0)):
            score, highest = self.scores.read(k, (*of, box)), top.get()
            better = (score > highest) | (highest.ne(highest) & score.eq(score))
            with k.if_((best.get() < 0) | better):
                best.set(box)
                top.set(score)
        return best.get()

    def suppress(self, k: Kernel, batch: Value, best: Value, overlap: Value) -> None:
        """The box `best` and those that overlap with it are alive no longer."""
        dead = k.number(0, self.alive.storage)
        k.write(*self.alive.address(k, (best,)), dead)
        with k.loop(self.alive.shape[0]) as box, k.if_(self.alive.read(k, (box,)).ne(0)):
            sides = []
            for at in (k.index(0), k.index(1)):
                highs, lows = (
                    [one.read(k, (batch, which, at)) for which in (best, box)]
                    for one in (self.high, self.low)
                )
                sides.append(k.max(k.min(*highs) - k.max(*lows), 0.0))
            shared = sides[0] * sides[1]
            areas = [self.area.read(k, (batch, which)) for which in (best, box)]
            union = areas[0] + areas[1] - shared
            real = (shared > 0) & (areas[0] > 0) & (areas[1] > 0) & (union > 0)
            with k.if_(real & (shared / union > overlap)):
                k.write(*self.alive.address(k, (box,)), dead)


def _scalar(k: Kernel, x: TensorView | None, default: float) -> Value:
    if x is None or not x.size:
        return k.const(default, F32)
    return x.read(k, tuple(k.index(0) for _ in x.shape))


def _corner_views(
    lowering: Lowering, boxes: TensorView, *, center: bool
) -> tuple[TensorView, TensorView]:
    """The low and the high corner of each box: [N, B, 2], in memory."""
    shape = (*boxes.shape[:2], 2)
    first, second = (boxes.slice((0, 0, at), (1, 1, 1), shape) for at in (0, 2))

    def corner(compute: Callable[[Kernel, Value, Value], Value]) -> TensorView:
        return lowering.settle(lowering.elementwise(compute, boxes.dtype, first, second))

    if center:
        return corner(lambda _, a, b: a - b / 2), corner(lambda _, a, b: a + b / 2)
    return corner(lambda k, a, b: k.min(a, b)), corner(lambda k, a, b: k.max(a, b))


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
