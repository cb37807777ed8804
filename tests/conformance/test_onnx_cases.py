"""The official ONNX cases through `likewise.load` and `.run`, against the strict ledger."""

from __future__ import annotations

import pytest

import likewise
from tests.conformance.ledger import listed
from tests.conformance.onnx_cases import OnnxCase, assert_similar, onnx_cases

CASES = onnx_cases()
EXPECTED = listed("numpy", "expected", CASES)
RANDOM = listed("numpy", "random", CASES)


def run(case: OnnxCase) -> None:
    model = likewise.load(case.model())
    for inputs, outputs in case.data_sets():
        feeds = {port.name: value for port, value in zip(model.inputs, inputs, strict=False)}
        made = list(model.run(feeds).values())
        assert len(made) == len(outputs)
        for one, other in zip(made, outputs, strict=True):
            if case.name in RANDOM:
                assert (one.dtype, one.shape) == (other.dtype, other.shape)
            else:
                assert_similar(one, other, case.rtol, case.atol)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            id=name,
            marks=[pytest.mark.xfail(strict=True, reason=EXPECTED[name])]
            if name in EXPECTED
            else [],
        )
        for name, case in CASES.items()
    ],
)
def test_onnx_case(case: OnnxCase) -> None:
    run(case)
    if case.name in RANDOM:
        pytest.xfail(RANDOM[case.name])
