"""The numbers of WebAssembly's instructions, and which one each loop-IR operation becomes.

Sources: the core specification (3.0), with its SIMD and relaxed SIMD parts.
"""

from __future__ import annotations

from typing import Final

__all__ = ["ATOMICS", "LOADS", "OPCODES", "STORES", "VALUE_TYPES", "simd"]

VALUE_TYPES: Final = {"i32": 0x7F, "i64": 0x7E, "f32": 0x7D, "f64": 0x7C, "v128": 0x7B}


def simd(number: int) -> bytes:
    """A vector instruction: prefix and LEB128 number."""
    if number < 0x80:
        return bytes((0xFD, number))
    return bytes((0xFD, number & 0x7F | 0x80, number >> 7))


_INT_ORDER: Final = ("lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u")
_FLOAT_UNARY: Final = ("abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt")
_FLOAT_BINARY: Final = ("add", "sub", "mul", "div", "min", "max", "copysign")
_INT_ARITHMETIC: Final = (
    *("clz", "ctz", "popcnt", "add", "sub", "mul", "div_s", "div_u", "rem_s", "rem_u"),
    *("and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr"),
)


def _scalar_table() -> dict[str, bytes]:
    found: dict[str, int] = {}
    for name, start in (("i32", 0x45), ("i64", 0x50)):
        for at, op in enumerate(("eqz", "eq", "ne", *_INT_ORDER)):
            found[f"{name}.{op}"] = start + at
    for name, start in (("f32", 0x5B), ("f64", 0x61)):
        for at, op in enumerate(("eq", "ne", "lt", "gt", "le", "ge")):
            found[f"{name}.{op}"] = start + at
    for name, start in (("i32", 0x67), ("i64", 0x79)):
        for at, op in enumerate(_INT_ARITHMETIC):
            found[f"{name}.{op}"] = start + at
    for name, start in (("f32", 0x8B), ("f64", 0x99)):
        for at, op in enumerate((*_FLOAT_UNARY, *_FLOAT_BINARY)):
            found[f"{name}.{op}"] = start + at
    found |= {
        "select": 0x1B,
        "i32.wrap_i64": 0xA7, "i64.extend_i32_s": 0xAC, "i64.extend_i32_u": 0xAD,
        "f32.convert_i32_s": 0xB2, "f32.convert_i32_u": 0xB3,
        "f32.convert_i64_s": 0xB4, "f32.convert_i64_u": 0xB5, "f32.demote_f64": 0xB6,
        "f64.convert_i32_s": 0xB7, "f64.convert_i32_u": 0xB8,
        "f64.convert_i64_s": 0xB9, "f64.convert_i64_u": 0xBA, "f64.promote_f32": 0xBB,
        "i32.reinterpret_f32": 0xBC, "i64.reinterpret_f64": 0xBD,
        "f32.reinterpret_i32": 0xBE, "f64.reinterpret_i64": 0xBF,
        "i32.extend8_s": 0xC0, "i32.extend16_s": 0xC1,
        "i64.extend8_s": 0xC2, "i64.extend16_s": 0xC3, "i64.extend32_s": 0xC4,
    }  # fmt: skip
    table = {name: bytes((code,)) for name, code in found.items()}
    targets = ("i32.trunc_sat_f32", "i32.trunc_sat_f64", "i64.trunc_sat_f32", "i64.trunc_sat_f64")
    for at, name in enumerate(targets):
        table[f"{name}_s"] = bytes((0xFC, 2 * at))
        table[f"{name}_u"] = bytes((0xFC, 2 * at + 1))
    return table


