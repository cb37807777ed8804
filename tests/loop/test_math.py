"""Accuracy of the transcendental functions against mpmath, in both numerics and both forms."""

from __future__ import annotations

from typing import Any

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pytest

from likewise.loop import Program, ProgramBuilder, S
from likewise.loop.math import FUNCTIONS, Transcendental, exp_below_zero, gelu, power
from likewise.targets.wasm import Numerics, load
from tests.targets.wasm.running import module_of

Array = np.ndarray[Any, Any]

ORACLES = {
    "exp": mpmath.exp,
    "log": lambda x: mpmath.log(x) if x > 0 else mpmath.mpf("nan"),
    "tanh": mpmath.tanh,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "erf": mpmath.erf,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "expm1": mpmath.expm1,
    "log1p": lambda x: mpmath.log1p(x) if x > -1 else mpmath.mpf("nan"),
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "asin": lambda x: mpmath.asin(x) if abs(x) <= 1 else mpmath.mpf("nan"),
    "acos": lambda x: mpmath.acos(x) if abs(x) <= 1 else mpmath.mpf("nan"),
    "atan": mpmath.atan,
    "asinh": mpmath.asinh,
    "acosh": lambda x: mpmath.acosh(x) if x >= 1 else mpmath.mpf("nan"),
    "atanh": lambda x: mpmath.atanh(x) if abs(x) < 1 else mpmath.mpf("nan"),
}
SPECIALS = {
    "exp": {"inf": np.inf, "-inf": 0.0, "nan": np.nan, "0": 1.0},
    "log": {"inf": np.inf, "-inf": np.nan, "nan": np.nan, "0": -np.inf, "-1": np.nan, "1": 0.0},
    "tanh": {"inf": 1.0, "-inf": -1.0, "nan": np.nan, "0": 0.0, "-0.0": -0.0},
    "sigmoid": {"inf": 1.0, "-inf": 0.0, "nan": np.nan, "0": 0.5},
    "erf": {"inf": 1.0, "-inf": -1.0, "nan": np.nan, "0": 0.0, "-0.0": -0.0},
    "expm1": {"inf": np.inf, "-inf": -1.0, "nan": np.nan, "0": 0.0, "-0.0": -0.0},
    "log1p": {"inf": np.inf, "-inf": np.nan, "nan": np.nan, "0": 0.0, "-0.0": -0.0, "-1": -np.inf},
    "sin": {"inf": np.nan, "-inf": np.nan, "nan": np.nan, "0": 0.0, "-0.0": -0.0},
    "cos": {"inf": np.nan, "-inf": np.nan, "nan": np.nan, "0": 1.0},
    "tan": {"inf": np.nan, "-inf": np.nan, "nan": np.nan, "0": 0.0, "-0.0": -0.0},
    "sinh": {"inf": np.inf, "-inf": -np.inf, "nan": np.nan, "0": 0.0, "-0.0": -0.0},
    "cosh": {"inf": np.inf, "-inf": np.inf, "nan": np.nan, "0": 1.0},
    "asin": {"inf": np.nan, "nan": np.nan, "0": 0.0, "-0.0": -0.0, "2": np.nan},
    "acos": {"inf": np.nan, "nan": np.nan, "1": 0.0, "2": np.nan},
    "atan": {"nan": np.nan, "0": 0.0, "-0.0": -0.0},
    "asinh": {"inf": np.inf, "-inf": -np.inf, "nan": np.nan, "0": 0.0, "-0.0": -0.0},
    "acosh": {"inf": np.inf, "-inf": np.nan, "nan": np.nan, "1": 0.0, "0": np.nan},
    "atanh": {"1": np.inf, "-1": -np.inf, "nan": np.nan, "0": 0.0, "-0.0": -0.0, "2": np.nan},
}


