"""Layouts are permutations: equal sizes do not confuse them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likewise.errors import LikewiseError
from likewise.passes.layout import Layout, reshaped

LAST = Layout.channels_last(4)


def stored(x: np.ndarray, layout: Layout) -> np.ndarray:
    return x.transpose(layout.order)


def test_axes_of_channels_last() -> None:
    assert LAST.order == (0, 2, 3, 1)
    assert LAST.stored((1, 3, 10, 20)) == (1, 10, 20, 3)
    assert [LAST.place(axis) for axis in (0, 1, 2, 3, -1)] == [0, 3, 1, 2, 2]


def test_a_layout_names_every_axis_once() -> None:
    with pytest.raises(LikewiseError, match=r"orders every axis once; given: \(0, 0\)"):
        Layout((0, 0))


@given(st.permutations(range(4)), st.permutations(range(4)), st.permutations(range(4)))
def test_what_is_done_to_axes(a: list[int], b: list[int], perm: list[int]) -> None:
    x = np.arange(8**4).reshape(8, 8, 8, 8)
    one, two = Layout(tuple(a)), Layout(tuple(b))
    np.testing.assert_array_equal(stored(x, one).transpose(one.permutation(two)), stored(x, two))
    np.testing.assert_array_equal(stored(x.transpose(perm), one.transposed(perm)), stored(x, one))
    np.testing.assert_array_equal(
        stored(x.sum(2), one.without([2])), stored(x, one).sum(one.place(2))
    )


@given(st.permutations(range(4)), st.sampled_from([1, 2]), st.data())
def test_the_same_storage_reshaped(order: list[int], unit: int, data: st.DataObject) -> None:
    shape = (2, unit, 2, 2)
    x = np.arange(np.prod(shape)).reshape(shape)
    layout = Layout(tuple(order))
    size = int(np.prod(shape))
    new = data.draw(
        st.sampled_from([(size,), (4, -1), (2, -1, 2), (1, 2, -1), (2, 1, 2, -1), (2, 2, 2, 1, -1)])
    )
    after = x.reshape(new)
    found = reshaped(shape, after.shape, layout)
    if found is None:
        assert not layout.is_plain
    else:
        np.testing.assert_array_equal(
            stored(x, layout).reshape(found.stored(after.shape)), stored(after, found)
        )


def test_a_reshape_that_keeps_the_layout() -> None:
    assert reshaped((1, 8, 8, 8), (1, 8, 64), LAST) == Layout((0, 2, 1))
    assert reshaped((1, 8, 8, 8), (1, 64, 8), LAST) is None
    assert reshaped((8, 8, 1, 1), (8, 8), LAST) == Layout((0, 1))
