"""What every module keeps: nothing imported, nothing left over, the same bytes each time."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import wasmtime

import likewise
from likewise.errors import LikewiseError
from likewise.lower.plan import plan_memory
from likewise.targets.wasm import Numerics, Runner, emit_lowered, load
from likewise.targets.wasm.encoder import PAGE
from likewise.targets.wasm.sections import CODE, DATA, read_section, section_sizes
from tests.conformance.compiling import compile_case
from tests.conformance.onnx_cases import onnx_cases
from tests.models.compiled import SUBJECTS, artefact, runner
from tests.targets.wasm.running import assert_same_bits
from tools.models import ensure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from likewise.lower.graph import Lowered

Array = np.ndarray[Any, Any]
Feeds = dict[str, Array]

ROOT = Path(__file__).resolve().parents[3]
MODES: tuple[Numerics, Numerics] = ("strict", "fast")
MODELS = ("mobilenetv2", "silero_vad")
CUSTOM, TYPE, FUNCTION, MEMORY, EXPORT = 0, 1, 3, 5, 7
SECTIONS = {CUSTOM, TYPE, FUNCTION, MEMORY, EXPORT, CODE, DATA}
"""No imports, tables, globals or start function."""

NOT_IN_PYODIDE = (
    *("curses", "dbm", "ensurepip", "fcntl", "grp", "lzma", "pwd", "resource", "sqlite3", "ssl"),
    *("syslog", "termios", "tkinter", "venv"),
)


def compiled_sample() -> dict[str, tuple[Lowered, Feeds]]:
    """Official cases, seeded, as programs with the inputs that are live."""
    cases = onnx_cases()
    found = {}
    for name in random.Random(7).sample(sorted(cases), 120):
        model = likewise.load(cases[name].model())
        inputs, _ = next(cases[name].data_sets())
        feeds = {port.name: one for port, one in zip(model.inputs, inputs, strict=False)}
        try:
            made = compile_case(model.graph, feeds)
        except LikewiseError:
            continue  # the ledger says which
        live = {key: one for key, one in feeds.items() if key not in made.constants}
        found[name] = made.lowered, live
    return found


@pytest.fixture(scope="module")
def sample() -> dict[str, tuple[Lowered, Feeds]]:
    found = compiled_sample()
    assert len(found) > 80
    return found


def others(feeds: Mapping[str, Array]) -> Feeds:
    """Other inputs of the same types: reversed, floats of the other sign with a NaN among them."""
    found = {}
    for name, array in feeds.items():
        one = array.reshape(-1)[::-1].reshape(array.shape).copy()
        if array.dtype.kind == "f":
            one = -one
            one.reshape(-1)[:1] = np.nan
        found[name] = one
    return found


def assert_equal(made: Mapping[str, Array], expected: Mapping[str, Array], name: str) -> None:
    assert list(made) == list(expected)
    for output, array in made.items():
        other = expected[output]
        if array.dtype.kind == "V":
            array, other = array.astype(np.float32), other.astype(np.float32)
        assert_same_bits(array, other, f"{name}: {output}")


def hold_runs(one: Runner, fresh: Runner, feeds: Feeds, name: str) -> None:
    """A, B, A on one instance: both answers to A are the same, that to B is a fresh one's.

    Then both hold inputs of their own at once.
    """
    changed = others(feeds)
    first, between, third = one.run(feeds), one.run(changed), one.run(feeds)
    assert_equal(third, first, name)
    assert_equal(between, fresh.run(changed), name)
    for instance, given in ((one, changed), (fresh, feeds)):
        for key, array in given.items():
            instance.input_view(key)[...] = array
    one.run_in_place()
    fresh.run_in_place()
    for instance, expected in ((one, between), (fresh, first)):
        assert_equal({key: instance.output_view(key) for key in expected}, expected, name)


def assert_form(module: bytes, needed: int) -> None:
    """Only memory and run go out, nothing comes in, and there is the memory that is needed."""
    assert set(section_sizes(module)) <= SECTIONS
    engine = wasmtime.Engine()
    loaded = wasmtime.Module(engine, module)
    assert loaded.imports == []
    memory, run = loaded.exports
    assert (memory.name, run.name) == ("memory", "run")
    assert isinstance(memory.type, wasmtime.MemoryType)
    assert isinstance(run.type, wasmtime.FuncType)
    pages = -(-needed // PAGE)
    assert (memory.type.limits.min, memory.type.limits.max) == (pages, pages)
    assert (run.type.params, run.type.results) == ([], [])
    section = read_section(module)
    for port in (*section["inputs"], *section["outputs"]):
        assert 0 < port["offset"] <= needed - port["bytes"]


@pytest.mark.parametrize("mode", MODES)
def test_cases_have_the_form(sample: dict[str, tuple[Lowered, Feeds]], mode: Numerics) -> None:
    for lowered, _ in sample.values():
        assert_form(emit_lowered(lowered, numerics=mode), plan_memory(lowered.program).size)


@pytest.mark.parametrize("mode", MODES)
def test_cases_leave_nothing_over(sample: dict[str, tuple[Lowered, Feeds]], mode: Numerics) -> None:
    for name, (lowered, feeds) in sample.items():
        module = emit_lowered(lowered, numerics=mode)
        hold_runs(load(module), load(module), feeds, name)


@pytest.mark.network
@pytest.mark.parametrize("name", MODELS)
def test_models(name: str) -> None:
    made, _ = artefact(name)
    assert made.plain is not None
    for mode, module in (("fast", made.data), ("strict", made.plain)):
        assert_form(module, made.memory_bytes)
        assert read_section(module)["numerics"] == mode
    hold_runs(runner(name, "fast"), runner(name, "fast"), SUBJECTS[name].calls()[0], name)


def test_the_plain_twin_of_a_fast_module_is_the_strict_one() -> None:
    model = likewise.load(onnx_cases()["test_gemm_default_matrix_bias"].model())
    fast = likewise.compile(model, numerics="fast")
    assert fast.plain == likewise.compile(model, numerics="strict").data


def test_compiling_twice_gives_the_same_bytes(sample: dict[str, tuple[Lowered, Feeds]]) -> None:
    again = compiled_sample()
    for name, (lowered, _) in sample.items():
        assert emit_lowered(lowered) == emit_lowered(again[name][0]), name


def compiled_elsewhere(name: str, seed: int, prelude: str = "") -> dict[str, Any]:
    """What another process says of the model that it compiled."""
    code = f"""
