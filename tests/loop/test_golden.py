"""The text of a dozen small kernels, kept in `golden/`; run with LIKEWISE_GOLDEN=1 to rewrite."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from likewise.loop import program_text
from tests.loop.kernels import PROGRAMS
from tests.targets.wasm.running import module_of, run_both

FOLDER = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", PROGRAMS)
def test_text(name: str) -> None:
    text = program_text(PROGRAMS[name]())
    path = FOLDER / f"{name}.txt"
    if os.environ.get("LIKEWISE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("numerics", ["strict", "fast"])
def test_results(name: str, numerics: str) -> None:
    program = PROGRAMS[name]()
    storage = program.buffer("x").storage
    drawn = np.random.default_rng(5).uniform(-90, 90, 4096)
    run_both(program, {"x": drawn.astype(storage.numpy)}, numerics)  # type: ignore[arg-type]


def test_the_same_program_gives_the_same_bytes() -> None:
    assert module_of(PROGRAMS["f32_exp"]()) == module_of(PROGRAMS["f32_exp"]())
