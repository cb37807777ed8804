"""Planted faults are noticed: a few always, all thirty with `--all`.

`python -m tests.mutations` shows all of them as a table, and what bisection names.
"""

from __future__ import annotations

import numpy as np
import pytest

from likewise.lower.graph import lower_graph
from likewise.passes import simplify
from likewise.targets.numpy.plan import Plan
from likewise.targets.wasm import emit_lowered, load
from tests.mutations.faults import FAULTS, Fault
from tests.mutations.planting import noticed, planted, run_tests

ALWAYS = {
    "a convolution forgets its bias",
    "a loop of known rounds makes one less",
    "a mean at the border counts what is outside",
}


def test_there_are_thirty_and_each_is_once_in_the_package() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 30
    files = {fault.file() for fault in FAULTS}
    assert len(files) > 15
    assert not [fault.name for fault in FAULTS if fault.old == fault.new]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_targets_agree_without_a_fault(fault: Fault) -> None:
    """What is seen in a chain with a fault is the fault's."""
    graph, x = simplify(fault.chain.graph()), fault.chain.feed()
    assert fault.operator in {node.operator.name for node in graph.nodes}
    (expected,) = Plan(graph).run([x])
    (made,) = load(emit_lowered(lower_graph(graph), numerics="strict")).run({"x": x}).values()
    np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=fault.name, marks=[] if fault.name in ALWAYS else [pytest.mark.slow])
        for fault in FAULTS
    ],
)
def test_a_fault_is_noticed(fault: Fault) -> None:
    assert noticed(fault)


def test_without_a_fault_the_same_tests_pass() -> None:
    tests = next(fault.tests for fault in FAULTS if "one less" in fault.name)
    with planted(None) as package:
        passed, last = run_tests(package, tests)
    assert passed, last
