"""The module's form: its encoding, its section, its memory, and the host that runs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import wasmtime
from hypothesis import given
from hypothesis import strategies as st

from likewise.errors import InputError, LikewiseError, ModelError
from likewise.loop import Program, ProgramBuilder, S
from likewise.lower.plan import plan_memory
from likewise.targets.wasm import load
from likewise.targets.wasm.encoder import PAGE, Data, FunctionBody, Module, signed, unsigned
from tests.targets.wasm.running import module_of

if TYPE_CHECKING:
    from pathlib import Path


@given(st.integers(0, 2**40))
def test_unsigned_leb128(number: int) -> None:
    raw = unsigned(number)
    assert sum((byte & 127) << 7 * at for at, byte in enumerate(raw)) == number
    assert [byte >> 7 for byte in raw] == [1] * (len(raw) - 1) + [0]


@given(st.integers(-(2**63), 2**63 - 1))
def test_signed_leb128(number: int) -> None:
    raw = signed(number)
    found = sum((byte & 127) << 7 * at for at, byte in enumerate(raw))
    assert found - ((raw[-1] >> 6 & 1) << 7 * len(raw)) == number


def test_sections_parse() -> None:
    body = FunctionBody("f", ("i32", "v128"), ("f64", "f64", "i64"), b"")
    data = (Data(8, (b"abc",)), Data(PAGE - 3, (b"xy", b"z")))
    raw = Module((body, FunctionBody("g", (), (), b"")), 2, {"run": 1}, data, {"a": b"b"}).encode()
    store = wasmtime.Store()
    module = wasmtime.Module(store.engine, raw)
    assert [one.name for one in module.exports] == ["memory", "run"]
    assert module.imports == []
    exports = wasmtime.Instance(store, module, []).exports(store)
    memory: Any = exports["memory"]
    assert memory.data_len(store) == 2 * PAGE
    assert bytes(memory.read(store, 8, 11)) == b"abc"
    assert bytes(memory.read(store, PAGE - 3, PAGE)) == b"xyz"
    limits = memory.type(store).limits
    assert (limits.min, limits.max) == (2, 2)


def doubling(size: int = 4) -> Program:
    program = ProgramBuilder()
    x, y = program.input("x", S.f32, size), program.output("y", S.f32, size)
    with program.function("run") as b, b.loop(size) as i:
        b.store(y, i, b.load(x, i) * 2.0)
    return program.finish()


def test_memory_is_what_the_plan_needs() -> None:
    program = doubling(50000)
    runner = load(module_of(program))
    assert runner.memory_bytes == -(-plan_memory(program).size // PAGE) * PAGE


def test_two_instances_do_not_touch_each_other() -> None:
    raw = module_of(doubling())
    one, two = load(raw), load(raw)
    one.input_view("x")[:] = 1
    two.input_view("x")[:] = 5
    one.run_in_place()
    two.run_in_place()
    assert one.output_view("y").tolist() == [2] * 4
    assert two.output_view("y").tolist() == [10] * 4


CONVERT = "convert it with .astype('float32')"
FEEDS: list[tuple[dict[str, Any], str]] = [
    ({"z": np.zeros(4, "f4")},
     "module: the model has no input 'z'; given: 'z'; allowed: 'x'"),
    ({}, "module: the input 'x' is missing; given: no inputs; allowed: x: float[4]"),
    ({"x": np.zeros(3, "f4")},
     "module: input 'x' has the wrong shape; given: [3]; allowed: [4]"),
    ({"x": np.zeros(4)},
     "module: input 'x' has the wrong element type; given: float64; allowed: float32; " + CONVERT),
]  # fmt: skip


@pytest.mark.parametrize(("feeds", "message"), FEEDS)
def test_wrong_feeds(feeds: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        load(module_of(doubling())).run(feeds)
    assert str(caught.value) == message


HINT = "; a module that `likewise compile` wrote is needed"
BYTES: list[tuple[bytes, str]] = [
    (b"", f"these bytes are no WebAssembly module{HINT}"),
    (b"\0asm\1\0\0\0", f"this WebAssembly module has no section `likewise`{HINT}"),
    (
        b"\0asm\1\0\0\0\0\x0a\x08likewise{",
        f"this WebAssembly module has no section `likewise`{HINT}",
    ),
]


@pytest.mark.parametrize(("raw", "message"), BYTES)
def test_foreign_bytes(raw: bytes, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        load(raw)
    assert str(caught.value) == message


def test_damaged_code_is_our_error() -> None:
    raw = module_of(doubling())
    with pytest.raises(ModelError, match="the WebAssembly module cannot be used; given: "):
        load(raw[:-3] + b"\xff\xff\x0b")


def test_a_file_that_is_cut_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cut.wasm"
    path.write_bytes(module_of(doubling())[:-3])
    with pytest.raises(ModelError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: the WebAssembly module cannot be used; given: ")
    assert "\n" not in message


def test_a_trap_is_our_error() -> None:
    ports: dict[str, Any] = {"inputs": [], "outputs": [], "golden": {}}
    text = json.dumps({"numerics": "strict", "source_sha256": "", **ports}).encode()
    raw = Module((FunctionBody("run", (), (), b"\0"),), 1, {"run": 0}, (), {"likewise": text})
    with pytest.raises(LikewiseError, match=r"the module trapped; given: (?s:.*)unreachable"):
        load(raw.encode()).run({})
