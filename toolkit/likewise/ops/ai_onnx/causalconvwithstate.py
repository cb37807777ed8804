"""CausalConvWithState: a depthwise convolution of the past, whose end is the next state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.ops.activations import sigmoid
from likewise.ops.case import Case, f32
from likewise.ops.checks import check_dtype, check_rank, check_same_dtype, unify
from likewise.ops.convolution import convolve
from likewise.ops.operator import Operator, V
from likewise.ops.windows import slide

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder


class CausalConvWithState(Operator, versions=(27,)):
    """input [N, C, L] behind the past [N, C, k - 1], convolved with weight [C, 1, k].

    Outputs [N, C, L], after the activation, and the last k - 1 elements as the state that the
    next call takes. Without a past there are zeros.
    """

    activation: Literal["none", "silu", "swish"] = "none"
    on_narrow = "expand"

    def infer(
        self,
        input: TensorType,  # noqa: A002 — ONNX's name
        weight: TensorType,
        bias: TensorType | None = None,
        past_state: TensorType | None = None,
    ) -> tuple[TensorType, TensorType]:
        check_dtype(input, {DType.FLOAT, DType.FLOAT16, DType.BFLOAT16}, "input")
        check_same_dtype(input=input, weight=weight, bias=bias, past_state=past_state)
        check_rank(input, 3, "input")
        check_rank(weight, 3, "weight")
        batch, channels, _ = input.shape
        unify(weight.shape[0], channels, "the channels of input and weight")
        unify(weight.shape[1], 1, "the second dim of weight and 1")
        if weight.shape[2] == 0:
            raise InferenceError("weight has no taps", given=weight)
        state = (batch, channels, weight.shape[2] - 1)
        if bias is not None:
            check_rank(bias, 1, "bias")
            unify(bias.shape[0], channels, "the size of bias and the channels")
        if past_state is not None:
            check_rank(past_state, 3, "past_state")
            for there, wanted in zip(past_state.shape, state, strict=True):
                unify(there, wanted, "a dim of past_state and of what it must be")
        return input.with_shape(input.shape), input.with_shape(state)

    def evaluate(
        self, x: Array, weight: Array, bias: Array | None = None, past_state: Array | None = None
    ) -> tuple[Array, Array]:
        batch, channels, length = x.shape
        kept = weight.shape[2] - 1
        if past_state is None:
            past_state = np.zeros((batch, channels, kept), x.dtype)
        line = np.concatenate([past_state, x], axis=2)
        if length == 0:
            return x, line
        windows = slide(line.shape[2:], weight.shape[2:])
        y = convolve(line, weight, windows, channels, bias)
        if self.activation != "none":
            wide = y.astype(np.float32, copy=False)
            y = (wide * sigmoid(wide)).astype(x.dtype, copy=False)
        return y, line[:, :, length:]

    def expand(
        self, b: Builder[V], x: V, weight: V, bias: V | None = None, past_state: V | None = None
    ) -> tuple[V, V]:
        channels, _, taps = b.type(weight).shape
        if not isinstance(channels, int) or not isinstance(taps, int):
            raise InferenceError("weight has unknown dims", given=b.type(weight))
        if past_state is None:
            line = b.Pad(x, b.ints(0, 0, taps - 1, 0, 0, 0))
        else:
            line = b.Concat(past_state, x, axis=2)
        y = b.Conv(line, weight, bias, group=channels)
        if self.activation != "none":
            y = b.Mul(y, b.Sigmoid(y))
        length = b.Shape(x, start=2, end=3)
        end = b.Shape(line, start=2, end=3)
        return y, b.Slice(line, length, end, b.ints(2))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[[1, 2, 3], [4, 5, 6]]])
        w = f32([[[1, 10]], [[2, 1]]])
        plain = [f32([[[10, 21, 32], [4, 13, 16]]]), f32([[[3], [6]]])]
        causal = cls(wanted=2)
        yield Case(causal, [x, w], plain)
        past = f32([[[5], [1]]])
        outputs = [f32([[[15, 21, 32], [6, 13, 16]]]) + 1, plain[1]]
        yield Case(causal, [x, w, f32([1, 1]), past], outputs)
        long = f32([[[1, 1, 1, 1]], [[1, 1, 1, 1]]])
        state = f32([[[7, 8, 9], [0, 0, 1]]])
        made = [f32([[[25], [5]]]), f32([[[8, 9, 1], [0, 1, 4]]])]
        yield Case(causal, [x[:, :, :1], long, None, state], made)
        silu = cls(activation="silu", wanted=2)
        soft = plain[0] / (1 + np.exp(-plain[0]))
        yield Case(silu, [x, w], [soft, plain[1]], rtol=1e-6)
        yield Case(causal, [x, w[:1]], error="the channels of input and weight differ")
