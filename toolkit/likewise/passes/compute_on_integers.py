"""Products of dequantized bytes as products of the bytes: what a QDQ model computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.ir import DType, TensorType
from likewise.ops.integer_products import BYTES
from likewise.ops.quantization import limits
from likewise.passes.remove_dead_code import remove_dead_code
from likewise.passes.rewrite import rewrite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from likewise.ir import Array, Graph, Node, Value
    from likewise.ops.build import GraphBuilder

__all__ = ["compute_on_integers"]

_LARGEST_SUM: Final = 2**31 - 1


def compute_on_integers(graph: Graph) -> Graph:
    """`graph` with Conv, Gemm and MatMul of what DequantizeLinear makes as ones of what it reads.

    The left side is bytes with one scale, the right side constant bytes with one or one an output
    channel; scales and zero points are constants. The sum of their products is then exact, and
    becomes a float by one factor; what is done with that, QuantizeLinear included, stays as it is.
    A bias in steps of that very factor is added to the sum, any other to the float.

    A product stays on floats where a sum might not fit int32, or the factor float32.
    """
    makers: dict[Value, Node] = {}

    def replacement(node: Node, builder: GraphBuilder) -> Sequence[Value | None] | None:
        first = len(builder.nodes)
        product = _Product.of(node, makers)
        if product is not None:
            made = product.on_integers(builder)
            return [builder.rename(made, node.outputs[0].name, first)]  # type: ignore[union-attr]
        makers.update((value, node) for value in node.outputs if value is not None)
        return None

    return remove_dead_code(rewrite(graph, replacement))


@dataclass(frozen=True)
class _Quantized:
    """What a DequantizeLinear to float32 reads, its parameters flat."""

    value: Value
    kind: TensorType
    scales: Array
    zeros: Array
    axis: int

    @classmethod
    def behind(cls, value: Value | None, makers: Mapping[Value, Node]) -> _Quantized | None:
        """What `value` is made of; None where that is no integers with constant parameters."""
        node = makers.get(value) if value is not None else None
        if value is None or node is None or node.operator.name != "DequantizeLinear":
            return None
        x, scale, zero = (*node.inputs, None)[:3]
        kind, scales, zeros = _tensor(x), _constant(scale), _constant(zero)
        if x is None or kind is None or kind.dims is None or not kind.dtype.is_integer:
            return None
        if scales is None or scales.dtype != np.float32 or (zero is not None and zeros is None):
            return None
        operator: Any = node.operator
        if operator.attributes().get("block_size") or value.type != kind.with_dtype(DType.FLOAT):
            return None
        shifts = np.zeros(1, np.int64) if zeros is None else zeros.astype(np.int64)
        axis = operator.axis % max(kind.rank, 1)
        return cls(x, kind, scales.reshape(-1), shifts.reshape(-1), axis)

    @property
    def whole(self) -> bool:
        """Whether one scale and one zero point are those of all."""
        return self.scales.size == self.zeros.size == 1

    @property
    def shifted(self) -> Array | None:
        """The numbers less their zero points, in int64, where they are known."""
        if self.kind.constant is None:
            return None
        aside = [1] * (self.kind.rank - 1 - self.axis if self.zeros.size > 1 else 0)
        return self.kind.constant.astype(np.int64) - self.zeros.reshape(-1, *aside)

    @property
    def reach(self) -> int:
        """How far from its one zero point a number can be."""
        least, most = limits(self.kind.dtype)
        return int(max(most - self.zeros[0], self.zeros[0] - least))


@dataclass(frozen=True)
class _Product:
    """A Conv, Gemm or MatMul whose sums are exact.

    `factors` are what a step of the sums is worth, one or one a channel; `steps` are the bias as
    such steps, where it is that.
    """

    node: Node
    x: _Quantized
    w: _Quantized
    factors: Array
    steps: Array | None

    @classmethod
    def of(cls, node: Node, makers: Mapping[Value, Node]) -> _Product | None:
        channel = _channel_axis(node)
        if channel is None:
            return None
        x, w, bias = (_Quantized.behind(value, makers) for value in (*node.inputs, None)[:3])
        if x is None or w is None or not {x.kind.dtype, w.kind.dtype} <= BYTES or not x.whole:
            return None
        weights = w.shifted
        if weights is None or not (w.whole or w.axis == channel):
            return None
        if node.operator.name != "Conv" and (x.kind.rank < 2 or weights.ndim != 2):
            return None
        with np.errstate(over="ignore"):
            factors = x.scales * w.scales
        steps = _steps(bias, factors, weights.shape[channel])
        summed = tuple(axis for axis in range(weights.ndim) if axis != channel)
        largest = x.reach * np.abs(weights).sum(summed)
        if steps is not None:
            largest = largest + np.abs(steps)
        fits = largest.max(initial=0) <= _LARGEST_SUM and np.isfinite(factors).all()
        return cls(node, x, w, factors, steps) if fits else None

    def on_integers(self, builder: GraphBuilder) -> Value:
        """The result, a float."""
        total = self._sums(builder)
        if self.steps is not None:
            total = builder.Add(total, self._spread(self.steps.astype(np.int32), builder))
        factors = self._spread(self.factors, builder)
        made: Value = builder.Mul(builder.Cast(total, to=DType.FLOAT), factors)
        bias = self.node.inputs[2] if len(self.node.inputs) > 2 else None
        if bias is not None and self.steps is None:
            if self.node.operator.name == "Conv":
                bias = builder.Reshape(bias, builder.ints(-1, *self._behind))
            made = builder.Add(made, bias)
        return made

    def _sums(self, builder: GraphBuilder) -> Value:
        """In int32, without the bias."""
        operator: Any = self.node.operator
        left, right = self.x.value, self.w.value
        zeros = [
            builder.constant(one.zeros.reshape(() if one.zeros.size == 1 else -1), one.kind.dtype)
            if one.zeros.any()
            else None
            for one in (self.x, self.w)
        ]
        if operator.name == "Gemm" and operator.transB:
            right = builder.Transpose(right, perm=(1, 0))
        made: Value = (
            builder.ConvInteger(left, right, *zeros, **operator.attributes())
            if operator.name == "Conv"
            else builder.MatMulInteger(left, right, *zeros)
        )
        return made

    @property
    def _behind(self) -> list[int]:
        """A 1 for each axis of the result behind that of the channels."""
        return [1] * (self.x.kind.rank - 2) if self.node.operator.name == "Conv" else []

    def _spread(self, numbers: Array, builder: GraphBuilder) -> Value:
        """Numbers, one for all or one a channel, as they broadcast to the result."""
        return builder.constant(numbers.reshape(() if numbers.size == 1 else (-1, *self._behind)))


def _channel_axis(node: Node) -> int | None:
    """The axis of the weights that the result has too; None where this is no product of them."""
    operator: Any = node.operator
    if operator.domain:
        return None
    if operator.name == "Gemm" and operator.alpha == operator.beta == 1 and not operator.transA:
        return 0 if operator.transB else 1
    return {"Conv": 0, "MatMul": 1}.get(operator.name)


def _steps(bias: _Quantized | None, factors: Array, channels: int) -> Array | None:
    """A bias as integers, one a channel, where its scales are `factors`."""
    numbers = None if bias is None else bias.shifted
    if bias is None or numbers is None or numbers.shape != (channels,):
        return None
    same = np.broadcast_to(bias.scales, channels) == np.broadcast_to(factors, channels)
    return numbers if same.all() else None


def _tensor(value: Value | None) -> TensorType | None:
    return value.type if value is not None and isinstance(value.type, TensorType) else None


def _constant(value: Value | None) -> Array | None:
    kind = _tensor(value)
    return None if kind is None else kind.constant