import sys
{prelude}
import hashlib, json, numpy
before = set(sys.modules)
import likewise
subject = json.loads(sys.argv[2])
made = likewise.compile(sys.argv[1], shapes=subject["shapes"], constants=subject["constants"])
loaded = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(json.dumps({{
    "sha256": [hashlib.sha256(one).hexdigest() for one in (made.data, made.plain)],
    "foreign": sorted(loaded - sys.stdlib_module_names - {{"numpy"}}),
}}))
"""
    subject = SUBJECTS[name]
    options = {
        "shapes": subject.shapes(),
        "constants": {key: one.tolist() for key, one in subject.constants.items()},
    }
    done = subprocess.run(
        [sys.executable, "-c", code, str(ensure(name)), json.dumps(options)],
        capture_output=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": str(seed)},
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.network
@pytest.mark.parametrize("name", MODELS)
def test_other_processes_compile_the_same_bytes(name: str) -> None:
    assert compiled_elsewhere(name, 1)["sha256"] == compiled_elsewhere(name, 2)["sha256"]


@pytest.mark.network
def test_the_compiler_needs_only_what_pyodide_has() -> None:
    block = f"sys.modules.update(dict.fromkeys({(*NOT_IN_PYODIDE, 'wasmtime')!r}))"
    assert compiled_elsewhere("silero_vad", 0, block)["foreign"] == ["likewise"]
