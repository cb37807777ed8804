"""The build whose steps can be timed one by one: in order they do what `run` does."""

from __future__ import annotations

import random

import pytest

from likewise.loop import F32, FunctionBuilder
from likewise.loop.nodes import Call
from likewise.lower.plan import plan_memory
from likewise.targets.wasm import emit_lowered, load
from likewise.targets.wasm.instance import Instance
from likewise.targets.wasm.steps import emit_steps, step_name, steps_of
from tests.conformance.compiling import compiled_data_sets
from tests.conformance.ledger import expected_failures
from tests.conformance.onnx_cases import onnx_cases
from tests.targets.wasm.running import assert_same_bits

CASES = onnx_cases()
BRANCHES = ("test_if", "test_loop11", "test_range_int32_type_negative_delta_expanded")
COMPILED = sorted(set(CASES) - set(expected_failures("wasm", CASES)))
SAMPLE = (*BRANCHES, *random.Random(5).sample(COMPILED, 60))


@pytest.mark.parametrize("name", SAMPLE)
def test_the_steps_in_order_do_what_run_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled, live, _ = next(compiled_data_sets(CASES[name]))
    expected = load(emit_lowered(compiled.lowered)).run(live)
    program = compiled.lowered.program
    instance = Instance(emit_steps(program, plan_memory(program), fused=True))
    steps = [
        instance.function(step_name(at)) for at in range(len(steps_of(program.functions[-1].body)))
    ]

    def step_by_step() -> None:
        for step in steps:
            step()

    runner = load(emit_lowered(compiled.lowered))
    monkeypatch.setattr(runner, "_instance", instance)
    monkeypatch.setattr(runner, "run_in_place", step_by_step)
    made = runner.run(live)
    for output, array in expected.items():
        assert_same_bits(made[output], array, output)


def test_calls_are_steps_and_what_may_be_bound_between_them_is_one() -> None:
    b = FunctionBuilder("other")
    b.var(b.const(0.0, F32))
    between = b.finish().body[:1]
    call = Call("kernel", ())
    assert steps_of((call, call)) == [(call,), (call,)]
    assert steps_of((call, *between, call, *between, call)) == [
        (call,),
        (*between, call, *between),
        (call,),
    ]
    assert steps_of(()) == []
