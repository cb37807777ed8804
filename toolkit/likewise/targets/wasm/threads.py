"""Threads in a module: functions beside a program's own that share out its calls in parts.

Every thread has an instance of its own, and all share one memory. `run` belongs to one of them.
Where it comes to a call in parts, a job, it writes a ticket; whoever counts the ticket up has
taken a part. `work`, which the others run, takes parts too, waits for the next ticket, and
returns after `stop`. Nobody waits for a thread that has taken no part: one that is held up, or
that was never there, costs no time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from likewise.loop.independence import within
from likewise.loop.nodes import Buffer, Call, Const, const_lanes
from likewise.loop.types import LoopError
from likewise.targets.wasm.assembler import assemble
from likewise.targets.wasm.encoder import FunctionBody, as_i32, signed, unsigned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from likewise.loop.nodes import Function, Parts

__all__ = ["EXPORTS", "Job", "filled_once", "jobs_of", "thread_functions", "ticket_of"]

EXPORTS: Final = ("crew", "work", "fail", "stop")
_MOST_JOBS: Final = 1 << 16
_SPINS: Final = 20_000
"""Looks at a word before waiting for it to change: about as long as it takes to be woken."""
_PATIENCE: Final = 1 << 36
"""Looks of a thread that may not wait, before it gives up: about a minute."""

Job = Call
"""A call in parts. A ticket is its number << 16 | its parts << 8 | the parts that were taken."""

_NAMES: Final = {
    "TICKET": 0,
    "DONE": 4,  # parts of the job that have ended
    "WORKERS": 8,  # threads beside that of `run`
    "ASLEEP": 12,  # those of them that wait, or are about to
    "WAITS": 16,  # whether the thread of `run` may wait, which a page's may not
    "WAITING": 20,  # whether it does
    "FAILED": 24,  # whether a worker trapped
    "STOPPED": 28,
    "FILLED": 32,  # whether the constants stand in memory
    "SPINS": _SPINS,
    "PATIENCE": _PATIENCE,
}
"""The words at the start of memory that threads share, by their addresses, and limits."""

# Of the ticket in local 1.
_PARTS: Final = "local.get 1 i32.const 8 i32.shr_u i32.const 255 i32.and"
_TAKEN: Final = "local.get 1 i32.const 255 i32.and"

# Parameters and locals, then code. A call's name is that of a function here.
_FUNCTIONS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...], str]]] = {
    # Run the job of a ticket that nobody has taken a part of.
    "share": (
        ("i32",),
        ("i32", "i64", "i32"),
        """
        local.get 0 i32.const 8 i32.shr_u i32.const 255 i32.and local.set 1
        i32.const 0 i32.load WORKERS i32.eqz
        if
            i32.const 0 local.get 1 local.get 0 i32.const 16 i32.shr_u i32.const 0 call part return
        end
        i32.const 0 i32.const 0 i32.atomic.store DONE
        i32.const 0 local.get 0 i32.atomic.store TICKET
        i32.const 0 i32.atomic.load ASLEEP
        if
            i32.const TICKET i32.const -1 memory.atomic.notify 0 drop
        end
        i32.const 0 call take
        i64.const SPINS i64.const PATIENCE i32.const 0 i32.load WAITS select local.set 2
        block
            loop
                i32.const 0 i32.atomic.load DONE local.get 1 i32.eq br_if 1
                local.get 2 i64.const 1 i64.sub local.tee 2 i64.eqz i32.eqz br_if 0
            end
            i32.const 0 i32.load WAITS i32.eqz if unreachable end
            i32.const 0 i32.const 1 i32.atomic.store WAITING
            loop
                i32.const 0 i32.atomic.load DONE local.tee 3 local.get 1 i32.ne
                if
                    i32.const DONE local.get 3 i64.const -1 memory.atomic.wait32 0 drop br 1
                end
            end
            i32.const 0 i32.const 0 i32.atomic.store WAITING
        end
        i32.const 0 i32.atomic.load FAILED if unreachable end
        """,
    ),
    # Take parts of the job, as long as there are any; the parameter is this thread's number.
    "take": (
        ("i32",),
        ("i32",),
        f"""
        loop
            i32.const 0 i32.atomic.load TICKET local.set 1
            {_TAKEN} {_PARTS} i32.ge_u if return end
            i32.const 0 i32.const 1 i32.atomic.rmw.add TICKET local.set 1
            {_TAKEN} {_PARTS} i32.ge_u if return end
            {_TAKEN}
            {_TAKEN} i32.const 1 i32.add
            local.get 1 i32.const 16 i32.shr_u
            local.get 0 call part
            {_PARTS} call ended
            br 0
        end
        """,
    ),
    # Count a part as ended; the last of so many wakes the thread that waits for them.
    "ended": (
        ("i32",),
        (),
        """
        i32.const 0 i32.const 1 i32.atomic.rmw.add DONE i32.const 1 i32.add local.get 0 i32.eq
        if
            i32.const 0 i32.atomic.load WAITING
            if
                i32.const DONE i32.const 1 memory.atomic.notify 0 drop
            end
        end
        """,
    ),
    # What a worker, of this number from 1 on, does all its life.
    "work": (
        ("i32",),
        ("i32", "i32"),
        f"""
        loop
            local.get 0 call take
            i32.const SPINS local.set 2
            loop
                i32.const 0 i32.atomic.load TICKET local.set 1
                i32.const 0 i32.atomic.load STOPPED if return end
                {_TAKEN} {_PARTS} i32.lt_u br_if 1
                local.get 2 i32.const 1 i32.sub local.tee 2 br_if 0
            end
            i32.const 0 i32.const 1 i32.atomic.rmw.add ASLEEP drop
            i32.const TICKET local.get 1 i64.const -1 memory.atomic.wait32 0 drop
            i32.const 0 i32.const -1 i32.atomic.rmw.add ASLEEP drop
            br 0
        end
        """,
    ),
    # So many workers are there, and the thread of `run` may wait or not.
    "crew": (
        ("i32", "i32"),
        (),
        "i32.const 0 local.get 0 i32.store WORKERS i32.const 0 local.get 1 i32.store WAITS",
    ),
    # A worker trapped in its part: so will `run`.
    "fail": (
        (),
        (),
        """
        i32.const 0 i32.const 1 i32.atomic.store FAILED
        i32.const 0 i32.const 1 i32.atomic.rmw.add DONE drop
        i32.const DONE i32.const 1 memory.atomic.notify 0 drop
        """,
    ),
    # Send the workers home. The ticket changes after STOPPED, and they read it before that: none
    # goes to sleep on it just now.
    "stop": (
        (),
        (),
        """
        i32.const 0 i32.const 1 i32.atomic.store STOPPED
        i32.const 0 i32.const 0 i32.store WORKERS
        i32.const 0 i32.const 1 i32.atomic.rmw.add TICKET drop
        i32.const TICKET i32.const -1 memory.atomic.notify 0 drop
        """,
    ),
}


def jobs_of(functions: Sequence[Function]) -> list[Job]:
    """The calls in parts, each once; those beyond what a ticket can number are left out."""
    found = dict.fromkeys(
        one
        for function in functions
        for one in within(function.body)
        if isinstance(one, Call) and one.parts is not None
    )
    return list(found)[:_MOST_JOBS]


def ticket_of(number: int, job: Job) -> int:
    """The ticket of which nobody has taken a part, as a signed number."""
    return as_i32(number << 16 | _parts(job).count << 8)


def thread_functions(
    jobs: Sequence[Job], addresses: Mapping[Buffer, int], positions: dict[str, int]
) -> list[FunctionBody]:
    """What a module with threads has besides; their names are added to `positions`."""
    for name in ("part", *_FUNCTIONS):
        positions[name] = len(positions)
    names = _NAMES | positions
    written = [
        FunctionBody(name, params, more, assemble(code, names))
        for name, (params, more, code) in _FUNCTIONS.items()
    ]
    return [_part(jobs, addresses, positions), *written]


def filled_once(sizes: Sequence[tuple[int, int]]) -> FunctionBody:
    """What every instance does first: the first one fills the segments, (offset, size) each, in."""
    fill = b"".join(
        b"\x41" + signed(as_i32(offset)) + b"\x41\0\x41" + signed(as_i32(size))
        + b"\xfc\x08" + unsigned(at) + b"\0"
        for at, (offset, size) in enumerate(sizes)
    )  # fmt: skip
    first = "i32.const 0 i32.const 0 i32.const 1 i32.atomic.rmw.cmpxchg FILLED i32.eqz if"
    return FunctionBody("begin", (), (), assemble(first, _NAMES) + fill + b"\x0b")


def _part(
    jobs: Sequence[Job], addresses: Mapping[Buffer, int], positions: Mapping[str, int]
) -> FunctionBody:
    """part(first, last, job, thread): call the job's kernel for parts first … last - 1."""
    code = b"\x02\x40" * (len(jobs) + 1) + b"\x20\x02\x0e" + unsigned(len(jobs))
    code += b"".join(map(unsigned, range(len(jobs) + 1)))
    for job in jobs:
        code += b"\x0b" + _called(job, addresses, positions) + b"\x0f"
    return FunctionBody("part", ("i32", "i32", "i32", "i32"), (), code + b"\x0b\x00")


