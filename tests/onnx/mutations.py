"""Broken files made of real ones."""

from __future__ import annotations

from hypothesis import strategies as st

from likewise.onnx.wire import varint

NUMBERS = [0, 1, 2, 127, 128, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1]
INSERTED = [*map(varint, NUMBERS), b"\x80" * 11, b"\xff", b"\0", b"\x0a\x00", b"\x0b", b"\x0c"]


@st.composite
def mutated(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """One of `originals` with up to eight places overwritten, cut out, doubled or added to."""
    data = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 8))):
        start = draw(st.integers(0, len(data)))
        stop = min(len(data), start + draw(st.sampled_from([1, 2, 5, 40, 500])))
        match draw(st.sampled_from(["set", "insert", "replace", "cut", "double", "end"])):
            case "set":
                data[start:stop] = draw(st.binary(min_size=1, max_size=1)) * (stop - start)
            case "insert":
                data[start:start] = draw(st.sampled_from(INSERTED))
            case "replace":
                data[start : start + 1] = draw(st.sampled_from(INSERTED))
            case "cut":
                del data[start:stop]
            case "double":
                data[start:start] = data[start:stop]
            case "end":
                del data[start:]
    return bytes(data)
