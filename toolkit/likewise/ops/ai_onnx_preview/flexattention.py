"""FlexAttention: attention whose scores and probabilities pass through given graphs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, Graph, TensorType, Value
from likewise.ops.build import GraphBuilder
from likewise.ops.case import Case, f32
from likewise.ops.checks import check_float, check_rank, check_same_dtype, unify
from likewise.ops.conversion import convert
from likewise.ops.dot_product import attend, computed, scores_of, softmax_rows
from likewise.ops.narrow import widened
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from likewise.ir import Array
    from likewise.lower import Lowering, TensorView


class FlexAttention(Operator, versions=(1,)):
    """prob_mod(softmax(score_mod(q k^T * scale))) v for q, k, v of [B, heads, L, D].

    Both graphs take and give [B, heads of q, L, S], in `softmax_precision`: float32 unless given,
    or double for double inputs.
    """

    prob_mod: Graph | None = None
    scale: float | None = None
    score_mod: Graph | None = None
    softmax_precision: DType | None = None
    on_narrow = "take"

    def infer(self, q: TensorType, k: TensorType, v: TensorType) -> TensorType:
        check_float(q, "Q")
        check_same_dtype(Q=q, K=k, V=v)
        for name, x in (("Q", q), ("K", k), ("V", v)):
            check_rank(x, 4, name)
        unify(q.shape[3], k.shape[3], "the head sizes of Q and K")
        unify(k.shape[2], v.shape[2], "the lengths of K and V")
        heads, groups = q.shape[1], unify(k.shape[1], v.shape[1], "the heads of K and V")
        if isinstance(heads, int) and isinstance(groups, int) and (groups < 1 or heads % groups):
            raise InferenceError(
                "the heads of Q are no multiple of those of K", given=f"{heads} and {groups}"
            )
        return q.with_shape((*q.shape[:3], v.shape[3]))

    def evaluate(
        self,
        q: Array,
        k: Array,
        v: Array,
        run: Callable[[Graph, Sequence[Any]], list[Any]] | None = None,
    ) -> Array:
        wide = DType.DOUBLE if q.dtype.itemsize == 8 else DType.FLOAT
        precision = self.softmax_precision or wide
        scale = 1 / math.sqrt(max(q.shape[3], 1)) if self.scale is None else self.scale
        stored = DType.of(q.dtype) if q.dtype.itemsize == 2 else None
        scores = scores_of(computed(q), computed(k), scale, stored=stored).raw
        scores = convert(scores, precision)
        if self.score_mod is not None and run is not None:
            scores = run(self.score_mod, [scores])[0]
        probabilities = convert(softmax_rows(computed(scores)), precision)
        if self.prob_mod is not None and run is not None:
            probabilities = run(self.prob_mod, [probabilities])[0]
        probabilities = computed(probabilities)
        made = attend(probabilities, widened(v).astype(probabilities.dtype, copy=False))
        return convert(made, DType.of(q.dtype))

    def lower(self, lowering: Lowering, q: TensorView, k: TensorView, v: TensorView) -> TensorView:
        wide = DType.DOUBLE if q.dtype is DType.DOUBLE else DType.FLOAT
        precision = self.softmax_precision or wide
        (scores,) = lowering.graph(self._scores(q, k, precision), [q, k])
        if self.score_mod is not None:
            (scores,) = lowering.graph(self.score_mod, [scores])
        (made,) = lowering.graph(_probabilities(scores), [scores])
        if self.prob_mod is not None:
            (made,) = lowering.graph(self.prob_mod, [made])
        (y,) = lowering.graph(_attended(made, v, q.dtype), [made, v])
        return y

    def _scores(self, q: TensorView, k: TensorView, precision: DType) -> Graph:
        """The scores q k^T * scale, rounded where `evaluate` rounds."""
        b, rows, keys = GraphBuilder(), _value("q", q), _value("k", k)
        batch, heads, length, size = q.shape
        scale = 1 / math.sqrt(max(size, 1)) if self.scale is None else self.scale
        root = math.sqrt(scale) if q.dtype.numpy.itemsize == 2 and scale > 0 else scale
        left = b.Mul(rows, root)
        right = keys if root == scale else b.Mul(keys, root)
        grouped = b.Reshape(left, b.ints(batch, k.shape[1], heads // k.shape[1] * length, size))
        made = b.MatMul(grouped, b.Transpose(right, perm=(0, 1, 3, 2)))
        made = b.Reshape(made, b.ints(batch, heads, length, k.shape[2]))
        return b.graph("scores", [rows, keys], [b.Cast(made, to=precision.value)])

    @classmethod
    def body_inputs(cls, name: str, inputs: Sequence[Any]) -> Sequence[Any]:  # noqa: ARG003
        q, k = inputs[:2]
        if not (isinstance(q, TensorType) and isinstance(k, TensorType)) or None in (
            q.dims,
            k.dims,
        ):
            return ()
        dtype = DType.DOUBLE if q.dtype is DType.DOUBLE else DType.FLOAT
        return (TensorType(dtype, (*q.shape[:3], k.shape[2])),)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        q, k, v = f32([[[[0], [1]]]]), f32([[[[0], [1]]]]), f32([[[[4, 0], [0, 8]]]])
        y = f32([[[[2, 4], [1, 6]]]])
        yield Case(cls(scale=1.0986122886681098), [q, k, v], [y], rtol=1e-6)
        yield Case(cls(), [q, k, v[:, :, :1]], error="the lengths of K and V differ")


def _value(name: str, x: TensorView) -> Value:
    return Value(name, TensorType(x.dtype, x.shape))


def _probabilities(scores: TensorView) -> Graph:
    """Softmax along the last axis; a row of nothing but -inf gives zeros."""
    b, x = GraphBuilder(), _value("scores", scores)
    wide = b.Cast(x, to=DType.FLOAT.value) if scores.dtype.numpy.itemsize == 2 else x
    dtype = b.type(wide).dtype
    nowhere = b.Equal(b.ReduceMax(wide, b.ints(-1)), b.constant(-np.inf, dtype))
    made = b.Where(nowhere, b.constant(0, dtype), b.Softmax(wide, axis=-1))
    return b.graph("probabilities", [x], [b.Cast(made, to=scores.dtype.value)])


def _attended(probabilities: TensorView, v: TensorView, dtype: DType) -> Graph:
    """The probabilities [B, H, L, S] times v [B, G, S, E]."""
    b, weights, values = GraphBuilder(), _value("weights", probabilities), _value("v", v)
    wide = DType.DOUBLE if probabilities.dtype is DType.DOUBLE else DType.FLOAT
    batch, heads, length, total = probabilities.shape
    left = b.Cast(weights, to=wide.value)
    left = b.Reshape(left, b.ints(batch, v.shape[1], heads // v.shape[1] * length, total))
    made = b.MatMul(left, b.Cast(values, to=wide.value))
    made = b.Reshape(made, b.ints(batch, heads, length, v.shape[3]))
    return b.graph("attended", [weights, values], [b.Cast(made, to=dtype.value)])
