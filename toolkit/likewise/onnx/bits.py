"""Elements of 2, 4 and 6 bits: how a file packs them, lowest bits first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["pack_bits", "unpack_bits"]


def unpack_bits(packed: NDArray[np.uint8], bits: int, count: int) -> NDArray[np.uint8]:
    """The first `count` codes of `bits` (2, 4 or 6) each; `packed` must hold that many."""
    if bits == 6:
        flat = np.unpackbits(packed, count=count * bits, bitorder="little").reshape(count, bits)
        return np.packbits(flat, axis=1, bitorder="little").reshape(count)
    per_byte = 8 // bits
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    codes = (packed[: -(-count // per_byte), None] >> shifts) & np.uint8((1 << bits) - 1)
    return codes.reshape(-1)[:count]


def pack_bits(codes: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """The lowest `bits` (2, 4 or 6) of each code without gaps; zeros fill the last byte."""
    flat = np.unpackbits(codes.reshape(-1, 1), axis=1, count=bits, bitorder="little")
    return np.packbits(flat, bitorder="little")
