"""What every operation of the loop IR gives, on NumPy arrays (no dimension for a scalar)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.loop.operations import COMPARISONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from likewise.loop.nodes import Apply
    from likewise.loop.types import Type

__all__ = ["apply"]

Array = np.ndarray[Any, Any]


def apply(node: Apply, args: list[Array], *, fused: bool) -> Array:
    """The value of one operation; NumPy's warnings are the caller's to silence."""
    op, source = node.op, node.args[0].type
    if op in ("madd", "nmadd"):
        found = _madd(args, source, negate=op == "nmadd", fused=fused and source.lanes > 1)
    elif op in COMPARISONS:
        found = _COMPARE[op](args[0], args[1])
    elif op in _SIMPLE:
        found = _SIMPLE[op](*args)
    elif op in _TYPED:
        found = _TYPED[op](node, source, args)
    else:
        raise NotImplementedError(op)
    return np.asarray(found).astype(node.type.numpy, copy=False)


_COMPARE: Final[dict[str, Callable[[Array, Array], Any]]] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}


def _nan_min(a: Array, b: Array) -> Array:
    if a.dtype.kind != "f":
        return np.minimum(a, b)
    lesser = np.where(a < b, a, b)
    equal = np.where(np.signbit(a), a, b)
    return np.where(
        np.isnan(a) | np.isnan(b), np.array(np.nan, a.dtype), np.where(a == b, equal, lesser)
    )


def _nan_max(a: Array, b: Array) -> Array:
    return -_nan_min(-a, -b) if a.dtype.kind == "f" else np.maximum(a, b)


def _abs(a: Array) -> Array:
    return np.abs(a)


_SIMPLE: Final[dict[str, Callable[..., Any]]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "min": _nan_min,
    "max": _nan_max,
    "pmin": lambda a, b: np.where(b < a, b, a),
    "pmax": lambda a, b: np.where(a < b, b, a),
    "neg": np.negative,
    "abs": _abs,
    "sqrt": np.sqrt,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "nearest": np.rint,
    "copysign": np.copysign,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "not": np.invert,
    "select": np.where,
    "any_true": np.any,
    "all_true": np.all,
    "dot": lambda a, b: _pairs(np.multiply(a, b, dtype=np.int32)),
    "swizzle": lambda a, b: np.where(b < 16, a[b & 15], 0),
}


def _pairs(a: Array) -> Array:
    return np.add(a[0::2], a[1::2], dtype=a.dtype)


def _round_fraction(exact: Fraction, dtype: np.dtype[Any]) -> float:
    """The nearest binary32 or binary64, ties to even."""
    if dtype == np.float64:
        try:
            return exact.numerator / exact.denominator  # Python divides integers exactly rounded
        except OverflowError:
            return float("inf") if exact > 0 else float("-inf")
    guess = np.float32(_round_fraction(exact, np.dtype(np.float64)))
    if not np.isfinite(guess):
        limit = Fraction(2) ** 128 - Fraction(2) ** 103
        return (
            float(guess) if abs(exact) >= limit else float(np.copysign(np.finfo("f4").max, guess))
        )
    near = (
        guess,
        np.nextafter(guess, np.float32(-np.inf)),
        np.nextafter(guess, np.float32(np.inf)),
    )
    finite = [one for one in near if np.isfinite(one)]

    def rank(one: np.float32) -> tuple[Fraction, int]:
        return abs(Fraction(float(one)) - exact), int(one.view(np.uint32)) & 1

    return float(min(finite, key=rank))


def _madd(args: list[Array], one: Type, *, negate: bool, fused: bool) -> Array:
    a, b, c = args
    if negate:
        a = -a
    rough = a * b + c
    if not fused:
        return np.asarray(rough)
    found = rough.copy()
    for lane in range(one.lanes):
        numbers = [float(part[lane]) for part in (a, b, c)]
        if np.isfinite(numbers[:2]).all() and not np.isfinite(numbers[2]):
            found[lane] = c[lane]
        elif all(np.isfinite(numbers)):
            exact = Fraction(numbers[0]) * Fraction(numbers[1]) + Fraction(numbers[2])
            if exact != 0:
                found[lane] = _round_fraction(exact, one.numpy)
            else:
                # The sign of a zero sum follows the rounded computation.
                found[lane] = rough[lane] if rough[lane] == 0 else 0.0
    return found


def _div(_node: Apply, source: Type, args: list[Array]) -> Array:
    if source.is_float:
        return np.asarray(args[0] / args[1])
    a, b = int(args[0]), int(args[1])
    quotient = 0 if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return _wrap(quotient, source)


def _rem(_node: Apply, source: Type, args: list[Array]) -> Array:
    a, b = int(args[0]), int(args[1])
    found = 0 if b == 0 else abs(a) % abs(b) * (-1 if a < 0 else 1)
    return _wrap(found, source)


def _wrap(number: int, one: Type) -> Array:
    """The integer whose low bits these are."""
    low = number & ((1 << one.bits) - 1)
    return np.array(low, f"u{one.bits // 8}").view(one.numpy)


def _shift(node: Apply, source: Type, args: list[Array]) -> Array:
    count = (int(args[1]) & (source.bits - 1)) if source.lanes == 1 else int(args[1]) % source.bits
    amount = np.array(count, source.numpy)
    if node.op == "shl":
        return np.asarray(np.left_shift(args[0], amount))
    return np.asarray(np.right_shift(args[0], amount))


def _rotl(_node: Apply, source: Type, args: list[Array]) -> Array:
    mask = (1 << source.bits) - 1
    bits, count = int(args[0]) & mask, int(args[1]) % source.bits
    return _wrap((bits << count) | (bits >> (source.bits - count)), source)


def _count(node: Apply, source: Type, args: list[Array]) -> Array:
    bits = int(args[0]) & ((1 << source.bits) - 1)
    if node.op == "popcnt":
        return np.array(bits.bit_count())
    if bits == 0:
        return np.array(source.bits)
    if node.op == "clz":
        return np.array(source.bits - bits.bit_length())
    return np.array((bits & -bits).bit_length() - 1)


def _sext(node: Apply, source: Type, args: list[Array]) -> Array:
    width = int(node.op[4:])
    low = int(args[0]) & ((1 << width) - 1)
    return _wrap(low - (1 << width) if low >> (width - 1) else low, source)


def _cast(node: Apply, source: Type, args: list[Array]) -> Array:
    target = node.type
    if source.is_float and target.is_int:
        return _saturate(args[0], target)
    if target.is_bool:
        return np.asarray(args[0] != 0)
    if source.is_bool and node.type.is_int and source.lanes > 1:
        return np.where(args[0], np.array(-1).astype(target.numpy), np.array(0, target.numpy))
    return args[0].astype(target.numpy)


def _saturate(a: Array, target: Type) -> Array:
    info = np.iinfo(np.dtype(f"{target.kind}{target.bits // 8}"))

    def one(number: float) -> int:
        if np.isnan(number):
            return 0
        if np.isinf(number):
            return int(info.max if number > 0 else info.min)
        return max(int(info.min), min(int(info.max), int(number)))

    found = [one(float(number)) for number in a.reshape(-1)]
    return np.array(found, target.numpy).reshape(a.shape)


def _bitcast(node: Apply, source: Type, args: list[Array]) -> Array:
    a = args[0]
    if source.is_bool:
        a = np.where(a, np.array(-1), np.array(0)).astype(f"i{source.bits // 8}")
    if node.type.is_bool:
        return np.asarray(a.view(f"i{node.type.bits // 8}") != 0)
    return np.asarray(a.reshape(-1).view(node.type.numpy)).reshape(
        () if node.type.lanes == 1 else (node.type.lanes,)
    )


def _splat(node: Apply, _source: Type, args: list[Array]) -> Array:
    return np.full(node.type.lanes, args[0].astype(node.type.numpy))


def _replace(node: Apply, source: Type, args: list[Array]) -> Array:
    found = args[0].copy()
    found[node.immediate[0]] = args[1].astype(source.numpy)
    return found


def _widen(node: Apply, source: Type, args: list[Array]) -> Array:
    half = source.lanes // 2
    part = args[0][:half] if node.op == "widen_low" else args[0][half:]
    return part.astype(node.type.numpy)


def _narrow(node: Apply, _source: Type, args: list[Array]) -> Array:
    info = np.iinfo(np.dtype(f"{node.type.kind}{node.type.bits // 8}"))
    return np.clip(np.concatenate(args), info.min, info.max).astype(node.type.numpy)


def _extmul(node: Apply, source: Type, args: list[Array]) -> Array:
    half = source.lanes // 2
    chosen = slice(0, half) if node.op == "extmul_low" else slice(half, None)
    a, b = (one[chosen].astype(node.type.numpy) for one in args)
    return np.asarray(a * b)


_TYPED: Final[dict[str, Callable[[Apply, Type, list[Array]], Any]]] = {
    "div": _div,
    "rem": _rem,
    "shl": _shift,
    "shr": _shift,
    "rotl": _rotl,
    "clz": _count,
    "ctz": _count,
    "popcnt": _count,
    "sext8": _sext,
    "sext16": _sext,
    "sext32": _sext,
    "cast": _cast,
    "bitcast": _bitcast,
    "splat": _splat,
    "extract": lambda node, _source, args: args[0][node.immediate[0]],
    "replace": _replace,
    "shuffle": lambda node, _source, args: np.concatenate(args)[list(node.immediate)],
    "bitmask": lambda _node, _source, args: sum(int(v) << k for k, v in enumerate(args[0])),
    "widen_low": _widen,
    "widen_high": _widen,
    "narrow_i": _narrow,
    "narrow_u": _narrow,
    "extmul_low": _extmul,
    "extmul_high": _extmul,
    "pairwise": lambda node, _source, args: _pairs(args[0].astype(node.type.numpy)),
    "convert_low": lambda _node, _source, args: args[0][:2].astype(np.float64),
    "demote": lambda _node, _source, args: np.append(args[0].astype(np.float32), [0, 0]),
    "trunc_zero": lambda node, _source, args: np.append(_saturate(args[0], node.type), [0, 0]),
}
