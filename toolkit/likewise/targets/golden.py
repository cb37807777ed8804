"""Golden vectors: what an artefact must answer, to be checked wherever it is loaded.

They name inputs by a seed, since any language makes the same numbers from 32-bit integers:

    mix(x) = MurmurHash3's last step
    word(seed, stream, i) = mix(mix(mix(seed) + stream) + i * 0x9E3779B9)  (all modulo 2 ** 32)

Element `i` of the input at position `stream` is `word`'s upper 24 bits / 2 ** 23 - 1 for `float`
(so many bits as the type's significand has, up to 32, for other floats), its lowest bit for `bool`
and integers of 32 and 64 bits, since that is an index into anything, its lowest bits for smaller
integers. Of an output of more than `SAMPLE` elements so many are kept: those that stand, flat, at
`word` modulo its size, `stream` being OUTPUTS plus the output's position.

What an output must be is the float64 oracle's, in the output's own type. A float may be off by
`RELATIVE` of the output's largest magnitude, or where that is more by `TIMES` NumPy's own error,
which a power of two then bounds: this finds what is broken on a device, and `likewise conform` is
the finer measure. Numbers are rounded so that what NumPy's sums differ in from one machine to the
next does not show in a module's bytes.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.errors import LikewiseError, ModelError
from likewise.ir import DType, TensorType
from likewise.ops.conversion import convert
from likewise.passes.widen import widen, widened_array
from likewise.targets.numpy.plan import Plan
from likewise.targets.ports import Port, Runs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from likewise.ir import Array, Graph

__all__ = ["SAMPLE", "Mismatch", "drawn", "self_test", "vectors"]

SAMPLE: Final = 256
SEEDS: Final = 4
"""So many are tried until outputs are finite and rounding changes no integer and no size."""
TIMES: Final = 4
RELATIVE: Final = {
    DType.FLOAT: 1e-4,
    DType.DOUBLE: 1e-12,
    DType.FLOAT16: 0.03,
    DType.BFLOAT16: 0.1,
}
OUTPUTS: Final = 1 << 16
_DIGITS: Final = {DType.FLOAT: 24, DType.DOUBLE: 32, DType.FLOAT16: 11, DType.BFLOAT16: 8}


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Where an output left its golden vector.

    `what` is `shape`, `element` (then `at` is its flat position) or `mean`, and `given` and
    `expected` are those; `tolerance` is how far apart they may be.
    """

    seed: int
    output: str
    what: str
    at: int | None
    given: Any
    expected: Any
    tolerance: float


def drawn(ports: Sequence[Port], seed: int) -> dict[str, Array]:
    """The inputs that `seed` stands for; their shapes are static."""
    return {port.name: _input(port, seed, at) for at, port in enumerate(ports)}


def vectors(graph: Graph) -> dict[str, Any]:
    """The golden vectors of a graph that is specialised and simplified; {} where there are none.

    That is where it has no form in float64, or no seed gives finite outputs whose integers and
    sizes are the same in float64 and in the graph's own types.
    """
    ports = [Port(value.name, value.type) for value in graph.inputs]
    kinds = [value.type for value in graph.outputs]
    if not all(isinstance(kind, TensorType) for kind in kinds):
        return {}
    try:
        oracle, reference = Plan(widen(graph)), Plan(graph)
        for seed in range(SEEDS):
            feeds = list(drawn(ports, seed).values())
            with np.errstate(all="ignore"):
                wanted = oracle.run([widened_array(one) for one in feeds])
                pairs = list(zip(reference.run(feeds), wanted, strict=True))
            if all(_is_steady(*pair) for pair in pairs):
                made = [_described(*pair, seed, at) for at, pair in enumerate(pairs)]
                names = [value.name for value in graph.outputs]
                return {"cases": [{"seed": seed, "outputs": dict(zip(names, made, strict=True))}]}
    except (LikewiseError, MemoryError):
        pass  # there is no float64 for it, or such inputs are none of its own
    return {}


def _is_steady(given: Array, wanted: Array) -> bool:
    if given.shape != wanted.shape:
        return False
    kind = DType.of(given.dtype)
    if not kind.is_float:
        # The least of 32 or 64 bits may be what became of an infinity, on this machine.
        least = np.iinfo(kind.numpy).min if kind.is_integer and kind.bits >= 32 else None
        return np.array_equal(given, wanted) and not (least and (given == least).any())
    with np.errstate(over="ignore"):
        return bool(np.isfinite([_wide(given), _wide(_narrowed(wanted, given))]).all())


def _wide(array: Array) -> Array:
    return convert(array, DType.DOUBLE)


def _narrowed(array: Array, like: Array) -> Array:
    return convert(array, DType.of(like.dtype), saturate=False)


