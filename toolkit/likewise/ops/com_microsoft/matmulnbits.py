"""MatMulNBits: a product with weights of 2, 4 or 8 bits, scaled block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from likewise.errors import InferenceError, UnsupportedError
from likewise.ir import DType
from likewise.ops.case import Case, f32, u8
from likewise.ops.checks import check_dtype, check_float, check_same_dtype, unify
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder


class MatMulNBits(Operator, versions=(1,)):
    """A [..., K] times the transpose of the weights [N, K], + bias.

    B is [N, blocks of K, bytes a block], several weights a byte, the lowest bits first. A weight
    is (its number - zero point) * scale, both by row and block. Zero points are packed like the
    weights, row by row, or floats of their own; without, half the range. Computed in the type of
    A whatever `accuracy_level` allows.
    """

    K: int
    N: int
    accuracy_level: int = 0
    bits: Literal[2, 4, 8] = 4
    block_size: int
    weight_prepacked: int = 0

    def infer(
        self,
        a: TensorType,
        b: TensorType,
        scales: TensorType,
        zero_points: TensorType | None = None,
        g_idx: TensorType | None = None,
        bias: TensorType | None = None,
    ) -> TensorType:
        check_float(a, "A")
        check_dtype(b, {DType.UINT8}, "B")
        check_same_dtype(A=a, scales=scales, bias=bias)
        if zero_points is not None:
            check_dtype(zero_points, {DType.UINT8, a.dtype}, "zero_points")
        if g_idx is not None or self.weight_prepacked:
            raise UnsupportedError("MatMulNBits with g_idx or weight_prepacked is not supported")
        if a.rank < 1:
            raise InferenceError("A has no dims", allowed="1 or more")
        unify(a.shape[-1], self.K, "the last dim of A and K")
        blocks, size = self._blocks, self.block_size * self.bits // 8
        unify(b.size, self.N * blocks * size, "the bytes of B and those of N rows")
        unify(scales.size, self.N * blocks, "the number of scales and of blocks")
        return a.with_shape((*a.shape[:-1], self.N))

    @property
    def _blocks(self) -> int:
        return -(-self.K // self.block_size)

    def evaluate(
        self,
        a: Array,
        b: Array,
        scales: Array,
        zero_points: Array | None = None,
        g_idx: Array | None = None,  # noqa: ARG002 — refused by infer
        bias: Array | None = None,
    ) -> Array:
        dtype = np.dtype(np.float32) if a.dtype.itemsize == 2 else a.dtype
        rows, blocks = self.N, self._blocks
        whole = _unpacked(b.reshape(rows, -1), self.bits).reshape(rows, blocks, self.block_size)
        weights = whole.astype(dtype)
        if zero_points is None:
            weights -= dtype.type(1 << (self.bits - 1))
        elif zero_points.dtype == np.uint8:
            zeros = _unpacked(zero_points.reshape(rows, -1), self.bits)[:, :blocks]
            weights -= zeros[..., None].astype(dtype)
        else:
            weights -= zero_points.reshape(rows, blocks, 1).astype(dtype)
        weights *= scales.reshape(rows, blocks, 1).astype(dtype)
        made = np.matmul(a.astype(dtype, copy=False), weights.reshape(rows, -1)[:, : self.K].T)
        if bias is not None:
            made = made + bias.astype(dtype)
        return made.astype(a.dtype, copy=False)

    def expand(
        self,
        b: Builder[V],
        a: V,
        packed: V,
        scales: V,
        zero_points: V | None = None,
        g_idx: V | None = None,  # noqa: ARG002 — refused by infer
        bias: V | None = None,
    ) -> V:
        dtype = b.type(a).dtype
        rows, blocks = self.N, self._blocks
        column = b.ints(rows, blocks, 1)
        weights = self._expanded(b, b.Reshape(packed, b.ints(rows, blocks, -1)), dtype)
        zeros: V = b.constant(1 << (self.bits - 1), dtype)
        if zero_points is not None and b.type(zero_points).dtype is DType.UINT8:
            zeros = self._expanded(b, b.Reshape(zero_points, b.ints(rows, 1, -1)), dtype)
            last = b.ints(2)
            zeros = b.Reshape(b.Slice(zeros, b.ints(0), b.ints(blocks), last), column)
        elif zero_points is not None:
            zeros = b.Reshape(zero_points, column)
        weights = b.Mul(b.Sub(weights, zeros), b.Reshape(scales, column))
        weights = b.Reshape(weights, b.ints(rows, -1))
        weights = b.Slice(weights, b.ints(0), b.ints(self.K), b.ints(1))
        made: V = b.MatMul(a, b.Transpose(weights, perm=(1, 0)))
        return made if bias is None else b.Add(made, bias)

    def _expanded(self, b: Builder[V], packed: V, dtype: DType) -> V:
        """The numbers in `packed` [n, m, bytes] as [n, m, bytes * 8 / bits] of `dtype`."""
        axis, parts = b.ints(3), []
        for shift in range(0, 8, self.bits):
            part = b.BitShift(packed, b.constant(shift, DType.UINT8), direction="RIGHT")
            part = b.BitwiseAnd(part, b.constant((1 << self.bits) - 1, DType.UINT8))
            parts.append(b.Unsqueeze(part, axis))
        whole = b.Reshape(b.Concat(*parts, axis=3), b.ints(0, 0, -1))
        made: V = b.Cast(whole, to=dtype.value)
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        a = np.ones((1, 20), np.float32)
        low = np.full((1, 2, 8), 0x98, np.uint8)  # weights 0 and 1 in turn
        small = cls(K=20, N=1, block_size=16)
        yield Case(small, [a, low, f32([1, 2])], [f32([[12]])])
        yield Case(small, [a, low, f32([1, 2]), u8([0x78])], [f32([[20]])])
        yield Case(small, [a, low, f32([1, 2]), f32([8, 8.5]), None, f32([1])], [f32([[9]])])
        wide = cls(K=20, N=1, block_size=16, bits=8)
        bytes_ = np.full((1, 2, 16), 130, np.uint8)
        yield Case(wide, [a, bytes_, f32([1, 2])], [f32([[48]])])
        yield Case(wide, [a, low, f32([1, 2])], error="the bytes of B and those of N rows differ")


def _unpacked(x: Array, bits: int) -> Array:
    """The numbers in bytes [n, m] as [n, m * 8 / bits], the lowest bits first."""
    if bits == 8:
        return x
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    apart = (x[..., None] >> shifts) & np.uint8((1 << bits) - 1)
    return apart.reshape(len(x), -1)