def _called(job: Job, addresses: Mapping[Buffer, int], positions: Mapping[str, int]) -> bytes:
    """The call of a kernel for a range of parts, in locals 0 and 1, by the thread in local 3."""
    parts, code = _parts(job), b""
    apart = dict(job.copies)
    for at, (memory, offset) in enumerate(job.memories):
        if not isinstance(memory, Buffer) or not isinstance(offset, Const):
            raise LoopError("a call in parts is not always the same", given=job.function)
        address = addresses[memory] + int(const_lanes(offset)[0]) * memory.storage.bytes
        code += b"\x41" + signed(as_i32(address))
        if at in apart:
            names = {"APART": apart[at] * memory.storage.bytes}
            code += assemble("local.get 3 i32.const APART i32.mul i32.add", names)
    names = {"SIZE": parts.size, "START": parts.start, "STOP": parts.stop, **positions}
    names["ALL"] = parts.count
    return code + assemble(
        f"""
        local.get 0 i32.const SIZE i32.mul i32.const START i32.add
        local.get 1 i32.const SIZE i32.mul i32.const START i32.add
        i32.const STOP local.get 1 i32.const ALL i32.lt_u select
        call {job.function}
        """,
        names,
    )


def _parts(job: Job) -> Parts:
    if job.parts is None:
        raise LoopError("no call in parts", given=job.function)
    return job.parts
