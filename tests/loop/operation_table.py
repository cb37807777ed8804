"""Every operation of the loop IR with operands whose values are its corners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.loop import Type, type_named
from likewise.loop.operations import COMPARISONS, type_code

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = tuple[str, tuple[Type, ...], tuple[int, ...]]

SCALAR_INTS = ("i32", "u32", "i64", "u64")
FLOATS = ("f32", "f64", "f32x4", "f64x2")
VECTOR_INTS = tuple(f"{kind}{bits}x{128 // bits}" for kind in "iu" for bits in (8, 16, 32, 64))
MASKS = ("mask8x16", "mask16x8", "mask32x4", "mask64x2")


def _same(op: str, names: tuple[str, ...], count: int = 2) -> Iterator[Row]:
    for name in names:
        yield op, (type_named(name),) * count, ()


ORDERED = tuple(one for one in VECTOR_INTS if "64x2" not in one)


def rows() -> Iterator[Row]:
    """Operation, operand types, immediate."""
    yield from _arithmetic()
    yield from _bits()
    yield from _comparisons()
    yield from _conversions()
    yield from _lanes()


def _arithmetic() -> Iterator[Row]:
    for op in ("add", "sub"):
        yield from _same(op, SCALAR_INTS + FLOATS + VECTOR_INTS)
    multiplied = tuple(one for one in VECTOR_INTS if "8x16" not in one)
    yield from _same("mul", SCALAR_INTS + FLOATS + multiplied)
    yield from _same("div", SCALAR_INTS + FLOATS)
    yield from _same("rem", SCALAR_INTS)
    for op in ("min", "max"):
        yield from _same(op, SCALAR_INTS + FLOATS + ORDERED)
    for op in ("pmin", "pmax", "copysign"):
        yield from _same(op, FLOATS)
    yield from _same("neg", SCALAR_INTS + FLOATS + VECTOR_INTS, 1)
    signed = tuple(one for one in VECTOR_INTS if one[0] == "i")
    yield from _same("abs", ("i32", "i64", *FLOATS, *signed), 1)
    for op in ("sqrt", "floor", "ceil", "trunc", "nearest"):
        yield from _same(op, FLOATS, 1)
    for op in ("madd", "nmadd"):
        yield from _same(op, FLOATS, 3)


def _bits() -> Iterator[Row]:
    for op in ("and", "or", "xor"):
        yield from _same(op, ("bool", *SCALAR_INTS, *VECTOR_INTS, *MASKS))
    yield from _same("not", ("bool", *SCALAR_INTS, *VECTOR_INTS, *MASKS), 1)
    yield from _same("rotl", SCALAR_INTS)
    for op in ("clz", "ctz", "popcnt", "sext8", "sext16", "sext32"):
        yield from _same(op, SCALAR_INTS, 1)
    for op in ("shl", "shr"):
        for name in SCALAR_INTS:
            for count in sorted({name, "i32", "u32"}):
                yield op, (type_named(name), type_named(count)), ()
        for name in VECTOR_INTS:
            yield op, (type_named(name), type_named("u32")), ()


def _comparisons() -> Iterator[Row]:
    for op in COMPARISONS:
        equality = op in ("eq", "ne")
        more = ("bool", *MASKS, "i64x2", "u64x2") if equality else ("i64x2",)
        yield from _same(op, (*SCALAR_INTS, *FLOATS, *ORDERED, *more))
    for name in ("bool", *SCALAR_INTS, *FLOATS, *VECTOR_INTS):
        one = type_named(name)
        yield "select", (type_named("bool"), one, one), ()
        if one.lanes > 1:
            yield "select", (one.mask, one, one), ()


def _conversions() -> Iterator[Row]:
    scalars = ("bool", *SCALAR_INTS, "f32", "f64")
    for source in scalars:
        for target in scalars:
            if source != target:
                yield "cast", (type_named(source),), (type_code(type_named(target)),)
    pairs = [("f32x4", "i32x4"), ("f32x4", "u32x4"), ("i32x4", "f32x4"), ("u32x4", "f32x4")]
    pairs += [("i16x8", "u16x8"), *zip(MASKS, ("i8x16", "u16x8", "i32x4", "u64x2"), strict=True)]
    for source, target in pairs:
        yield "cast", (type_named(source),), (type_code(type_named(target)),)
    pairs = [("f32", "i32"), ("u32", "f32"), ("f64", "u64"), ("i64", "f64"), ("i32", "u32")]
    pairs += [("f32x4", "i8x16"), ("u64x2", "f32x4"), ("mask32x4", "i32x4"), ("i32x4", "u32x4")]
    for source, target in pairs:
        yield "bitcast", (type_named(source),), (type_code(type_named(target)),)


def _lanes() -> Iterator[Row]:
    for name in (*VECTOR_INTS, "f32x4", "f64x2"):
        one = type_named(name)
        last = one.lanes - 1
        yield "splat", (one.register,), (type_code(one),)
        yield "extract", (one,), (last,)
        yield "replace", (one, one.register), (1,)
        yield "shuffle", (one, one), tuple((3 * at + 1) % (2 * one.lanes) for at in range(last + 1))
    for name in MASKS:
        for op in ("any_true", "all_true", "bitmask"):
            yield op, (type_named(name),), ()
    yield "swizzle", (type_named("u8x16"), type_named("u8x16")), ()
    for name in ("i8x16", "u8x16", "i16x8", "u16x8", "i32x4", "u32x4"):
        one = type_named(name)
        for op in ("widen_low", "widen_high"):
            yield op, (one,), ()
        for op in ("extmul_low", "extmul_high"):
            yield op, (one, one), ()
        if one.bits < 32:
            yield "pairwise", (one,), ()
    yield "widen_low", (type_named("f32x4"),), ()
    for name in ("i16x8", "i32x4"):
        yield from _same("narrow_i", (name,))
        yield from _same("narrow_u", (name,))
    yield from _same("dot", ("i16x8",))
    for name in ("i32x4", "u32x4"):
        yield "convert_low", (type_named(name),), ()
        yield "trunc_zero", (type_named("f64x2"),), (type_code(type_named(name)),)
    yield "demote", (type_named("f64x2"),), ()


def corners(one: Type) -> np.ndarray[Any, Any]:
    """Values of one lane at and around every edge."""
    if one.is_bool:
        return np.array([False, True])
    if one.is_int:
        info = np.iinfo(np.dtype(f"{one.kind}{one.bits // 8}"))
        integers = [0, 1, 2, 3, 7, 31, 33, info.max, info.max - 1, info.min, info.min + 1]
        if one.kind == "i":
            integers += [-1, -2, -3, -7]
        return np.array([*integers, info.max // 2 + 1, info.max // 3], one.numpy)
    tiny = np.finfo(np.float32 if one.bits == 32 else np.float64)
    near = [
        0.0,
        0.5,
        1.0,
        1.5,
        2.5,
        3.7,
        1e-40,
        float(tiny.tiny),
        float(tiny.max),
        2.0**31,
        2.0**32,
    ]
    near += [2.0**63, 2.0**64, 2147483520.0, 8388609.0, 1 / 3, 65520.0, np.inf, np.nan]
    return np.array([*near, *(-number for number in near)], one.numpy)
