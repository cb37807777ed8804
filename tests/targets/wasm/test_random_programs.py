"""Random small programs give the same bits in the interpreter and in wasmtime."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.loop import F32, I32, FunctionBuilder, ProgramBuilder, S, Value, Var, type_named
from tests.targets.wasm.running import run_both

SIZE = 64
FLOAT_OPS = ("add", "sub", "mul", "div", "min", "max", "pmin", "pmax", "copysign")
FLOAT_UNARY = ("neg", "abs", "sqrt", "floor", "nearest", "trunc")
INT_OPS = ("add", "sub", "mul", "div", "rem", "min", "max", "and", "or", "xor", "shl", "shr")


class Writer:
    """Writes statements that the strategy's choices pick; every access is inside its buffer."""

    def __init__(self, b: FunctionBuilder, draw: Any, memories: dict[str, Any]) -> None:
        self.b, self.draw, self.memories = b, draw, memories
        self.floats: list[Value] = [b.const(1.5, F32)]
        self.ints: list[Value] = [b.const(3, I32)]
        self.variables: list[Var] = [b.var(0.25, F32), b.var(5, I32)]

    def pick(self, options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def block(self, depth: int) -> None:
        floats, ints = list(self.floats), list(self.ints)
        for _ in range(self.draw(st.integers(1, 6))):
            names = ["floats", "ints", "load", "store", "set", "read", "vector", "convert"]
            if depth < 3:
                names += ["loop", "branch", "repeat"]
            getattr(self, f"write_{self.pick(names)}")(depth)
        self.floats, self.ints = floats, ints

    def index(self) -> Value:
        """An index from 0 to 31, affine in what is at hand where it can be."""
        value = self.pick(self.ints) * self.draw(st.integers(-3, 9)) + self.draw(st.integers(-4, 4))
        return self.b.floor_remainder(value, self.b.const(32, I32))

    def write_loop(self, depth: int) -> None:
        start = self.draw(st.integers(-2, 3))
        stop: Any = start + self.draw(st.integers(0, 5))
        if self.draw(st.booleans()):
            stop = self.b.min(self.pick(self.ints), 4)
        with self.b.loop(start, stop, self.draw(st.integers(1, 3))) as i:
            kept, floats = list(self.ints), list(self.floats)
            self.ints.append(i)
            if start >= 0 and isinstance(stop, int):
                offset = self.draw(st.integers(0, 3))
                self.floats.append(self.b.load(self.memories["x"], i * 5 + offset))
                self.b.store(self.memories["y"], i * 3 + offset, self.floats[-1])
            self.block(depth + 1)
            self.ints, self.floats = kept, floats

    def write_branch(self, depth: int) -> None:
        condition = self.pick(self.floats) < self.pick(self.floats)
        if self.draw(st.booleans()):
            condition = condition | (self.pick(self.ints) >= 2)
        with self.b.if_(condition):
            self.block(depth + 1)
        if self.draw(st.booleans()):
            with self.b.otherwise():
                self.block(depth + 1)

    def write_repeat(self, depth: int) -> None:
        rounds = self.b.var(self.draw(st.integers(0, 3)), I32)
        with self.b.while_(lambda: rounds.get() > 0):
            rounds.set(rounds.get() - 1)
            self.block(depth + 1)

    def write_ints(self, _: int) -> None:
        pair = self.pick(self.ints), self.pick(self.ints)
        self.ints.append(self.b.apply(self.pick(INT_OPS), *pair))

    def write_floats(self, _: int) -> None:
        pair = self.pick(self.floats), self.pick(self.floats)
        self.floats.append(self.b.apply(self.pick(FLOAT_OPS), *pair))

    def write_load(self, _: int) -> None:
        self.floats.append(self.b.load(self.memories["x"], self.index()))
        self.ints.append(self.b.load(self.memories["n"], self.index()))

    def write_store(self, _: int) -> None:
        self.b.store(self.memories["y"], self.index(), self.pick(self.floats))
        self.b.store(self.memories["m"], self.index(), self.pick(self.ints))

    def write_set(self, _: int) -> None:
        self.variables[0].set(self.pick(self.floats))
        self.variables[1].set(self.pick(self.ints))

    def write_read(self, _: int) -> None:
        self.floats.append(self.variables[0].get())
        self.ints.append(self.variables[1].get())

    def write_vector(self, _: int) -> None:
        b, one = self.b, type_named("f32x4")
        left = b.load(self.memories["x"], self.index(), 4)
        right = b.splat(self.pick(self.floats), one)
        found = b.madd(left, right, b.apply(self.pick(FLOAT_OPS), right, left))
        b.store(self.memories["y"], self.index(), found)
        self.floats.append(found.lane(self.draw(st.integers(0, 3))))

    def write_convert(self, _: int) -> None:
        self.ints.append(self.pick(self.floats).cast(I32))
        self.floats.append(self.pick(self.ints).cast(F32))
        self.floats.append(self.b.apply(self.pick(FLOAT_UNARY), self.pick(self.floats)))


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_random_programs(data: Any) -> None:
    program = ProgramBuilder()
    memories = {
        "x": program.input("x", S.f32, SIZE),
        "n": program.input("n", S.i8, SIZE),
        "y": program.output("y", S.f32, SIZE),
        "m": program.output("m", S.i16, SIZE),
    }
    with program.function("run") as b:
        writer = Writer(b, data.draw, memories)
        writer.block(0)
        b.store(memories["y"], 40, writer.variables[0].get())
        b.store(memories["m"], 40, writer.variables[1].get())
    rng = np.random.default_rng(1)
    feeds = {
        "x": np.append(rng.standard_normal(SIZE - 4), [np.inf, np.nan, -0.0, 1e-40]).astype("f4"),
        "n": rng.integers(-128, 128, SIZE).astype("i1"),
    }
    run_both(program.finish(), feeds)
