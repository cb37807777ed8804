"""The protobuf wire format: varints, tags, lengths, and how to skip what is not known.

Everything here works on a `memoryview` of bytes with absolute offsets, so that an error can name
the byte of the file where it lies. Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

__all__ = [
    "DEPTH_LIMIT",
    "FIXED32",
    "FIXED64",
    "LENGTH",
    "VARINT",
    "WireError",
    "read_length",
    "read_varint",
    "skip_field",
    "unpack_varints",
    "varint",
]

VARINT: Final = 0
FIXED64: Final = 1
LENGTH: Final = 2
_GROUP: Final = 3
_END_GROUP: Final = 4
FIXED32: Final = 5

DEPTH_LIMIT: Final = 100
"""How deep messages and groups may nest; protobuf's own limit."""

_VARINT_BYTES: Final = 10
_MASK64: Final = (1 << 64) - 1
_TAG_BITS: Final = 32
_CHUNK: Final = 1 << 16
_ONE_BYTE: Final = tuple(bytes([value]) for value in range(0x80))


class WireError(Exception):
    """Bytes that break the wire format.

    Internal: the decoder turns it into a `ModelError`. `path` collects the fields on the way out,
    innermost first.
    """

    def __init__(self, what: str, *path: str) -> None:
        super().__init__(what)
        self.what = what
        self.path = list(path)


def read_varint(view: memoryview, pos: int, end: int) -> tuple[int, int]:
    """The unsigned 64-bit varint at `pos`, and the offset after it; it must end before `end`."""
    value = 0
    for index in range(_VARINT_BYTES):
        here = pos + index
        if here >= end:
            raise WireError(f"the number at byte {pos} is cut off by the end at byte {end}")
        byte = view[here]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & _MASK64, here + 1
    raise WireError(f"the number at byte {pos} is longer than {_VARINT_BYTES} bytes")


def read_length(view: memoryview, pos: int, end: int) -> tuple[int, int]:
    """The first byte after the length at `pos` and the end of what it measures, within `end`."""
    size, start = read_varint(view, pos, end)
    if start + size <= end:
        return start, start + size
    outer = f"the file ({end} bytes)" if end == len(view) else f"its message (byte {end})"
    raise WireError(f"length {size} at byte {pos} goes past the end of {outer}")


def skip_field(view: memoryview, tag: int, pos: int, end: int) -> int:
    """The offset after the content of an unknown field whose tag ended at `pos`."""
    groups: list[int] = []
    while True:
        number, wire = tag >> 3, tag & 7
        if number == 0 or tag >> _TAG_BITS:
            raise WireError(f"the field tag before byte {pos} has the invalid number {number}")
        if wire == _GROUP:
            groups.append(number)
            if len(groups) > DEPTH_LIMIT:
                raise WireError(f"groups nest deeper than {DEPTH_LIMIT} levels at byte {pos}")
        elif wire == _END_GROUP:
            if not groups or groups.pop() != number:
                raise WireError(f"the group end before byte {pos} closes no open group")
        else:
            pos = _skip_value(view, wire, pos, end)
        if not groups:
            return pos
        tag, pos = read_varint(view, pos, end)


def _skip_value(view: memoryview, wire: int, pos: int, end: int) -> int:
    if wire == VARINT:
        return read_varint(view, pos, end)[1]
    if wire == LENGTH:
        return read_length(view, pos, end)[1]
    if wire in {FIXED32, FIXED64}:
        stop = pos + (4 if wire == FIXED32 else 8)
        if stop > end:
            raise WireError(f"the number at byte {pos} is cut off by the end at byte {end}")
        return stop
    raise WireError(f"the field tag before byte {pos} has the invalid wire type {wire}")


def unpack_varints(raw: bytes | bytearray | memoryview, dtype: DTypeLike) -> NDArray[Any]:
    """The packed varints of `raw` as a vector of int32, int64 or uint64.

    The last byte of `raw` must end a varint. Longer numbers wrap, as protobuf has it.
    """
    data = np.frombuffer(raw, np.uint8)
    last = data < 0x80
    if last.all():
        return data.astype(dtype)
    out = np.empty(np.count_nonzero(last), dtype)
    start = filled = 0
    while start < data.size:
        ends = np.flatnonzero(last[start : start + _CHUNK])
        lengths = np.diff(ends, prepend=-1)
        if not ends.size or lengths.max() > _VARINT_BYTES:
            raise WireError(f"a packed number is longer than {_VARINT_BYTES} bytes")
        chunk = data[start : start + int(ends[-1]) + 1]
        out[filled : filled + ends.size] = _join_varints(chunk, ends, lengths).astype(dtype)
        start += chunk.size
        filled += ends.size
    return out


def _join_varints(
    chunk: NDArray[np.uint8], ends: NDArray[np.intp], lengths: NDArray[np.intp]
) -> NDArray[np.uint64]:
    starts = ends - lengths + 1
    values = np.zeros(ends.size, np.uint64)
    for index in range(int(lengths.max())):
        longer = lengths > index
        seven_bits = (chunk[starts[longer] + index] & np.uint8(0x7F)).astype(np.uint64)
        values[longer] |= seven_bits << np.uint64(7 * index)
    return values


def varint(value: int) -> bytes:
    """`value` (64 bits; a negative one in two's complement) as a varint."""
    if 0 <= value < 0x80:
        return _ONE_BYTE[value]
    value &= _MASK64
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
