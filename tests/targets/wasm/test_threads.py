"""Modules with threads give the bits that they give without, and end as they should."""

from __future__ import annotations

import gc
import random
import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import wasmtime
from onnx import TensorProto, helper

import likewise
from likewise.errors import InputError, LikewiseError
from likewise.loop import I32, Program, ProgramBuilder, S
from likewise.lower.kernel import Kernel
from likewise.lower.plan import plan_memory
from likewise.lower.threads import share_out
from likewise.targets.wasm import Numerics, emit, emit_lowered, load
from likewise.targets.wasm.sections import read_section
from tests.conformance.compiling import compile_case
from tests.conformance.onnx_cases import onnx_cases
from tests.models.compiled import SUBJECTS, artefact
from tests.targets.wasm.running import assert_same_bits, ports, shared_module
from tools.models import ensure

Array = np.ndarray[Any, Any]
THREADS = 3


@pytest.mark.parametrize("numerics", ["strict", "fast"])
def test_official_cases_have_the_bits_of_one_thread(numerics: Numerics) -> None:
    cases = onnx_cases()
    cut = 0
    for name in random.Random(11).sample(sorted(cases), 120):
        model = likewise.load(cases[name].model())
        inputs, _ = next(cases[name].data_sets())
        feeds = {port.name: one for port, one in zip(model.inputs, inputs, strict=False)}
        try:
            made = compile_case(model.graph, feeds)
        except LikewiseError:
            continue  # the ledger says which
        live = {key: one for key, one in feeds.items() if key not in made.constants}
        module = shared_module(made.lowered, numerics, THREADS)
        alone = shared_module(made.lowered, numerics, 1)
        expected = load(emit_lowered(made.lowered, numerics=numerics)).run(live)
        cut += any("." in one.name for one in share_out(made.lowered.program, 3, 0).functions)
        for made_for, threads in ((alone, 1), (module, 1), (module, THREADS)):
            found = load(made_for, threads=threads).run(live)
            for output, array in expected.items():
                one, other = (
                    each.astype(np.float32) if each.dtype.kind == "V" else each
                    for each in (found[output], array)
                )
                assert_same_bits(one, other, f"{name}: {output}, {threads} threads")
    assert cut > 40


@pytest.mark.network
@pytest.mark.parametrize("name", ["mobilenetv2", "resnet18", "vit_tiny", "silero_vad"])
def test_models_have_the_bits_of_one_thread(name: str) -> None:
    subject = SUBJECTS[name]
    options: dict[str, Any] = {"shapes": subject.shapes(), "constants": subject.constants}
    made = likewise.compile(ensure(name), threads=2, **options)
    single, _ = artefact(name)
    assert made.plain is not None
    assert single.plain is not None
    feeds = subject.calls()[0]
    for ours, other in ((made.data, single.data), (made.plain, single.plain)):
        expected = load(other).run(feeds)
        runner = load(ours, threads=2)
        for _ in range(3):
            for output, array in runner.run(feeds).items():
                assert_same_bits(array, expected[output], f"{name}: {output}")


def test_a_module_imports_its_memory_and_nothing_else() -> None:
    made = likewise.compile(small(), threads=4, shapes={"x": (64, 64)})
    module = wasmtime.Module(wasmtime.Engine(), made.data)
    (memory,) = module.imports
    assert (memory.module, memory.name) == ("likewise", "memory")
    assert isinstance(memory.type, wasmtime.MemoryType)
    pages = memory.type.limits.min
    assert memory.type.is_shared
    assert memory.type.limits.max == pages
    assert [one.name for one in module.exports] == ["memory", "run", "crew", "work", "fail", "stop"]
    assert read_section(made.data)["threads"] == {"count": 4, "pages": pages}
    assert likewise.compile(small(), threads=4, shapes={"x": (64, 64)}).data == made.data


def small(operator: str = "Exp", *more: str) -> bytes:
    """One operator on matrices of 64 columns."""
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", *more], ["y"])],
        "g",
        [info(name, TensorProto.FLOAT, ["n", 64]) for name in ("x", *more)],
        [info("y", TensorProto.FLOAT, None)],
    )
    opset = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opset).SerializeToString()


