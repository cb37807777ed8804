"""The official ONNX cases as compiled modules in headless Chromium, strict and fast, on one page.

`tests/expected/chromium.toml` says what is refused or fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.errors import LikewiseError
from likewise.targets.wasm import emit_lowered
from tests.conformance.compiling import MODES, compiled_data_sets
from tests.conformance.ledger import expected_failures
from tests.conformance.onnx_cases import assert_similar, onnx_cases
from tests.wasm.engines import Packed

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from tests.conformance.onnx_cases import OnnxCase

CASES = onnx_cases()
EXPECTED = expected_failures("chromium", CASES)


def run_in_chromium(folder: Path) -> dict[str, str]:
    """Hold all cases; by name of those that do not pass the first reason why."""
    packed = Packed(folder)
    failed: dict[str, str] = {}
    expected: dict[str, list[Any]] = {}
    for name, case in CASES.items():
        try:
            for at, (compiled, live, outputs) in enumerate(compiled_data_sets(case)):
                for mode in MODES:
                    label = f"{name}/{at}/{mode}"
                    packed.keep(label, emit_lowered(compiled.lowered, numerics=mode), live)
                    expected[label] = outputs
        except (LikewiseError, NotImplementedError) as error:
            failed[name] = str(error)
    (folder / "site").mkdir()
    found = packed.arrays_in_chromium(folder / "site")
    assert set(found) == set(expected)
    for label, outputs in expected.items():
        name = label.partition("/")[0]
        try:
            hold(found[label], outputs, CASES[name])
        except AssertionError as error:
            failed.setdefault(name, f"{label}: {error}")
    return failed


def hold(made: list[Any] | str, outputs: list[Any], case: OnnxCase) -> None:
    """Hold the outputs, or the error, of one run against what the case expects."""
    assert not isinstance(made, str), made
    assert len(made) == len(outputs)
    for one, other in zip(made, outputs, strict=True):
        assert_similar(one, other, case.rtol, case.atol)


def test_those_in_the_ledger_fail_and_all_others_pass(tmp_path: Path) -> None:
    failed = run_in_chromium(tmp_path)
    assert not {name: reason for name, reason in failed.items() if name not in EXPECTED}
    assert not [name for name in EXPECTED if name not in failed]
