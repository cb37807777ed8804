"""Every case of every operator, through each path that computes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from likewise.errors import LikewiseError
from likewise.ir import DType, TensorType, symbol, type_of
from likewise.ops import every_operator
from likewise.ops.build import Evaluator, GraphBuilder
from likewise.ops.inference import infer_outputs
from likewise.ops.operator import Operator
from likewise.targets.numpy.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from likewise.ops.case import Case

CASES = {
    f"{operator.domain}.{operator.name}-{index}".lstrip("."): case
    for operator in every_operator()
    for index, case in enumerate(operator.cases())
}


def chosen(choose: Callable[[Case], bool]) -> list[Any]:
    return [pytest.param(case, id=name) for name, case in CASES.items() if choose(case)]


GOOD = chosen(lambda case: not case.error)
BAD = chosen(lambda case: bool(case.error))
EXPANDED = chosen(lambda case: not case.error and type(case.operator).expand is not Operator.expand)


def graph_of(case: Case) -> tuple[GraphBuilder, Any]:
    """A graph of the one node of `case`, its inputs first."""
    builder = GraphBuilder()
    inputs = [
        None if x is None else builder.named_constant(f"input_{index}", x)
        for index, x in enumerate(case.inputs)
    ]
    return builder, inputs


def types_of(case: Case) -> list[Any]:
    return [None if x is None else type_of(x) for x in case.inputs]


def without_values(types: list[Any]) -> list[Any]:
    return [TensorType(t.dtype, t.dims) if isinstance(t, TensorType) else t for t in types]


def as_tuple(made: Any) -> tuple[Any, ...]:
    return made if isinstance(made, tuple) else (made,)


def evaluate(case: Case) -> tuple[Any, ...]:
    options: dict[str, Any] = {}
    if case.operator.subgraphs:
        options["run"] = lambda graph, inputs: Plan(graph).run(list(inputs))
    with np.errstate(all="ignore"):
        return as_tuple(case.operator.evaluate(*case.inputs, **options))


def assert_same(made: Any, expected: Any, case: Case) -> None:
    if isinstance(expected, list):
        assert isinstance(made, list)
        assert len(made) == len(expected)
        for a, b in zip(made, expected, strict=True):
            assert_same(a, b, case)
        return
    if expected is None or isinstance(expected, dict):
        assert made == expected
        return
    made, expected = np.asarray(made), np.asarray(expected)
    assert made.dtype == expected.dtype
    assert made.shape == expected.shape
    if case.rtol == case.atol == 0 or expected.dtype.kind not in "fcV":
        np.testing.assert_array_equal(made, expected)
    else:
        exact = np.complex128 if expected.dtype.kind == "c" else np.float64
        np.testing.assert_allclose(
            made.astype(exact), expected.astype(exact), rtol=case.rtol, atol=case.atol
        )


def assert_outputs(made: tuple[Any, ...], case: Case) -> None:
    assert len(made) >= len(case.outputs)
    for a, b in zip(made, case.outputs, strict=False):
        assert_same(a, b, case)


@pytest.mark.parametrize("case", GOOD)
def test_evaluate(case: Case) -> None:
    before = [x.copy() if isinstance(x, np.ndarray) else x for x in case.inputs]
    assert_outputs(evaluate(case), case)
    for x, copy in zip(case.inputs, before, strict=True):
        if isinstance(x, np.ndarray):
            np.testing.assert_array_equal(x, copy, err_msg="evaluate changed its input")


@pytest.mark.parametrize("case", EXPANDED)
def test_expand_evaluates_the_same(case: Case) -> None:
    with np.errstate(all="ignore"):
        made = as_tuple(case.operator.expand(Evaluator(), *case.inputs))
    assert_outputs(made, case)


@pytest.mark.parametrize("case", EXPANDED)
def test_expand_builds_a_graph_of_the_inferred_types(case: Case) -> None:
    builder, inputs = graph_of(case)
    made = as_tuple(case.operator.expand(builder, *inputs))
    inferred: Any = infer_outputs(case.operator, types_of(case))
    for value, expected in zip(made, inferred, strict=False):
        assert value.type.dtype is expected.dtype
    outputs = Plan(builder.graph("case", (), made)).run([])
    assert_outputs(tuple(outputs), case)


@pytest.mark.parametrize("case", GOOD)
def test_infer_gives_the_types_of_the_outputs(case: Case) -> None:
    for known in (types_of(case), without_values(types_of(case))):
        inferred = infer_outputs(case.operator, known)
        for made, expected in zip(inferred, case.outputs, strict=False):
            if isinstance(made, TensorType) and isinstance(expected, np.ndarray | np.generic):
                actual: Any = type_of(np.asarray(expected))
                assert made.dtype is actual.dtype
                if made.dims is not None:
                    assert len(made.dims) == len(actual.dims)
                    pairs = zip(made.dims, actual.dims, strict=True)
                    assert all(m == n for m, n in pairs if isinstance(m, int))
                if made.constant is not None:
                    assert_same(made.constant, expected, case)


@pytest.mark.parametrize("case", GOOD)
def test_infer_with_symbolic_dims_agrees_once_they_are_bound(case: Case) -> None:
    bindings: dict[str, int] = {}
    symbolic = []
    for known in types_of(case):
        if not isinstance(known, TensorType) or known.dtype is DType.STRING:
            symbolic.append(known)
            continue
        # Sizes 0 and 1 stay numbers: what they mean (nothing, broadcasting) is not symbolic.
        sizes: Any = known.shape
        names = [f"s{dim}" if dim > 1 else dim for dim in sizes]
        bindings.update({name: int(name[1:]) for name in names if isinstance(name, str)})
        small = known.value if known.dtype is DType.INT64 and known.rank <= 1 else None
        dims: Any = tuple(symbol(name) if isinstance(name, str) else name for name in names)
        dims = known.dims if small is not None else dims
        symbolic.append(TensorType(known.dtype, dims, small))
    for made, expected in zip(infer_outputs(case.operator, symbolic), case.outputs, strict=False):
        if isinstance(made, TensorType) and isinstance(expected, np.ndarray) and made.dims:
            assert len(made.dims) == expected.ndim
            bound = made.substitute(bindings).shape
            pairs = zip(bound, expected.shape, strict=True)
            assert all(m == n for m, n in pairs if isinstance(m, int))


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_the_message(case: Case) -> None:
    with pytest.raises(LikewiseError) as caught:
        infer_and_evaluate(case)
    assert case.error in str(caught.value)


def infer_and_evaluate(case: Case) -> None:
    infer_outputs(case.operator, types_of(case))
    evaluate(case)
