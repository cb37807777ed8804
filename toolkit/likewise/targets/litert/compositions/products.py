"""Products whose form FULLY_CONNECTED and BATCH_MATMUL do not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from likewise.ir import DType, TensorType
from likewise.targets.litert.compositions import composed

if TYPE_CHECKING:
    from likewise.ir import Value
    from likewise.ops.build import GraphBuilder

__all__ = ["gemm"]


def is_constant(value: Value | None) -> bool:
    """Whether a value is known beforehand."""
    kind = None if value is None else value.type
    return isinstance(kind, TensorType) and kind.constant is not None


@composed("Pow")
def power(b: GraphBuilder, _: Any, x: Value, y: Value) -> Value | None:
    """In one element type: POW takes no two."""
    base, exponent = b.type(x).dtype, b.type(y).dtype
    if base is exponent:
        return None
    if base.is_float:
        made: Value = b.Pow(x, b.Cast(y, to=base))
        return made
    if exponent.is_integer and {base, exponent} <= {DType.INT32, DType.INT64}:
        return b.Cast(b.Pow(b.Cast(x, to=DType.INT64), b.Cast(y, to=DType.INT64)), to=base)
    return None


@composed("Gemm")
def gemm(
    b: GraphBuilder, operator: Any, A: Value, B: Value, C: Value | None = None
) -> Value | None:
    """What ONNX expands it to, unless it is FULLY_CONNECTED: constant weights, plain factors."""
    plain = operator.alpha == 1 and (C is None or operator.beta == 1)
    if C is not None:
        width = b.type(B).shape[0 if operator.transB else 1]
        plain = plain and is_constant(C) and b.type(C).size == width
        plain = plain and b.type(C).shape[-1:] == (width,)
    if plain and is_constant(B):
        return None
    made: Value = operator.expand(b, A, B, C)
    return made