def _vector_table() -> dict[str, bytes]:
    found: dict[str, int] = {"i8x16.swizzle": 0x0E}
    shapes = ("i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2")
    for at, shape in enumerate(shapes):
        found[f"{shape}.splat"] = 0x0F + at
    lanes = (
        *("i8x16.extract_lane_s", "i8x16.extract_lane_u", "i8x16.replace_lane"),
        *("i16x8.extract_lane_s", "i16x8.extract_lane_u", "i16x8.replace_lane"),
        *("i32x4.extract_lane", "i32x4.replace_lane", "i64x2.extract_lane", "i64x2.replace_lane"),
        *("f32x4.extract_lane", "f32x4.replace_lane", "f64x2.extract_lane", "f64x2.replace_lane"),
    )
    found |= {name: 0x15 + at for at, name in enumerate(lanes)}
    for shape, start in (("i8x16", 0x23), ("i16x8", 0x2D), ("i32x4", 0x37)):
        for at, op in enumerate(("eq", "ne", *_INT_ORDER)):
            found[f"{shape}.{op}"] = start + at
    for shape, start in (("f32x4", 0x41), ("f64x2", 0x47)):
        for at, op in enumerate(("eq", "ne", "lt", "gt", "le", "ge")):
            found[f"{shape}.{op}"] = start + at
    for at, op in enumerate(("eq", "ne", "lt_s", "gt_s", "le_s", "ge_s")):
        found[f"i64x2.{op}"] = 0xD6 + at
    bits = ("not", "and", "andnot", "or", "xor", "bitselect", "any_true")
    found |= {f"v128.{op}": 0x4D + at for at, op in enumerate(bits)}
    for shape, start in (("i8x16", 0x60), ("i16x8", 0x80), ("i32x4", 0xA0), ("i64x2", 0xC0)):
        integers = {"abs": 0, "neg": 1, "all_true": 3, "bitmask": 4}
        integers |= {"shl": 11, "shr_s": 12, "shr_u": 13, "add": 14, "sub": 17}
        found |= {f"{shape}.{op}": start + at for op, at in integers.items()}
        if shape != "i8x16":
            found[f"{shape}.mul"] = start + 0x15
        if shape != "i64x2":
            order = ("min_s", "min_u", "max_s", "max_u")
            found |= {f"{shape}.{op}": start + 0x16 + at for at, op in enumerate(order)}
    for shape, source, start in (
        ("i16x8", "i8x16", 0x80), ("i32x4", "i16x8", 0xA0), ("i64x2", "i32x4", 0xC0),
    ):  # fmt: skip
        for at, half in enumerate(("low_{}_s", "high_{}_s", "low_{}_u", "high_{}_u")):
            found[f"{shape}.extend_{half.format(source)}"] = start + 7 + at
            found[f"{shape}.extmul_{half.format(source)}"] = start + 0x1C + at
    for shape, start in (("f32x4", 0xE4), ("f64x2", 0xF0)):
        binary = ("add", "sub", "mul", "div", "min", "max", "pmin", "pmax")
        found |= {f"{shape}.{op}": start + at for at, op in enumerate(binary)}
        found |= {f"{shape}.{op}": start - 4 + at for op, at in (("abs", 0), ("neg", 1))}
        found[f"{shape}.sqrt"] = start - 1
    found |= {
        "i8x16.narrow_i16x8_s": 0x65, "i8x16.narrow_i16x8_u": 0x66,
        "i16x8.narrow_i32x4_s": 0x85, "i16x8.narrow_i32x4_u": 0x86,
        "f32x4.ceil": 0x67, "f32x4.floor": 0x68, "f32x4.trunc": 0x69, "f32x4.nearest": 0x6A,
        "f64x2.ceil": 0x74, "f64x2.floor": 0x75, "f64x2.trunc": 0x7A, "f64x2.nearest": 0x94,
        "i16x8.extadd_pairwise_i8x16_s": 0x7C, "i16x8.extadd_pairwise_i8x16_u": 0x7D,
        "i32x4.extadd_pairwise_i16x8_s": 0x7E, "i32x4.extadd_pairwise_i16x8_u": 0x7F,
        "f32x4.demote_f64x2_zero": 0x5E, "f64x2.promote_low_f32x4": 0x5F,
        "i32x4.dot_i16x8_s": 0xBA,
        "i32x4.trunc_sat_f32x4_s": 0xF8, "i32x4.trunc_sat_f32x4_u": 0xF9,
        "f32x4.convert_i32x4_s": 0xFA, "f32x4.convert_i32x4_u": 0xFB,
        "i32x4.trunc_sat_f64x2_s_zero": 0xFC, "i32x4.trunc_sat_f64x2_u_zero": 0xFD,
        "f64x2.convert_low_i32x4_s": 0xFE, "f64x2.convert_low_i32x4_u": 0xFF,
        "f32x4.relaxed_madd": 0x105, "f32x4.relaxed_nmadd": 0x106,
        "f64x2.relaxed_madd": 0x107, "f64x2.relaxed_nmadd": 0x108,
        "i8x16.relaxed_laneselect": 0x109, "i16x8.relaxed_laneselect": 0x10A,
        "i32x4.relaxed_laneselect": 0x10B, "i64x2.relaxed_laneselect": 0x10C,
    }  # fmt: skip
    return {name: simd(code) for name, code in found.items()}


OPCODES: Final = _scalar_table() | _vector_table()

ATOMICS: Final = {
    "memory.atomic.notify": b"\xfe\x00",
    "memory.atomic.wait32": b"\xfe\x01",
    "i32.atomic.load": b"\xfe\x10",
    "i32.atomic.store": b"\xfe\x17",
    "i32.atomic.rmw.add": b"\xfe\x1e",
    "i32.atomic.rmw.cmpxchg": b"\xfe\x48",
}

# (storage bytes and sign or float, result) -> instruction and the alignment's exponent.
LOADS: Final[dict[tuple[str, str], tuple[bytes, int]]] = {
    ("bool", "i32"): (b"\x2d", 0),
    ("i8", "i32"): (b"\x2c", 0),
    ("u8", "i32"): (b"\x2d", 0),
    ("i16", "i32"): (b"\x2e", 1),
    ("u16", "i32"): (b"\x2f", 1),
    ("f16", "i32"): (b"\x2f", 1),
    ("bf16", "i32"): (b"\x2f", 1),
    ("i32", "i32"): (b"\x28", 2),
    ("u32", "i32"): (b"\x28", 2),
    ("i64", "i64"): (b"\x29", 3),
    ("u64", "i64"): (b"\x29", 3),
    ("f32", "f32"): (b"\x2a", 2),
    ("f64", "f64"): (b"\x2b", 3),
}

STORES: Final[dict[int, dict[str, tuple[bytes, int]]]] = {
    1: {"i32": (b"\x3a", 0)},
    2: {"i32": (b"\x3b", 1)},
    4: {"i32": (b"\x36", 2), "f32": (b"\x38", 2)},
    8: {"i64": (b"\x37", 3), "f64": (b"\x39", 3)},
}