def _described(given: Array, wanted: Array, seed: int, position: int) -> dict[str, Any]:
    """The golden vector of the output at `position`: what NumPy and the oracle give for it."""
    array = _narrowed(wanted, given)
    flat = array.reshape(-1)
    kept = flat if flat.size <= SAMPLE else flat[_places(flat.size, seed, position)]
    entry = {
        "shape": list(array.shape),
        "values": base64.b64encode(np.ascontiguousarray(kept).tobytes()).decode(),
        "tolerance": _tolerance(given, wanted),
    }
    mean = _mean(flat)
    if flat.size > SAMPLE and mean is not None:
        entry["mean"] = float(f"{mean:.8e}")
    return entry


def _tolerance(given: Array, wanted: Array) -> float:
    kind = DType.of(given.dtype)
    if not kind.is_float or not given.size:
        return 0.0
    usual = RELATIVE[kind] * float(np.abs(wanted).max())
    error = TIMES * float(np.abs(_wide(given) - wanted).max())
    return float(f"{usual:.1e}") if error <= usual else 2.0 ** np.ceil(np.log2(error))


def self_test(golden: Mapping[str, Any], runner: Runs) -> list[Mismatch] | None:
    """The first mismatch of each output that has one; None where there are no golden vectors.

    Raises `ModelError` for vectors that cannot be read.
    """
    cases = golden.get("cases", [])
    found = []
    try:
        for case in cases:
            made = runner.run(drawn(runner.inputs, case["seed"]))
            for position, port in enumerate(runner.outputs):
                wrong = _difference(made[port.name], case, port, position)
                if wrong is not None:
                    found.append(Mismatch(case["seed"], port.name, *wrong))
    except LikewiseError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError("the golden vectors are broken", given=repr(error)) from None
    return found if cases else None


def _difference(
    array: Array, case: Mapping[str, Any], port: Port, position: int
) -> tuple[str, int | None, Any, Any, float] | None:
    """What of the output differs, where, what it is, what it should be, how far it may be off."""
    entry = case["outputs"][port.name]
    tolerance: float = entry["tolerance"]
    if list(array.shape) != entry["shape"]:
        return "shape", None, list(array.shape), entry["shape"], 0.0
    flat = array.reshape(-1)
    places = np.arange(flat.size)
    if flat.size > SAMPLE:
        places = _places(flat.size, case["seed"], position)
    expected = np.frombuffer(base64.b64decode(entry["values"]), array.dtype)
    given = flat[places]
    if given.size != expected.size:
        raise ValueError(f"{expected.size} values for {given.size}")
    wrong = np.flatnonzero(~_near(given, expected, tolerance))
    if wrong.size:
        first = int(wrong[0])
        return "element", int(places[first]), given[first].item(), expected[first].item(), tolerance
    if (mean := entry.get("mean")) is not None:
        found = _mean(flat)
        if found is None or abs(found - mean) > tolerance + 1e-8 * abs(mean):
            return "mean", None, found, mean, tolerance
    return None


def _near(given: Array, expected: Array, tolerance: float) -> Array:
    if not DType.of(given.dtype).is_float:
        return np.asarray(given == expected)
    a, b = _wide(given), _wide(expected)
    with np.errstate(invalid="ignore"):
        return (a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= tolerance)


def _mean(array: Array) -> float | None:
    """The mean of finite elements; None where its own rounding depends on the order of the sum."""
    kind = DType.of(array.dtype)
    wide = _wide(array)
    finite = wide[np.isfinite(wide)]
    exact = np.abs(finite).sum() < 2.0**53
    if not finite.size or kind is DType.DOUBLE or not (kind.is_float or exact):
        return None
    return float(finite.sum() / finite.size)


def _input(port: Port, seed: int, stream: int) -> Array:
    if not isinstance(port.type, TensorType) or port.type.dims is None:
        raise ModelError(f"input {port.name!r} cannot be drawn", given=port.type)
    shape = tuple(int(str(dim)) for dim in port.type.dims)
    kind = port.type.dtype
    words = _words(prod(shape), seed, stream)
    made: Array
    if kind in _DIGITS:
        digits = _DIGITS[kind]
        made = (words >> np.uint32(32 - digits)) / 2.0 ** (digits - 1) - 1
    else:
        bits = 1 if kind is DType.BOOL or kind.bits > 16 else kind.bits
        made = words & np.uint32(2**bits - 1)
    return convert(made, kind).reshape(shape)


def _places(size: int, seed: int, position: int) -> Array:
    return _words(SAMPLE, seed, OUTPUTS + position).astype(np.int64) % size


def _words(count: int, seed: int, stream: int) -> Array:
    key = _mix(_mix(np.array([seed], np.uint32)) + np.uint32(stream))
    return _mix(key + np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B9))


def _mix(x: Array) -> Array:
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    x = (x ^ (x >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    made: Array = x ^ (x >> np.uint32(16))
    return made
