"""Real models compiled: as near to the float64 oracle as NumPy in float32 is, within 4 times.

`python -m tests.models.compiled` prints the figures as a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from likewise.targets.wasm import load
from tests.conformance.ledger import expected_failures
from tests.models.compiled import SUBJECTS, artefact, errors

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.network

MODES = ("strict", "fast")
CASES = [f"{name}-{mode}" for name in SUBJECTS for mode in MODES]
EXPECTED = expected_failures("wasm_models", CASES)
SLOW = {"minilm", "resnet50", "segformer_b0", "whisper_tiny_encoder"}

COMPILE_SECONDS = 15
"""Of CPU; the largest model takes a third of that, most of it for its golden vectors."""
CODE_BYTES = 400_000


def marks(case: str) -> list[pytest.MarkDecorator]:
    found = [pytest.mark.slow] if case.rpartition("-")[0] in SLOW else []
    if case in EXPECTED:
        found.append(pytest.mark.xfail(strict=True, reason=EXPECTED[case]))
    return found


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        pytest.param(name, mode, id=f"{name}-{mode}", marks=marks(f"{name}-{mode}"))
        for name in SUBJECTS
        for mode in MODES
    ],
)
def test_model(
    name: str, mode: Literal["strict", "fast"], record_property: Callable[[str, object], None]
) -> None:
    made, seconds = artefact(name)
    record_property("compile_seconds", seconds)
    record_property("code_bytes", made.code_bytes)
    record_property("memory_bytes", made.memory_bytes)
    record_property("scratch_bytes", made.scratch_bytes)
    assert seconds < COMPILE_SECONDS
    assert made.code_bytes < CODE_BYTES
    module = made.plain if mode == "strict" else made.data
    assert module is not None
    assert load(module).self_test() == []
    wrong = {}
    for output, (ours, theirs, verdict) in errors(name, mode).items():
        print(f"{output}: {ours.relative:.1e}, NumPy {theirs.relative:.1e}, {verdict.times:.2f} ×")
        record_property(f"{output} error", ours.relative)
        record_property(f"{output} times", verdict.times)
        if not verdict.good:
            wrong[output] = verdict.reason
    assert not wrong
