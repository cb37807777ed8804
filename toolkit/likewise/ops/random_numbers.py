"""Random numbers for the operators that draw them.

ONNX names no algorithm, so other runtimes may draw other numbers from the same seed. Here a seed
gives the same numbers at every run of a node: those of `numpy.random.RandomState`, whose stream
never changes between versions of NumPy (NEP 19) and in which ONNX's cases of Dropout are drawn.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ops.checks import FLOATS

if TYPE_CHECKING:
    from likewise.ir import DType

__all__ = ["check_drawn", "generator"]


def generator(seed: float | None) -> np.random.RandomState:
    """The source of random numbers for `seed`; a new one each time where there is none."""
    if seed is not None:
        whole = math.isfinite(seed) and seed == int(seed)
        seed = (int(seed) if whole else int(np.float64(seed).view(np.uint64))) % (1 << 32)
    return np.random.RandomState(seed)


def check_drawn(dtype: DType) -> DType:
    """`dtype`; refuses what is no floating-point type."""
    if dtype not in FLOATS:
        raise InferenceError(
            "random numbers have no such element type",
            given=dtype,
            allowed=", ".join(sorted(map(str, FLOATS))),
        )
    return dtype