def arguments(dtype: type, count: int) -> Array:
    """Dense where functions bend, and every magnitude down to the subnormals."""
    rng = np.random.default_rng(11)
    tiny = np.finfo(dtype)
    exponents = np.linspace(np.log2(float(tiny.smallest_subnormal)), tiny.maxexp - 1, count // 4)
    scale = np.exp2(exponents)
    parts = [
        scale * rng.choice([-1, 1], len(scale)),
        rng.uniform(-4, 4, count // 4),
        rng.uniform(-110, 100, count // 4),
        rng.uniform(0.5, 1.5, count // 8),
        rng.uniform(-760, 720, count // 8),
    ]
    return np.concatenate(parts).astype(dtype)


def program_of(function: Transcendental, kind: str, count: int, lanes: int) -> Program:
    builder = ProgramBuilder()
    storage = S.f32 if kind == "f32" else S.f64
    x, y = builder.input("x", storage, count), builder.output("y", storage, count)
    with builder.function("run") as b, b.loop(0, count, lanes) as i:
        b.store(y, i, function.write(b, b.load(x, i, lanes)))
    return builder.finish()


def evaluate(program: Program, x: Array, numerics: Numerics) -> Array:
    return load(module_of(program, numerics)).run({"x": x})["y"]


def worst_error(function: Transcendental, x: Array, y: Array) -> tuple[float, float]:
    """The greatest error in ULP of the result (of the least normal below it), and where."""
    kind = np.finfo(x.dtype)
    worst, where = 0.0, 0.0
    with mpmath.workprec(120):
        for argument, found in zip(x, y, strict=True):
            want = ORACLES[function.name](mpmath.mpf(float(argument)))
            if mpmath.isnan(want):
                assert np.isnan(found), argument
                continue
            if abs(want) >= mpmath.mpf(2) ** kind.maxexp * (1 - mpmath.mpf(2) ** -(kind.nmant + 2)):
                assert np.isinf(found), argument
                continue
            exponent = max(
                int(mpmath.floor(mpmath.log(abs(want), 2))) if want else kind.minexp,
                int(kind.minexp),
            )
            error = abs(mpmath.mpf(float(found)) - want) / mpmath.mpf(2) ** (exponent - kind.nmant)
            if error > worst:
                worst, where = float(error), float(argument)
    return worst, where


@pytest.mark.parametrize(
    ("form", "numerics"),
    [(form, "strict") for form in ("f32", "f32x4", "f64", "f64x2")]
    + [("f32x4", "fast"), ("f64x2", "fast")],
)
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_accuracy(name: str, form: str, numerics: Numerics) -> None:
    function, kind = FUNCTIONS[name], form[:3]
    x = arguments(np.float32 if kind == "f32" else np.float64, 2048)
    y = evaluate(program_of(function, kind, len(x), int(form[4:] or 1)), x, numerics)
    worst, where = worst_error(function, x, y)
    bound = getattr(function, kind)
    assert worst <= bound, f"{worst:.2f} ULP at {where!r}"
    assert worst > bound / 4, f"declared {bound}, but {worst:.2f} ULP is the worst"


@pytest.mark.parametrize("form", ["f32", "f32x4", "f64", "f64x2"])
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_specials(name: str, form: str) -> None:
    table = SPECIALS[name]
    dtype = np.float32 if form[:3] == "f32" else np.float64
    x = np.repeat(np.array([float(one) for one in table], dtype), 4)
    y = evaluate(program_of(FUNCTIONS[name], form[:3], len(x), int(form[4:] or 1)), x, "strict")
    want = np.repeat(np.array(list(table.values()), dtype), 4)
    np.testing.assert_array_equal(y, want)
    numbers = ~np.isnan(want)
    np.testing.assert_array_equal(np.signbit(y[numbers]), np.signbit(want[numbers]))


def power_program(kind: str, count: int, lanes: int) -> Program:
    builder = ProgramBuilder()
    storage = S.f32 if kind == "f32" else S.f64
    x, y = builder.input("x", storage, count), builder.input("y", storage, count)
    z = builder.output("z", storage, count)
    with builder.function("run") as b, b.loop(0, count, lanes) as i:
        b.store(z, i, power(b, b.load(x, i, lanes), b.load(y, i, lanes)))
    return builder.finish()


@pytest.mark.parametrize("form", ["f32", "f32x4", "f64", "f64x2"])
def test_power(form: str) -> None:
    kind: Any = np.float32 if form[:3] == "f32" else np.float64
    limits = np.finfo(kind)
    rng = np.random.default_rng(5)
    x = arguments(kind, 2048)[:1024]
    y = np.where(np.arange(1024) % 2, rng.uniform(-4, 4, 1024), rng.integers(-9, 9, 1024))
    y[:256] = np.log(rng.uniform(0.1, 1e30, 256)) / np.log(np.abs(x[:256], dtype=np.float64))
    y[300:310] = np.where(y[300:310] > 0, np.inf, -np.inf)
    corners = np.array([0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 2, -0.5, 3], kind)
    x = np.concatenate([x, np.repeat(corners, 10)]).astype(kind)
    y = np.concatenate([y, np.tile(corners, 10)]).astype(kind)
    x, y = x[: len(x) // 4 * 4], y[: len(x) // 4 * 4]
    program = power_program(form[:3], len(x), int(form[4:] or 1))
    for numerics in ("strict", "fast"):
        z = load(module_of(program, numerics)).run({"x": x, "y": y})["z"]
        with np.errstate(all="ignore"):
            exact = np.power(x, y)
        plain = ~np.isfinite(exact) | (exact == 0) | ~np.isfinite(x) | ~np.isfinite(y)
        np.testing.assert_array_equal(z[plain], exact[plain])
        np.testing.assert_array_equal(
            np.signbit(z)[~np.isnan(exact)], np.signbit(exact)[~np.isnan(exact)]
        )
        with mpmath.workprec(120):
            for a, c, found in zip(x[~plain], y[~plain], z[~plain], strict=True):
                want = mpmath.power(mpmath.mpf(float(a)), mpmath.mpf(float(c)))
                exponent = max(int(mpmath.floor(mpmath.log(abs(want), 2))), int(limits.minexp))
                error = abs(mpmath.mpf(float(found)) - want)
                assert error <= mpmath.mpf(2) ** (exponent - limits.nmant), (a, c)


@pytest.mark.parametrize("numerics", ["strict", "fast"])
def test_exp_below_zero(numerics: Numerics) -> None:
    """As exact as exp down to the least normal number, and 0 below."""
    function = Transcendental("exp", exp_below_zero, FUNCTIONS["exp"].f32, 0)
    x = np.linspace(-87.3, 0, 4000, dtype=np.float32)
    y = evaluate(program_of(function, "f32", x.size, 4), x, numerics)
    error, where = worst_error(function, x, y)
    assert error <= function.f32, where
    low = np.array([-88, -100, -1e30, -np.inf], np.float32)
    assert not evaluate(program_of(function, "f32", low.size, 4), low, numerics).any()


@pytest.mark.parametrize(
    ("form", "numerics"), [("f32", "strict"), ("f32x4", "fast"), ("f64", "strict")]
)
def test_gelu(form: str, numerics: Numerics) -> None:
    kind, lanes = form[:3], int(form[4:] or 1)
    x = arguments(np.float32 if kind == "f32" else np.float64, 4096)
    function = Transcendental("gelu", gelu, 4, 4)
    found = evaluate(program_of(function, kind, len(x), lanes), x, numerics)
    with mpmath.workdps(60):
        exact = [mpmath.mpf(one) * mpmath.ncdf(min(max(one, -99), 99)) for one in x.tolist()]
        error = [abs(mpmath.mpf(float(y)) - want) for y, want in zip(found, exact, strict=True)]
    tiny = np.finfo(x.dtype).smallest_normal
    units = np.spacing(np.maximum(np.abs(x) / 2, tiny)).tolist()
    worst = max(float(one / unit) for one, unit in zip(error, units, strict=True))
    assert 1.0 < worst <= 4.0
    specials = np.array([np.inf, -np.inf, np.nan, -0.0], x.dtype)
    found = evaluate(program_of(function, kind, 4, lanes), specials, numerics)
    np.testing.assert_array_equal(found, [np.inf, np.nan, np.nan, -0.0])
    assert np.signbit(found[3])
