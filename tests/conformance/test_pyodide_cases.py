"""The official ONNX cases on NumPy inside Pyodide, in Node, against the strict ledger."""

from __future__ import annotations

import pytest

from tests.conformance.ledger import listed
from tests.conformance.onnx_cases import onnx_cases
from tests.conformance.pyodide_cases import run_in_pyodide

CASES = onnx_cases()
RANDOM = listed("pyodide", "random", CASES)
EXPECTED = listed("pyodide", "expected", CASES)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return run_in_pyodide(CASES.values(), RANDOM, tmp_path_factory.mktemp("pyodide"))


@pytest.mark.network
def test_all_pass_but_those_in_the_ledger(found: dict[str, str]) -> None:
    assert set(found) == set(CASES)
    wrong = {name: reason for name, reason in found.items() if reason and name not in EXPECTED}
    assert not wrong


@pytest.mark.network
def test_those_in_the_ledger_fail_as_it_says(found: dict[str, str]) -> None:
    fine = [name for name in EXPECTED if not found[name]]
    assert not fine
    for name, reason in EXPECTED.items():
        assert "pillow" in reason
        assert "pillow" in found[name]
