"""LinearAttention: a recurrent state in place of all past keys and values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, Graph, TensorType, Value
from likewise.ops.ai_onnx.scan import Scan
from likewise.ops.build import GraphBuilder
from likewise.ops.case import Case, f32
from likewise.ops.checks import check_float, check_rank, unify
from likewise.ops.dot_product import computed, head_size, join_heads, split_heads
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.ir import Array
    from likewise.lower import Lowering, TensorView


class LinearAttention(Operator, versions=(27,)):
    """For each token t, head by head: S = decay S + k ⊗ u, output scale * q S.

    decay is 1 or, for the gated rules, exp(decay_t) by head or by feature of the key. u is v, or,
    for the delta rules, beta (v - k decay S). q, k, v are [B, T, heads * size], the state is
    [B, kv_num_heads, key size, value size] (zeros where not given) and has the type of the past
    state, else of q. Computed in float32.
    """

    chunk_size: int = 64
    kv_num_heads: int
    q_num_heads: int
    scale: float = 0.0
    update_rule: Literal["linear", "gated", "delta", "gated_delta"] = "gated_delta"

    def infer(
        self,
        query: TensorType,
        key: TensorType,
        value: TensorType,
        past_state: TensorType | None = None,
        decay: TensorType | None = None,
        beta: TensorType | None = None,
    ) -> tuple[TensorType, TensorType]:
        for name, x in (("query", query), ("key", key), ("value", value)):
            check_float(x, name)
            check_rank(x, 3, name)
        for name, given, wanted in (
            ("decay", decay is not None, "gated" in self.update_rule),
            ("beta", beta is not None, "delta" in self.update_rule),
        ):
            if given != wanted:
                verb = "needs" if wanted else "does not take"
                raise InferenceError(f"the update rule {self.update_rule} {verb} {name}")
        groups = self.kv_num_heads
        if min(groups, self.q_num_heads) < 1 or self.q_num_heads % groups:
            raise InferenceError(
                "q_num_heads is no multiple of kv_num_heads", given=f"{self.q_num_heads}, {groups}"
            )
        size = head_size(query.shape[2], self.q_num_heads, "query")
        unify(size, head_size(key.shape[2], groups, "key"), "the head sizes of query and key")
        width = head_size(value.shape[2], groups, "value")
        state = query if past_state is None else past_state
        batch, length = query.shape[:2]
        return (
            query.with_shape((batch, length, width * self.q_num_heads)),
            state.with_shape((batch, groups, size, width)),
        )

    def evaluate(
        self,
        query: Array,
        key: Array,
        value: Array,
        past_state: Array | None = None,
        decay: Array | None = None,
        beta: Array | None = None,
    ) -> tuple[Array, Array]:
        q = split_heads(computed(query), self.q_num_heads)
        k, v = (split_heads(computed(x), self.kv_num_heads) for x in (key, value))
        batch, groups, length, size = k.shape
        shape = (batch, groups, size, v.shape[3])
        state = np.zeros(shape, q.dtype) if past_state is None else computed(past_state).copy()
        # Heads that share a state stand behind each other: [B, groups, H / groups, T, D].
        q = q.reshape(batch, groups, self.q_num_heads // groups, length, size)
        keep = None if decay is None else np.exp(split_heads(computed(decay), groups))[..., None]
        rate = None
        if beta is not None:
            rate = split_heads(computed(beta), beta.shape[2])
        made = np.empty((batch, groups, q.shape[2], length, v.shape[3]), q.dtype)
        for t in range(length):
            if keep is not None:
                state *= keep[:, :, t]
            k_t, update = k[:, :, t, :, None], v[:, :, t, None, :]
            if rate is not None:
                seen = np.matmul(k_t.swapaxes(-1, -2), state)
                update = rate[:, :, t, :, None] * (update - seen)
            state += k_t * update
            made[:, :, :, t] = np.matmul(q[:, :, :, t], state)
        made *= made.dtype.type(self.scale or 1 / math.sqrt(max(size, 1)))
        made = join_heads(made.reshape(batch, self.q_num_heads, length, v.shape[3]))
        dtype = query.dtype if past_state is None else past_state.dtype
        return made.astype(query.dtype, copy=False), state.astype(dtype, copy=False)

    def lower(
        self,
        lowering: Lowering,
        query: TensorView,
        key: TensorView,
        value: TensorView,
        past_state: TensorView | None = None,
        decay: TensorView | None = None,
        beta: TensorView | None = None,
    ) -> tuple[TensorView, ...]:
        wide = DType.DOUBLE if query.dtype is DType.DOUBLE else DType.FLOAT
        batch, length, groups = *query.shape[:2], self.kv_num_heads
        given = [(query, groups, self.q_num_heads // groups), (key, groups, 1), (value, groups, 1)]
        if decay is not None:
            given.append((decay, groups, 1))
        if beta is not None:
            given.append((beta, beta.shape[2], 1))
        # The tokens stand first: [T, B, kv heads, heads that share a state, size].
        tokens = [
            lowering.settle(
                lowering.cast(x, wide)
                .reshape((batch, length, heads, shared, x.shape[2] // (heads * shared)))
                .transpose((1, 0, 2, 3, 4))
            )
            for x, heads, shared in given
        ]
        shape = (batch, groups, tokens[1].shape[-1], tokens[2].shape[-1])
        if past_state is None:
            state = lowering.constant(np.zeros(shape, wide.numpy))
        else:
            state = lowering.cast(past_state, wide)
        body = self._body(state, tokens, decay=decay is not None, beta=beta is not None)
        state, made = Scan(body=body, num_scan_inputs=len(tokens)).lower(lowering, state, *tokens)
        y = made.transpose((1, 0, 2, 3, 4)).reshape((batch, length, self.q_num_heads * shape[3]))
        after = query.dtype if past_state is None else past_state.dtype
        return lowering.cast(y, query.dtype), lowering.cast(state, after)

    def _body(
        self, state: TensorView, tokens: Sequence[TensorView], *, decay: bool, beta: bool
    ) -> Graph:
        """What one token does: (state, q, k, v, decay?, beta?) → (state, scale * q state)."""
        b = GraphBuilder()
        inputs = [Value("state", TensorType(state.dtype, state.shape))]
        inputs += [
            Value(f"token_{at}", TensorType(x.dtype, x.shape[1:])) for at, x in enumerate(tokens)
        ]
        now, q, k, update, *rest = inputs
        column = b.Transpose(k, perm=(0, 1, 3, 2))
        if decay:
            now = b.Mul(now, b.Exp(b.Transpose(rest[0], perm=(0, 1, 3, 2))))
        if beta:
            update = b.Mul(b.Sub(update, b.MatMul(k, now)), rest[-1])
        now = b.Add(now, b.Mul(column, update))
        scale = self.scale or 1 / math.sqrt(max(tokens[1].shape[-1], 1))
        return b.graph("token", inputs, [now, b.Mul(b.MatMul(q, now), scale)])

    @classmethod
    def cases(cls) -> Iterator[Case]:
        q, k, v = f32([[[1], [1]]]), f32([[[1], [2]]]), f32([[[3], [4]]])
        one: dict[str, Any] = {"q_num_heads": 1, "kv_num_heads": 1}
        linear = cls(wanted=2, update_rule="linear", **one)
        yield Case(linear, [q, k, v], [f32([[[3], [11]]]), f32([[[[11]]]])])
        yield Case(linear, [q, k, v, f32([[[[1]]]])], [f32([[[4], [12]]]), f32([[[[12]]]])])
        gated = cls(update_rule="gated", **one)
        yield Case(
            gated, [q, k, v, None, np.log(f32([[[1], [0.5]]]))], [f32([[[3], [9.5]]])], rtol=1e-6
        )
        delta = cls(update_rule="delta", **one)
        yield Case(delta, [q, k, v, None, None, f32([[[1], [0.5]]])], [f32([[[3], [1]]])])
        yield Case(linear, [q[:0], k[:0], v[:0]], [np.zeros((0, 2, 1), np.float32)])
        yield Case(gated, [q, k, v], error="the update rule gated needs decay")
