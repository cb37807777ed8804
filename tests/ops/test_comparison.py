"""Equal on dims that only a run knows: said where it holds for all sizes, else left open."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from likewise.ir import Dim, DType, TensorType, symbol
from likewise.ops import find_operator
from likewise.ops.case import i64
from likewise.ops.inference import infer_outputs

N = symbol("n")


@pytest.mark.parametrize(
    ("dims", "other", "known"),
    [
        ([N, 3], -1, [False, False]),
        ([N + 1, 3], 0, [False, False]),
        ([N, 3], [-1, 3], [False, True]),
        ([N, 3], 1, None),
        ([N // 2], [0], None),
    ],
)
def test_equal_of_dims(dims: list[Dim], other: Any, known: list[bool] | None) -> None:
    equal = find_operator("Equal")
    assert equal is not None
    shape = TensorType(DType.INT64, (len(dims),), np.array(dims, object))
    (made,) = infer_outputs(equal(), [shape, TensorType(DType.INT64, np.shape(other), i64(other))])
    assert isinstance(made, TensorType)
    assert (None if made.value is None else made.value.tolist()) == known
