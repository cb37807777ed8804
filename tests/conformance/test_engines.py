"""The official cases give the same bits in wasmtime, Node and Chromium, and in the interpreter.

Strict numerics everywhere; fast numerics where an engine has relaxed SIMD, all on one machine; and
strict ones whose work two threads share, in as many parts as can be.
A sample of the cases runs always, all of them with `--all`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from likewise.errors import LikewiseError
from likewise.loop import interpret
from likewise.targets.wasm import emit_lowered
from tests.conformance.compiling import as_stored, compiled_data_sets, interpreted
from tests.conformance.onnx_cases import onnx_cases
from tests.targets.wasm.running import shared_module
from tests.wasm.engines import Packed, Results, digests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from likewise.lower.graph import Lowered

CASES = onnx_cases()
SAMPLE = random.Random(20).sample(sorted(CASES), 150)
MODES = ("strict", "fast", "shared")
INTERPRETED = 60
SMALL = 300
"""Bytes of inputs and outputs of a case that the interpreter runs."""


@dataclass
class Compiled:
    """Cases as packed modules, by numerics, and those that are small enough to interpret."""

    packed: dict[str, Packed]
    small: dict[str, tuple[Lowered, dict[str, Any]]] = field(default_factory=dict)
    in_node: dict[str, Results] = field(default_factory=dict)
    in_chromium: dict[str, Results] = field(default_factory=dict)


def compiled(names: Iterable[str], folder: Path) -> Compiled:
    """Every case of `names` that compiles, run in all engines."""
    for mode in MODES:
        (folder / mode).mkdir()
        (folder / f"site-{mode}").mkdir()
    made = Compiled({mode: Packed(folder / mode) for mode in MODES})
    for name in names:
        try:
            data_sets = list(compiled_data_sets(CASES[name]))
        except (LikewiseError, NotImplementedError):
            continue  # which cases these are is the ledger's business
        for at, (found, live, _) in enumerate(data_sets):
            label = f"{name}/{at}"
            for mode in MODES:
                outputs = made.packed[mode].add(label, module_of(found.lowered, mode), live)
            size = sum(one.nbytes for one in (*live.values(), *outputs.values()))
            if 0 < size <= SMALL:
                made.small[label] = (found.lowered, live)
    assert len(made.packed["strict"].expected) > 0.75 * len(list(names))
    made.in_node = {mode: made.packed[mode].in_node() for mode in ("strict", "shared")}
    made.in_chromium = {
        mode: made.packed[mode].in_chromium(folder / f"site-{mode}") for mode in MODES
    }
    return made


def module_of(lowered: Lowered, mode: str) -> bytes:
    if mode == "shared":
        return shared_module(lowered, "strict", threads=2)
    return emit_lowered(lowered, numerics="fast" if mode == "fast" else "strict")


@pytest.fixture(scope="module", params=["sample", pytest.param("all", marks=pytest.mark.slow)])
def engines(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    names = SAMPLE if request.param == "sample" else CASES
    return compiled(names, tmp_path_factory.mktemp(f"engines-{request.param}"))


def assert_agree(packed: Packed, found: Results) -> int:
    """Hold an engine against wasmtime; how many cases there are."""
    apart = {
        name: (expected, found.results[name])
        for name, expected in packed.expected.items()
        if found.results[name] != expected
    }
    assert not apart, f"{len(apart)} of {len(packed.expected)}: {list(apart.items())[:20]}"
    return len(packed.expected)


@pytest.mark.parametrize("mode", ["strict", "shared"])
def test_node(engines: Compiled, mode: str, record_property: Callable[[str, object], None]) -> None:
    record_property("identical", assert_agree(engines.packed[mode], engines.in_node[mode]))


def test_threads_in_wasmtime(engines: Compiled) -> None:
    assert engines.packed["shared"].expected == engines.packed["strict"].expected


@pytest.mark.parametrize("mode", MODES)
def test_chromium(
    engines: Compiled, mode: str, record_property: Callable[[str, object], None]
) -> None:
    found = engines.in_chromium[mode]
    assert found.relaxed
    record_property("identical", assert_agree(engines.packed[mode], found))


def test_the_interpreter(engines: Compiled) -> None:
    """What defines the loop IR gives what strict modules give."""
    names = sorted(engines.small)
    chosen = random.Random(3).sample(names, min(INTERPRETED, len(names)))
    for name in chosen:
        lowered, feeds = engines.small[name]
        given = {port.buffer: as_stored(feeds[port.name]) for port in lowered.inputs}
        outputs = interpreted(lowered, interpret(lowered.program, given))
        assert digests(outputs) == engines.packed["strict"].expected[name], name
