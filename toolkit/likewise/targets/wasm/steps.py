"""A program's `run` in pieces that can be run, and timed, alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.loop.clean import operands
from likewise.loop.nodes import Call, Const, Copy, Fill, Function
from likewise.targets.wasm.emit import emit_function
from likewise.targets.wasm.encoder import PAGE, Module
from likewise.targets.wasm.weights import constants_of

if TYPE_CHECKING:
    from likewise.loop.nodes import Program, Statement
    from likewise.lower.plan import MemoryPlan

__all__ = ["emit_steps", "step_name", "steps_of", "title_of"]

Block = tuple["Statement", ...]


def steps_of(body: Block) -> list[Block]:
    """The calls in the body of `run` and the like, in order.

    From the first to the last statement that is none, a branch or a loop, all are one step: they
    may read what is bound between them.
    """
    others = [at for at, one in enumerate(body) if not _is_alone(one)]
    first, last = (others[0], others[-1] + 1) if others else (len(body), len(body))
    alone = [*((one,) for one in body[:first])], [*((one,) for one in body[last:])]
    together = [body[first:last]] if others else []
    return [*alone[0], *together, *alone[1]]


def _is_alone(statement: Statement) -> bool:
    known = all(isinstance(one, Const) for one in operands(statement))
    return known and isinstance(statement, Call | Fill | Copy)


def step_name(number: int) -> str:
    """What the function of a step is exported as."""
    return f"step {number}"


def title_of(step: Block) -> str:
    """What a step is: the kernel that it calls, most often."""
    match step:
        case (Call(function=name),):
            return name
        case (one,):
            return type(one).__name__.lower()
        case _:
            return "branches"


def emit_steps(program: Program, plan: MemoryPlan, *, fused: bool) -> bytes:
    """A module that exports `run`, its steps as functions of their own, and the memory."""
    steps = [
        Function(step_name(at), (), (), block)
        for at, block in enumerate(steps_of(program.functions[-1].body))
    ]
    functions = (*program.functions, *steps)
    positions = {one.name: at for at, one in enumerate(functions)}
    bodies = tuple(emit_function(one, plan.addresses, positions, fused=fused) for one in functions)
    constants = constants_of(program, plan)
    data = (constants,) if constants else ()
    exports = {name: positions[name] for name in ("run", *(one.name for one in steps))}
    return Module(bodies, -(-plan.size // PAGE), exports, data).encode()
