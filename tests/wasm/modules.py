"""Small modules for the tests of the TypeScript runtime, with what wasmtime answers.

`python -m tests.wasm.modules FOLDER` writes them and `cases.json`: for each case its module, the
plain-SIMD twin if it has one, and the bytes of inputs and outputs in base64.
"""

from __future__ import annotations

import base64
import json
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import helper

import likewise
from likewise.ir import DType
from likewise.loop import F32, I32, Program, ProgramBuilder, S, Storage
from likewise.lower.kernel import Kernel
from likewise.lower.plan import plan_memory
from likewise.lower.port import Port
from likewise.lower.threads import share_out
from likewise.targets.wasm import Numerics, emit, load
from likewise.targets.wasm.sections import read_section, with_section
from likewise.targets.wasm.weights import weights_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from likewise.loop import BufferParam, FunctionBuilder

__all__ = ["CASES", "Case", "golden_model", "write"]

Array = np.ndarray[Any, Any]
SOURCE = "5e" * 32

MODULE_TYPES = (
    *("float", "double", "float16", "bfloat16", "bool"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)
"""Element types of inputs and outputs of modules."""
_DTYPES = {"bool": "BOOL", "f16": "FLOAT16", "bf16": "BFLOAT16", "f32": "FLOAT", "f64": "DOUBLE"}


@dataclass(frozen=True)
class Case:
    """A program on inputs; `shapes` of its ports where they are not flat."""

    name: str
    program: Program
    feeds: dict[str, Array]
    numerics: Numerics = "strict"
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    dynamic: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Outputs whose axis has the size that another output, an i32, holds after a run."""
    separate: bool = False
    """Whether its weights lie in a file of their own."""
    threads: int = 1

    def module(self, numerics: Numerics) -> bytes:
        plan = plan_memory(self.program)
        stored = weights_of(self.program, plan) if self.separate else None
        made = emit(
            self.program,
            plan,
            inputs=self._ports("input"),
            outputs=self._ports("output"),
            numerics=numerics,
            source_sha256=SOURCE,
            weights=stored and replace(stored[0], name=f"{self.name}.weights"),
            threads=self.threads,
        ).encode()
        return with_lengths(made, self.dynamic) if self.dynamic else made

    def weights(self) -> bytes | None:
        """The content of the file of weights, if there is one."""
        stored = weights_of(self.program, plan_memory(self.program)) if self.separate else None
        return stored and stored[1]

    def _ports(self, kind: str) -> list[Port]:
        return [
            Port(one.name, dtype_of(one.storage), self.shapes.get(one.name, (one.size,)), one.name)
            for one in self.program.buffers
            if one.kind == kind
        ]

    def plain(self) -> Case:
        """The plain-SIMD twin of a fast module."""
        return replace(self, numerics="strict")

    def raw_answers(self) -> dict[str, Array]:
        """What wasmtime gives, in full capacity."""
        shaped = {
            name: one.reshape(self.shapes.get(name, one.shape)) for name, one in self.feeds.items()
        }
        return load(self.module(self.numerics), weights=self.weights()).run(shaped)


def dtype_of(storage: Storage) -> DType:
    integer = {"i": "INT", "u": "UINT"}.get(storage.name[0], "") + storage.name[1:]
    return DType[_DTYPES.get(storage.name, integer)]


def with_lengths(module: bytes, dynamic: dict[str, tuple[str, int]]) -> bytes:
    """The module with `length` in its section; the outputs that hold the sizes are no ports."""
    section = read_section(module)
    outputs = {one["name"]: one for one in section["outputs"]}
    for name, (holder, axis) in dynamic.items():
        outputs[name]["length"] = {"offset": outputs.pop(holder)["offset"], "axis": axis}
    section["outputs"] = list(outputs.values())
    return with_section(module, section)


def program(write: Callable[[ProgramBuilder, FunctionBuilder], None]) -> Program:
    builder = ProgramBuilder()
    with builder.function("run") as b:
        write(builder, b)
    return builder.finish()


def elementwise(
    storage: Storage, count: int, result: Callable[[Any], Any], out: Storage | None = None
) -> Program:
    """One output, `result` of each element of x."""

    def write(builder: ProgramBuilder, b: FunctionBuilder) -> None:
        x, y = builder.input("x", storage, count), builder.output("y", out or storage, count)
        with b.loop(count) as i:
            b.store(y, i, result(b.load(x, i)))

    return program(write)


def add(storage: Storage, count: int) -> Program:
    def write(builder: ProgramBuilder, b: FunctionBuilder) -> None:
        a, c = builder.input("a", storage, count), builder.input("b", storage, count)
        y = builder.output("sum", storage, count)
        with b.loop(count) as i:
            b.store(y, i, b.load(a, i) + b.load(c, i))

    return program(write)


def two_outputs(builder: ProgramBuilder, b: FunctionBuilder) -> None:
    """`scaled` = x * scale as double; `rounded` = x as int32. Two inputs of two types."""
    x, scale = builder.input("x", S.f32, 6), builder.input("scale", S.f64, 1)
    scaled, rounded = builder.output("scaled", S.f64, 6), builder.output("rounded/0", S.i32, 6)
    with b.loop(6) as i:
        value = b.load(x, i)
        b.store(scaled, i, value.cast(scale.storage.value) * b.load(scale, 0))
        b.store(rounded, i, value.cast(I32))


def multiply_add(builder: ProgramBuilder, b: FunctionBuilder) -> None:
    """The vectors x * x + x: relaxed SIMD where numerics is fast."""
    x, y = builder.input("x", S.f32, 64), builder.output("y", S.f32, 64)
    with b.loop(0, 64, 4) as i:
        value = b.load(x, i, 4)
        b.store(y, i, b.madd(value, value, value))


def weighted(builder: ProgramBuilder, b: FunctionBuilder) -> None:
    """Y = x * (the sum of all rows of the weights) + 3: constants of odd and of many bytes."""
    drawn = np.random.default_rng(6).standard_normal((16601, 64)).astype(np.float32)
    bias = builder.constant("bias", np.array([1, 2, 3], np.uint8))
    rows = builder.constant("rows", drawn)
    x, y = builder.input("x", S.f32, 64), builder.output("y", S.f32, 64)
    with b.loop(0, 64, 4) as i:
        value = b.load(x, i, 4)
        total = b.var(value * 0.0)
        with b.loop(16601) as row:
            total.set(b.madd(value, b.load(rows, row * 64 + i, 4), total.get()))
        b.store(y, i, total.get())
    with b.loop(64) as i:
        b.store(y, i, b.load(y, i) + b.load(bias, 2).cast(S.f32.value))


def positives(builder: ProgramBuilder, b: FunctionBuilder) -> None:
    """The positive elements of x and their positions: two rows, as many columns as there are."""
    x, y = builder.input("x", S.i32, 5), builder.output("y", S.i32, 10)
    count = builder.output("count", S.i32, 1)
    found = b.var(0, I32)
    with b.loop(5) as i:
        value = b.load(x, i)
        with b.if_(value > 0):
            b.store(y, found.get(), value)
            b.store(y, found.get() + 5, i)
            found.set(found.get() + 1)
    b.store(count, 0, found.get())


def counted(builder: ProgramBuilder, b: FunctionBuilder) -> None:
    """As many sevens as `n` says, unchecked: 9 is more than there is room for."""
    n, y = builder.input("n", S.i32, 1), builder.output("y", S.u8, 8)
    count = builder.output("count", S.i32, 1)
    with b.loop(8) as i:
        b.store(y, i, 7)
    b.store(count, 0, b.load(n, 0))


def shared_out(*kernels: Callable[[Kernel, BufferParam, BufferParam], None], size: int) -> Program:
    """`x` to `y` by kernels that three threads share."""
    builder = ProgramBuilder()
    x, y = builder.input("x", S.f32, size), builder.output("y", S.f32, size)
    weights = builder.constant("w", np.arange(1, 5, dtype=np.float32))
    with builder.function("run") as b:
        for at, write in enumerate(kernels):
            k = Kernel(f"k{at}")
            write(k, k.pointer(x), k.pointer(y))
            with k.loop(size) as i:
                target = k.pointer(y)
                k.store(target, i, k.load(target, i) * k.load(k.pointer(weights), i & 3))
            b.call(builder.add(k.finish()), k.arguments)
    return share_out(builder.finish(), 3, least=0)


def scaled(k: Kernel, x: BufferParam, y: BufferParam) -> None:
    """Y = x * x, in parts of unlike length."""
    with k.loop(0, 1000, 4) as i:
        value = k.load(x, i, 4)
        k.store(y, i, k.madd(value, value, value))


def smoothed(k: Kernel, x: BufferParam, y: BufferParam) -> None:
    """Each element with those beside it, which others have written: parts must wait for them."""
    del x
    with k.loop(0, 996, 2) as i:
        k.store(y, i, k.load(y, i) + k.load(y, i + 1))


def trapping(k: Kernel, x: BufferParam, y: BufferParam) -> None:
    """Long work, and then y[i] = x[x[i]] in two parts, of which any may read too far."""
    with k.loop(2) as i:
        count = k.var(0.0, F32)
        with k.loop(1_000_000):
            count.set(count.get() * k.load(x, i))
        k.store(y, i, k.load(x, k.load(x, i).cast(I32)) + count.get())


def array(dtype: str, values: list[float]) -> Array:
    return np.array(values, dtype)


def _floats(count: int) -> Array:
    drawn = np.random.default_rng(5).standard_normal(count).astype(np.float32)
    drawn[:6] = [np.nan, -np.inf, np.inf, -0.0, 1e-42, -1e-42]
    return drawn


def _relu(value: Any) -> Any:
    return value.builder.max(value, 0.0)


def _halves() -> Array:
    return np.array([0, 1, -1.5, 65504, 6e-8, np.inf, -np.inf, 0.1], np.float16)


CASES = (
    Case("relu", elementwise(S.f32, 60, _relu), {"x": _floats(60)}, shapes={"x": (3, 4, 5)}),
    Case(
        "add_int64",
        add(S.i64, 4),
        {"a": np.array([2**63 - 1, -1, 2**53 + 1, 0]), "b": np.array([1, -(2**62), 2, 0])},
    ),
    Case(
        "add_uint64",
        add(S.u64, 2),
        {"a": np.array([2**64 - 1, 2**63], np.uint64), "b": np.array([2, 1], np.uint64)},
    ),
    Case("add_int8", add(S.i8, 2), {"a": array("int8", [127, -5]), "b": array("int8", [1, 3])}),
    Case("add_uint8", add(S.u8, 2), {"a": array("uint8", [255, 5]), "b": array("uint8", [1, 3])}),
    Case("add_uint16", add(S.u16, 1), {"a": array("uint16", [65535]), "b": array("uint16", [2])}),
    Case("add_int16", add(S.i16, 1), {"a": array("int16", [32767]), "b": array("int16", [2])}),
    Case(
        "add_uint32", add(S.u32, 1), {"a": array("uint32", [2**32 - 1]), "b": array("uint32", [2])}
    ),
    Case(
        "two",
        program(two_outputs),
        {"x": array("float32", [0.1, -2.5, 3e4, -0.0, 7, 1.5]), "scale": array("float64", [1 / 3])},
        shapes={"x": (2, 3), "scale": (), "rounded/0": (2, 3)},
    ),
    Case("not", elementwise(S.bool, 3, lambda value: ~value), {"x": np.array([True, False, True])}),
    Case("double_float16", elementwise(S.f16, 8, lambda value: value + value), {"x": _halves()}),
    Case(
        "triple_bfloat16",
        elementwise(S.bf16, 3, lambda value: value * 3.0),
        {"x": array("uint16", [0x3F80, 0xC049, 0x7F7F]).view(DType.BFLOAT16.numpy)},
    ),
    Case("fused", program(multiply_add), {"x": _floats(64)}, "fast"),
    Case(
        "positives",
        program(positives),
        {"x": array("int32", [-1, 4, 0, 7, 9])},
        shapes={"y": (2, 5)},
        dynamic={"y": ("count", 1)},
    ),
    Case("counted", program(counted), {"n": array("int32", [3])}, dynamic={"y": ("count", 0)}),
    Case("weighted", program(weighted), {"x": _floats(64)}, "fast", separate=True),
    Case("inside", program(weighted), {"x": _floats(64)}),
    Case(
        "shared",
        shared_out(scaled, smoothed, smoothed, size=1000),
        {"x": _floats(1000)},
        "fast",
        separate=True,
        threads=3,
    ),
    Case(
        "shared_strict",
        shared_out(smoothed, scaled, size=1000),
        {"x": _floats(1000)},
        threads=3,
    ),
    Case("trapping", shared_out(trapping, size=2), {"x": array("float32", [1, 0])}, threads=2),
    Case("nothing", add(S.f32, 0), {"a": array("float32", []), "b": array("float32", [])}),
)


def encoded(arrays: dict[str, Array]) -> dict[str, str]:
    """The bytes of arrays in base64, every NaN as the same one: engines differ in its sign."""
    found = {}
    for name, one in arrays.items():
        floats = one.dtype.kind == "f" and one.itemsize > 2
        same = np.where(np.isnan(one), one.dtype.type(np.nan), one) if floats else one
        found[name] = base64.b64encode(same.tobytes()).decode()
    return found


def answers(case: Case) -> dict[str, Array]:
    """What wasmtime gives, cut to the size that the run found."""
    found = replace(case, dynamic={}).raw_answers()
    for name, (holder, axis) in case.dynamic.items():
        size = int(found.pop(holder)[0])
        found[name] = found[name].take(range(size), axis)
    return found


def golden_model(shape: tuple[int, ...]) -> bytes:
    """A model with an input and an output of every element type that modules take."""
    kinds = {str(one): one for one in DType if str(one) in MODULE_TYPES}
    nodes = [
        helper.make_node("Not", [f"x_{name}"], [f"y_{name}"])
        if kind is DType.BOOL
        else helper.make_node("Add", [f"x_{name}", f"x_{name}"], [f"y_{name}"])
        for name, kind in kinds.items()
    ]
    inputs, outputs = (
        [
            helper.make_tensor_value_info(f"{way}_{name}", kind.value, shape)
            for name, kind in kinds.items()
        ]
        for way in "xy"
    )
    graph = helper.make_graph(nodes, "golden", inputs, outputs)
    opset = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opset).SerializeToString()


def write(folder: Path) -> dict[str, Any]:
    """Write every module, its twin, `golden.wasm` and `cases.json`; what that file says."""
    cases = {}
    for case in CASES:
        found = answers(case)
        (folder / f"{case.name}.wasm").write_bytes(case.module(case.numerics))
        weights = case.weights()
        if weights is not None:
            (folder / f"{case.name}.weights").write_bytes(weights)
        entry = {
            "numerics": case.numerics,
            "inputs": encoded(case.feeds),
            "outputs": encoded(found),
            "shapes": {name: list(one.shape) for name, one in found.items()},
        }
        if case.numerics == "fast":
            (folder / f"{case.name}.plain.wasm").write_bytes(case.module("strict"))
            entry["plain"] = encoded(answers(case.plain()))
        cases[case.name] = entry
    for name, shape in (("golden", (3, 4)), ("golden_large", (40, 30))):
        module = likewise.compile(golden_model(shape), numerics="strict").data
        (folder / f"{name}.wasm").write_bytes(module)
    (folder / "cases.json").write_text(json.dumps({"source": SOURCE, "cases": cases}))
    return cases


if __name__ == "__main__":
    write(Path(sys.argv[1]))
