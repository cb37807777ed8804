"""Failures of a run: which node, what it was given, and which rule that breaks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from likewise.errors import LikewiseError
from likewise.ir import DType, TensorType, Value, symbol
from likewise.ops.build import GraphBuilder
from likewise.targets.numpy.plan import Plan

VECTOR = TensorType(DType.FLOAT, (symbol("n"),))
FAILURES: dict[str, tuple[Any, tuple[int, ...], str]] = {
    "a rule that only sizes break": (
        lambda b, x: b.Add(x, b.constant(np.zeros(3, np.float32))),
        (2,),
        r"node 'add_2' \(Add\): the shapes do not broadcast; given: \[2\] and \[3\]",
    ),
    "a value that cannot be": (
        lambda b, x: b.Reshape(x, b.ints(2, -1)),
        (3,),
        r"node 'reshape_2' \(Reshape\): ",
    ),
    "memory that there is not": (
        lambda b, x: b.Pad(x, b.ints(0, 1 << 60)),
        (3,),
        r"node 'pad_2' \(Pad\): cannot be computed: there is not enough memory; given: float\[3\]",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_says_where_and_why(name: str) -> None:
    build, shape, message = FAILURES[name]
    b = GraphBuilder()
    x = Value("x", VECTOR)
    plan = Plan(b.graph("g", [x], [build(b, x)]))
    with pytest.raises(LikewiseError, match=message):
        plan.run([np.zeros(shape, np.float32)])
