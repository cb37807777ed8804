"""Fixtures for all tests."""

from __future__ import annotations

import sys

import pytest

from likewise.ir import DType


@pytest.fixture
def no_ml_dtypes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where `ml_dtypes` is not installed."""
    for dtype in DType:
        if dtype.is_narrow:
            assert dtype.numpy.itemsize  # it is kept on the member, and comes back after the test
            monkeypatch.delitem(dtype.__dict__, "numpy")
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
