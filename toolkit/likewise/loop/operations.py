"""The pure operations of the loop IR, and the type that each gives for its operands' types.

All are total: nothing traps. What each means in the corners:

- `add sub mul neg abs shl shr`: integers wrap. `div rem` truncate towards zero; by zero they give
  0; the least integer divided by -1 wraps. Shift counts count modulo the width.
- `min max`: NaN if either is NaN; -0.0 is below 0.0. `pmin(a, b)` is `b < a ? b : a` and
  `pmax(a, b)` is `a < b ? b : a`.
- `madd(a, b, c)` is a * b + c and `nmadd(a, b, c)` is c - a * b: two roundings in strict
  numerics; in fast numerics vectors may round once.
- `cast`: integers keep their low bits or extend by the source's sign; an integer becomes the
  nearest float, ties to even; a float becomes the nearest integer towards zero, saturating, NaN
  becomes 0; to bool means not equal to 0.
- `bitcast` keeps the bits. `sext8 sext16 sext32` extend the sign of the low bits.
- Comparisons are false where an operand is NaN, `ne` is true.
- The bits of a NaN that arithmetic gives are unspecified.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from likewise.loop.types import BOOL, I32, U32, LoopError, Type, all_types, type_named

__all__ = ["COMPARISONS", "result_type", "type_code", "type_of_code"]

Types = tuple[Type, ...]
Rule = Callable[[Types, tuple[int, ...]], Type]

COMPARISONS: Final = ("eq", "ne", "lt", "le", "gt", "ge")


_TYPE_CODES: Final[tuple[Type, ...]] = tuple(all_types())
_CODES: Final[dict[str, int]] = {one.name: code for code, one in enumerate(_TYPE_CODES)}


class _WrongTypesError(Exception):
    """The operands do not fit; its text says what would."""


def _need(condition: bool, allowed: str) -> None:
    if not condition:
        raise _WrongTypesError(allowed)


def _same(kinds: str, vectors: frozenset[str] | None = None, count: int = 2) -> Rule:
    """`count` operands of one type of these kinds; `vectors` bounds the lane types if given."""
    words = {"i": "int", "u": "uint", "f": "float", "b": "bool"}
    allowed = f"{count} of one type: " + ", ".join(words[kind] for kind in kinds)

    def rule(types: Types, _immediate: tuple[int, ...]) -> Type:
        _need(len(types) == count and all(one is types[0] for one in types), allowed)
        first = types[0]
        _need(first.kind in kinds and (first.lanes > 1 or first.bits not in (8, 16)), allowed)
        if vectors is not None and first.lanes > 1:
            name = first.kind + str(first.bits)
            _need(name in vectors, f"lanes of {', '.join(sorted(vectors))}")
        return first

    return rule


_F = frozenset({"f32", "f64"})
_TO32 = frozenset({"i8", "u8", "i16", "u16", "i32", "u32"})
_MUL = frozenset({"i16", "u16", "i32", "u32", "i64", "u64"}) | _F
_ORDERED = _TO32 | _F | {"i64"}


def _compare(ordered: bool) -> Rule:
    same = _same("iufb", None if not ordered else _ORDERED)

    def rule(types: Types, immediate: tuple[int, ...]) -> Type:
        one = same(types, immediate)
        if ordered:
            _need(one.kind != "b", "numbers, not truth values")
        return one.mask

    return rule


def _scalar_int(types: Types, _immediate: tuple[int, ...]) -> Type:
    _need(len(types) == 1 and types[0].is_int and types[0].lanes == 1, "one scalar integer")
    return types[0]


def _shift(types: Types, _immediate: tuple[int, ...]) -> Type:
    _need(len(types) == 2 and types[0].is_int, "an integer and a count")
    value, count = types
    if value.lanes > 1:
        _need(count in (I32, U32), "a scalar 32-bit count for a vector")
    else:
        _need(value.bits >= 32 and count in (value, I32, U32), "a count of i32, u32 or its type")
    return value


def _select(types: Types, _immediate: tuple[int, ...]) -> Type:
    _need(len(types) == 3 and types[1] is types[2], "a condition and two values of one type")
    condition, value = types[0], types[1]
    _need(
        condition is BOOL or (value.lanes > 1 and condition is value.mask),
        f"a condition of bool or {value.mask}",
    )
    return value


def _cast(types: Types, immediate: tuple[int, ...]) -> Type:
    source, target = types[0], _TYPE_CODES[immediate[0]]
    _need(source.lanes == target.lanes, f"{source.lanes} lanes on both sides")
    if source.lanes > 1:
        pairs = {(source.name, target.name), (target.name, source.name)}
        known = {("f32x4", "i32x4"), ("f32x4", "u32x4")}
        same_width = source.is_int and target.is_int and source.bits == target.bits
        from_mask = source.kind == "b" and target.bits == source.bits and target.is_int
        _need(
            bool(pairs & known) or same_width or from_mask or source is target,
            "f32x4 from or to i32x4 or u32x4, integers of one width, masks to integers",
        )
    else:
        _need(target.kind == "b" or target.bits >= 32, "i32 and wider; use sext8, sext16 and `&`")
    return target


def _bitcast(types: Types, immediate: tuple[int, ...]) -> Type:
    source, target = types[0], _TYPE_CODES[immediate[0]]
    _need(
        (source.bits * source.lanes == target.bits * target.lanes and source.lanes != 1)
        or (source.bits == target.bits and target.lanes == source.lanes and not source.is_bool),
        "a type of as many bits",
    )
    return target


def _splat(types: Types, immediate: tuple[int, ...]) -> Type:
    target = _TYPE_CODES[immediate[0]]
    _need(types == (target.register,) and target.lanes > 1, f"one {target.register}")
    _need(target.kind != "b", "numbers")
    return target


def _extract(types: Types, immediate: tuple[int, ...]) -> Type:
    _need(types[0].lanes > 1 and not types[0].is_bool, "a vector of numbers")
    _need(0 <= immediate[0] < types[0].lanes, f"lane 0 to {types[0].lanes - 1}")
    return types[0].register


def _replace(types: Types, immediate: tuple[int, ...]) -> Type:
    vector = types[0]
    _need(vector.lanes > 1 and not vector.is_bool, "a vector of numbers")
    _need(types[1] is vector.register, f"a lane of {vector.register}")
    _need(0 <= immediate[0] < vector.lanes, f"lane 0 to {vector.lanes - 1}")
    return vector


def _shuffle(types: Types, immediate: tuple[int, ...]) -> Type:
    _need(types[0] is types[1] and types[0].lanes > 1, "two vectors of one type")
    lanes = types[0].lanes
    _need(
        len(immediate) == lanes and all(0 <= one < 2 * lanes for one in immediate),
        f"{lanes} lanes, each from 0 to {2 * lanes - 1}",
    )
    return types[0]


def _swizzle(types: Types, _immediate: tuple[int, ...]) -> Type:
    _need([one.name for one in types] == ["u8x16", "u8x16"], "two u8x16")
    return types[0]


def _any(types: Types, _immediate: tuple[int, ...]) -> Type:
    _need(types[0].lanes > 1 and types[0].is_bool, "a mask")
    return BOOL


def _bitmask(types: Types, _immediate: tuple[int, ...]) -> Type:
    _any(types, ())
    return U32


def _wider(vector: Type) -> Type:
    _need(vector.lanes > 2 and vector.is_int, "a vector of integers of 8, 16 or 32 bits")
    return type_named(f"{vector.kind}{vector.bits * 2}x{vector.lanes // 2}")


def _widen(types: Types, _immediate: tuple[int, ...]) -> Type:
    if types[0].name == "f32x4":
        return type_named("f64x2")
    return _wider(types[0])


def _widen_high(types: Types, _immediate: tuple[int, ...]) -> Type:
    return _wider(types[0])


def _narrow(signed: bool) -> Rule:
    def rule(types: Types, _immediate: tuple[int, ...]) -> Type:
        _need(types[0] is types[1] and types[0].name in ("i16x8", "i32x4"), "two i16x8 or i32x4")
        bits, lanes = types[0].bits // 2, types[0].lanes * 2
        return type_named(f"{'i' if signed else 'u'}{bits}x{lanes}")

    return rule


def _extmul(types: Types, _immediate: tuple[int, ...]) -> Type:
    _need(types[0] is types[1], "two vectors of one type")
    return _wider(types[0])


def _dot(types: Types, _immediate: tuple[int, ...]) -> Type:
    _need([one.name for one in types] == ["i16x8", "i16x8"], "two i16x8")
    return type_named("i32x4")


def _pairwise(types: Types, _immediate: tuple[int, ...]) -> Type:
    _need(types[0].bits < 32, "a vector of integers of 8 or 16 bits")
    return _wider(types[0])


def _convert_low(types: Types, _immediate: tuple[int, ...]) -> Type:
    _need(types[0].name in ("i32x4", "u32x4"), "i32x4 or u32x4")
    return type_named("f64x2")


def _demote(types: Types, _immediate: tuple[int, ...]) -> Type:
    _need(types[0].name == "f64x2", "f64x2")
    return type_named("f32x4")


def _trunc_zero(types: Types, immediate: tuple[int, ...]) -> Type:
    _need(types[0].name == "f64x2", "f64x2")
    return _TYPE_CODES[immediate[0]]


_RULES: Final[dict[str, Rule]] = {
    "add": _same("iuf"),
    "sub": _same("iuf"),
    "mul": _same("iuf", _MUL),
    "div": _same("iuf", _F),
    "rem": _same("iu", frozenset()),
    "min": _same("iuf", _TO32 | _F),
    "max": _same("iuf", _TO32 | _F),
    "pmin": _same("f"),
    "pmax": _same("f"),
    "neg": _same("iuf", count=1),
    "abs": _same("if", count=1),
    **{name: _same("f", count=1) for name in ("sqrt", "floor", "ceil", "trunc", "nearest")},
    "copysign": _same("f"),
    "and": _same("iub"),
    "or": _same("iub"),
    "xor": _same("iub"),
    "not": _same("iub", count=1),
    "shl": _shift,
    "shr": _shift,
    "rotl": _same("iu", frozenset()),
    "clz": _scalar_int,
    "ctz": _scalar_int,
    "popcnt": _scalar_int,
    "sext8": _scalar_int,
    "sext16": _scalar_int,
    "sext32": _scalar_int,
    **{name: _compare(ordered=name not in ("eq", "ne")) for name in COMPARISONS},
    "select": _select,
    "madd": _same("f", count=3),
    "nmadd": _same("f", count=3),
    "cast": _cast,
    "bitcast": _bitcast,
    "splat": _splat,
    "extract": _extract,
    "replace": _replace,
    "shuffle": _shuffle,
    "swizzle": _swizzle,
    "any_true": _any,
    "all_true": _any,
    "bitmask": _bitmask,
    "widen_low": _widen,
    "widen_high": _widen_high,
    "narrow_i": _narrow(signed=True),
    "narrow_u": _narrow(signed=False),
    "extmul_low": _extmul,
    "extmul_high": _extmul,
    "dot": _dot,
    "pairwise": _pairwise,
    "convert_low": _convert_low,
    "demote": _demote,
    "trunc_zero": _trunc_zero,
}


def type_code(one: Type) -> int:
    """The number under which an immediate of `cast`, `bitcast` and `splat` names a type."""
    return _CODES[one.name]


def type_of_code(code: int) -> Type:
    """The type that `type_code` numbered."""
    return _TYPE_CODES[code]


def result_type(op: str, types: Types, immediate: tuple[int, ...] = ()) -> Type:
    """The type of `op` on operands of `types`; raises LoopError with what is allowed."""
    rule = _RULES.get(op)
    if rule is None:
        raise LoopError("no such operation", given=op, allowed=", ".join(sorted(_RULES)))
    try:
        return rule(types, immediate)
    except _WrongTypesError as wrong:
        allowed = str(wrong)
    except (IndexError, ValueError):
        allowed = "another number of operands"
    given = ", ".join(map(str, types)) + (f" {list(immediate)}" if immediate else "")
    raise LoopError(f"{op} does not take these operands", given=given, allowed=allowed)