@pytest.mark.parametrize("threads", [0, -1, 65, 1.5, "2"])
def test_a_wrong_number_of_threads(threads: Any) -> None:
    with pytest.raises(InputError) as caught:
        likewise.compile(small(), threads=threads)
    message = f"there is no such number of threads; given: {threads}; allowed: 1 to 64"
    assert message in str(caught.value)


def test_weights_beside_a_module_with_threads() -> None:
    weights = np.random.default_rng(2).standard_normal((64, 64)).astype(np.float32)
    options: dict[str, Any] = {"shapes": {"x": (64, 64)}, "constants": {"w": weights}}
    model = small("MatMul", "w")
    beside = likewise.compile(model, threads=2, weights="separate", **options)
    assert beside.weights is not None
    inside = likewise.compile(model, threads=2, **options)
    x = {"x": weights.T.copy()}
    assert_same_bits(beside.load().run(x)["y"], inside.load().run(x)["y"])
    assert_same_bits(
        inside.load().run(x)["y"], likewise.compile(model, **options).load().run(x)["y"]
    )


def reading(size: int, rounds: int) -> Program:
    """y[i] = x[at[i]] in two parts; each first counts to `rounds`, so that both threads come."""
    made = ProgramBuilder()
    x, at = made.input("x", S.i32, size), made.input("at", S.i32, 2)
    y = made.output("y", S.i32, 2)
    with made.function("run") as run:
        k = Kernel("k")
        with k.loop(2) as i:
            count = k.var(0, I32)
            with k.loop(rounds):
                count.set(k.load(k.pointer(x), count.get() & 1) + count.get())
            found = k.load(k.pointer(x), k.load(k.pointer(at), i))
            k.store(k.pointer(y), i, found + (count.get() & 0))
        run.call(made.add(k.finish()), k.arguments)
    return made.finish()


def runner_of(program: Program, threads: int) -> Any:
    shared = share_out(program, threads, least=0)
    module = emit(
        shared,
        plan_memory(shared),
        inputs=ports(program, "input"),
        outputs=ports(program, "output"),
        threads=threads,
    ).encode()
    return load(module, threads=threads)


def helpers() -> set[threading.Thread]:
    """The threads that help runners now: those of earlier tests too, until they have ended."""
    return {one for one in threading.enumerate() if one.name.startswith("likewise")}


def test_a_trap_in_any_thread_is_an_error_of_the_run() -> None:
    x = np.ones(16, np.int32)
    for trapping in (0, 1):
        at = np.zeros(2, np.int32)
        at[trapping] = 1 << 28
        for _ in range(5):
            runner = runner_of(reading(16, 2_000_000), 2)
            with pytest.raises(LikewiseError, match="the module trapped"):
                runner.run({"x": x, "at": at})
            fine = runner_of(reading(16, 10), 2)
            assert fine.run({"x": x, "at": np.zeros(2, np.int32)})["y"].tolist() == [1, 1]


def test_threads_end_with_their_runner() -> None:
    before = helpers()
    runner = runner_of(reading(16, 10), 3)
    runner.run({"x": np.ones(16, np.int32), "at": np.zeros(2, np.int32)})
    ours = helpers() - before
    assert len(ours) == 2
    time.sleep(0.1)  # they are asleep by now
    del runner
    gc.collect()
    for one in ours:
        one.join(timeout=30)
    assert not any(one.is_alive() for one in ours)


def test_no_more_threads_than_were_asked_for() -> None:
    made = likewise.compile(small(), threads=2, shapes={"x": (64, 64)})
    assert [made.load(threads=count).threads for count in (1, 2, 5)] == [1, 2, 2]
    whole = likewise.compile(small(), shapes={"x": (64, 64)})
    assert whole.load(threads=5).threads == 1
    assert whole.threads == 1
    assert made.threads == 2
    x = {"x": np.linspace(-9, 9, 4096, dtype=np.float32).reshape(64, 64)}
    assert_same_bits(made.load().run(x)["y"], whole.load().run(x)["y"])
    assert replace(made, name="other").threads == 2
