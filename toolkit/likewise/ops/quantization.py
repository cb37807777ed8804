"""Linear quantization: what scales and zero points apply to, and the ranges of the results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.ops.checks import check_rank, normalize_axis, unify
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from likewise.ir import TensorType
    from likewise.ops.build import Builder

__all__ = [
    "NARROW_FLOATS",
    "NARROW_INTEGERS",
    "LinearQuantization",
    "cast",
    "given_dtype",
    "limits",
]

NARROW_INTEGERS: Final = frozenset(
    DType[f"{sign}INT{bits}"] for sign in ("", "U") for bits in (2, 4, 8, 16)
)
NARROW_FLOATS: Final = frozenset(
    {
        DType.FLOAT8E4M3FN,
        DType.FLOAT8E4M3FNUZ,
        DType.FLOAT8E5M2,
        DType.FLOAT8E5M2FNUZ,
        DType.FLOAT4E2M1,
        DType.FLOAT6E2M3,
        DType.FLOAT6E3M2,
    }
)


class LinearQuantization(Operator):
    """Base of QuantizeLinear and DequantizeLinear.

    A scale, and the zero point of the same shape, is a scalar or of one element for the whole
    tensor; 1-d, one a slice along `axis`; or, where `block_size` is not 0, of the tensor's shape
    but for `axis`, along which each applies to as many elements.
    """

    axis: int = 1
    block_size: int = 0

    def check_scale(self, x: TensorType, scale: TensorType, zero_point: TensorType | None) -> None:
        """Refuse a scale or zero point whose shape fits none of the three forms."""
        if self.block_size < 0:
            raise InferenceError("block_size is negative", given=self.block_size)
        for name, parameter in (("scale", scale), ("zero point", zero_point)):
            if parameter is not None and parameter.shape not in ((), (1,)):
                self._check_shape(x, parameter, name)
        if zero_point is not None and scale.size != 1:
            check_rank(zero_point, scale.rank, "zero point")
            for a, b in zip(scale.shape, zero_point.shape, strict=True):
                unify(a, b, "the dims of the scale and of the zero point")

    def _check_shape(self, x: TensorType, parameter: TensorType, name: str) -> None:
        axis = normalize_axis(self.axis, x.rank)
        if not self.block_size:
            check_rank(parameter, {0, 1}, name)
            unify(parameter.shape[0], x.shape[axis], f"the sizes of the {name} and of axis {axis}")
            return
        check_rank(parameter, x.rank, name)
        for at, (blocks, size) in enumerate(zip(parameter.shape, x.shape, strict=True)):
            if at != axis:
                unify(blocks, size, f"the sizes of the {name} and of axis {at}")
            elif isinstance(size, int) and blocks != (fitting := -(-size // self.block_size)):
                unify(blocks, fitting, f"the sizes of the {name} and the blocks in axis {at}")

    def spread(self, b: Builder[V], parameter: V, x: V) -> V:
        """A scale or zero point in a shape that broadcasts to that of `x`."""
        shape = b.type(parameter).shape
        made: V = parameter
        if shape == (1,):
            made = b.Reshape(parameter, b.ints())
        elif shape and self.block_size:
            axis = self.axis % len(shape)
            size = b.Reshape(b.Shape(x, start=axis, end=axis + 1), b.ints())
            made = b.Gather(parameter, b.Div(b.Range(0, size, 1), self.block_size), axis=axis)
        elif shape:
            behind = b.type(x).rank - 1 - self.axis % b.type(x).rank
            made = b.Reshape(parameter, b.ints(-1, *[1] * behind))
        return made


def cast(b: Builder[V], x: V, to: DType) -> V:
    """`x` as `to`, with no node where it has that type."""
    made: V = x if b.type(x).dtype is to else b.Cast(x, to=to)
    return made


def limits(dtype: DType) -> tuple[int, int]:
    """The least and the greatest value of an integer type."""
    if dtype.is_signed:
        return -(1 << dtype.bits - 1), (1 << dtype.bits - 1) - 1
    return 0, (1 << dtype.bits) - 1


def given_dtype(number: int, name: str) -> DType | None:
    """The element type that an attribute of ints names; 0 names none."""
    try:
        return DType(number) if number else None
    except ValueError:
        raise InferenceError(f"{name} is no element type", given=number) from None
