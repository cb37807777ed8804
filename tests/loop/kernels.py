"""A dozen small kernels, for golden tests of their text and code."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from likewise.loop import F32, I32, Program, ProgramBuilder, S, Value, type_named
from likewise.loop import math as loop_math
from likewise.loop.nodes import Buffer
from likewise.lower.kernel import Kernel
from likewise.lower.kernels.gemm import Matrix, gemm

if TYPE_CHECKING:
    from likewise.loop.types import Storage

Write = Callable[[Kernel, Buffer, Buffer], None]
F32X4 = type_named("f32x4")


def _program(write: Write, x_storage: Storage, y_storage: Storage) -> Program:
    program = ProgramBuilder()
    x, y = program.input("x", x_storage, 4096), program.output("y", y_storage, 4096)
    k = Kernel("kernel")
    write(k, x, y)
    kernel = program.add(k.finish())
    with program.function("run") as b:
        b.call(kernel, k.arguments)
    return program.finish()


def f32_add(k: Kernel, x: Buffer, y: Buffer) -> None:
    with k.loop(0, 1000, 4) as i:
        k.store(k.pointer(y), i, k.load(k.pointer(x), i, 4) + k.load(k.pointer(x), i + 1000, 4))


def f32_transpose(k: Kernel, x: Buffer, y: Buffer) -> None:
    with k.loop(30) as i, k.loop(50) as j:
        k.write(y, i * 50 + j, k.read(x, j * 30 + i))


def f32_sum(k: Kernel, x: Buffer, y: Buffer) -> None:
    with k.loop(10) as i:
        total = k.var(0.0, F32)
        with k.loop(100) as j:
            total.set(total.get() + k.read(x, i * 100 + j))
        k.write(y, i, total.get())


def f32_gemm_5x8(k: Kernel, x: Buffer, y: Buffer) -> None:
    zero, memory = k.index(0), k.pointer(x)
    a, b = Matrix(memory, zero, 32), Matrix(memory, k.index(1024), 16)

    def put(k: Kernel, row: Value, column: Value, value: Value) -> None:
        k.write(y, row * 16 + column, value)

    gemm(k, (a, b), (10, 16, 32), put, rows=5)


def f32_dwconv_3(k: Kernel, x: Buffer, y: Buffer) -> None:
    """One row with padding: the border is a branch."""
    with k.loop(64) as i:
        total = k.var(0.0, F32)
        with k.loop(3) as tap:
            at = i + tap - 1
            with k.if_((at >= 0) & (at < 64)):
                total.set(k.madd(k.read(x, at), k.read(x, tap + 100), total.get()))
        k.write(y, i, total.get())


def f16_scale(k: Kernel, x: Buffer, y: Buffer) -> None:
    with k.loop(0, 64, 4) as i, k.lanes_over(i, 4):
        k.write(y, i, k.read(x, i) * 0.5)


def u8_dequantize(k: Kernel, x: Buffer, y: Buffer) -> None:
    one = type_named("i32x4")
    with k.loop(0, 64, 4) as i, k.lanes_over(i, 4):
        k.write(y, i, (k.read(x, i).cast(one) - 128).cast(F32X4) * 0.125)


def i64_floor_mod(k: Kernel, x: Buffer, y: Buffer) -> None:
    with k.loop(64) as i:
        k.write(y, i, k.read(x, i) % k.read(x, i + 64))


def f32_exp(k: Kernel, x: Buffer, y: Buffer) -> None:
    with k.loop(0, 64, 4) as i, k.lanes_over(i, 4):
        k.write(y, i, loop_math.exp(k, k.read(x, i)))


def i32_gather(k: Kernel, x: Buffer, y: Buffer) -> None:
    with k.loop(64) as i:
        at = k.read(x, i)
        k.write(y, i, k.read(x, k.select(at < 0, at + 100, at) + 64))


def f32_bubble(k: Kernel, x: Buffer, y: Buffer) -> None:
    """A while loop that ends when data says so."""
    k.copy(k.pointer(y), 0, k.pointer(x), 0, 16)
    moved = k.var(1, I32)

    def swap(low: Value) -> None:
        a, b = k.read(y, low), k.read(y, low + 1)
        with k.if_(b < a):
            k.write(y, low, b)
            k.write(y, low + 1, a)
            moved.set(1)

    with k.while_(lambda: moved.get().ne(0)):
        moved.set(0)
        with k.loop(15) as i:
            swap(i)


def bool_where(k: Kernel, x: Buffer, y: Buffer) -> None:
    with k.loop(0, 64, 4) as i, k.lanes_over(i, 4):
        picked = k.select(k.read(x, i), k.const(1.0, F32X4), k.const(-1.0, F32X4))
        k.write(y, i, picked)


_ROWS: list[tuple[Write, Storage, Storage]] = [
    (f32_add, S.f32, S.f32),
    (f32_transpose, S.f32, S.f32),
    (f32_sum, S.f32, S.f32),
    (f32_gemm_5x8, S.f32, S.f32),
    (f32_dwconv_3, S.f32, S.f32),
    (f16_scale, S.f16, S.f16),
    (u8_dequantize, S.u8, S.f32),
    (i64_floor_mod, S.i64, S.i64),
    (f32_exp, S.f32, S.f32),
    (i32_gather, S.i32, S.i32),
    (f32_bubble, S.f32, S.f32),
    (bool_where, S.bool, S.f32),
]
PROGRAMS: dict[str, Callable[[], Program]] = {
    write.__name__: lambda write=write, x=x, y=y: _program(write, x, y)  # type: ignore[misc]
    for write, x, y in _ROWS
}
