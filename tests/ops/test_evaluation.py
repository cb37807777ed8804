"""Element types that NumPy lacks, through every operator: with `ml_dtypes` and without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from likewise.errors import LikewiseError
from likewise.ir import DType, type_of
from likewise.ops import every_operator
from likewise.ops.case import f32
from likewise.ops.conversion import convert
from likewise.ops.evaluation import evaluate
from likewise.ops.narrow import is_narrow
from likewise.targets.numpy.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ops.operator import Operator

OPERATORS = {f"{one.domain}.{one.name}".lstrip("."): one for one in every_operator()}


def _uses(operator: type[Operator]) -> Iterator[tuple[Operator, list[Any]]]:
    """The cases that have narrow types, and the others with their float32 as bfloat16."""
    for case in operator.cases():
        if case.error or not case.operator.deterministic:
            continue
        bodies = case.operator.subgraphs  # whose types are declared
        given = list(case.inputs) if bodies else [_as_bfloat16(x) for x in case.inputs]
        ways = [list(case.inputs)] if _has_narrow([*case.inputs, *case.outputs]) else []
        for inputs in (*ways, given) if _has_narrow(given) else ways:
            try:
                case.operator.infer(*(None if x is None else type_of(x) for x in inputs))
            except LikewiseError:
                continue
            yield case.operator, inputs


def _as_bfloat16(x: Any) -> Any:
    if isinstance(x, np.ndarray) and x.dtype == np.float32:
        return convert(x, DType.BFLOAT16)
    return [_as_bfloat16(item) for item in x] if isinstance(x, list) else x


def _has_narrow(values: list[Any]) -> bool:
    return any(_has_narrow(x) if isinstance(x, list) else is_narrow(x) for x in values)


def _results(operator: type[Operator]) -> list[Any]:
    """What comes of all uses: element types, shapes, bytes."""
    found = []
    for use, inputs in _uses(operator):
        keywords = {"run": lambda graph, fed: Plan(graph).run(fed)} if use.subgraphs else {}
        with np.errstate(all="ignore"):
            found.append(_plain(evaluate(use, inputs, **keywords)))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic) and value.dtype != object:
        return DType.of(value.dtype), value.shape, value.tobytes()
    return value.tolist() if isinstance(value, np.ndarray) else value


@pytest.mark.parametrize("name", OPERATORS)
def test_ml_dtypes_makes_no_difference(name: str, request: pytest.FixtureRequest) -> None:
    expected = _results(OPERATORS[name])
    request.getfixturevalue("no_ml_dtypes")
    assert _results(OPERATORS[name]) == expected


def _bfloat16(*values: Any) -> Any:
    return convert(f32(*values), DType.BFLOAT16)


@pytest.mark.parametrize("name", ["Add", "MatMul", "ReduceSum"])
def test_results_are_rounded_once(name: str) -> None:
    a = _bfloat16([[1, 2**-8, 2**-9]])
    b = _bfloat16([[1], [1], [1]])
    given = {"Add": [a, a * 0 + a], "MatMul": [a, b], "ReduceSum": [a]}[name]
    made = evaluate(OPERATORS[name](), given)[0]
    expected = {"Add": [2, 2**-7, 2**-8], "MatMul": [1 + 2**-7], "ReduceSum": [1 + 2**-7]}[name]
    assert made.dtype == DType.BFLOAT16.numpy
    assert made.astype(np.float32).reshape(-1).tolist() == expected
