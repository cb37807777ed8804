"""The pieces of `run`."""

from __future__ import annotations

from likewise.loop import F32, FunctionBuilder
from likewise.loop.nodes import Call
from likewise.targets.wasm.steps import steps_of


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
