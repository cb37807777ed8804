from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper

from likewise.onnx.bits import pack_bits, unpack_bits

THEIRS = {
    2: numpy_helper._pack_2bitx4,
    4: numpy_helper._pack_4bitx2,
    6: numpy_helper._pack_6bit,
}


@pytest.mark.parametrize("bits", THEIRS)
@given(data=st.data())
def test_packs_as_onnx_does_and_back(bits: int, data: st.DataObject) -> None:
    codes = data.draw(st.lists(st.integers(0, (1 << bits) - 1), max_size=20))
    array = np.array(codes, np.uint8)
    packed = pack_bits(array, bits)
    np.testing.assert_array_equal(packed, THEIRS[bits](array))
    np.testing.assert_array_equal(unpack_bits(packed, bits, array.size), array)


def test_higher_bits_are_ignored() -> None:
    assert pack_bits(np.array([0xFC, 0x13], np.uint8), 4).tolist() == [0x3C]
