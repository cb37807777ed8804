"""float16 and bfloat16 conversions over every bit pattern that matters."""

from __future__ import annotations

import numpy as np
import pytest

from likewise.loop import ProgramBuilder, S, Storage
from likewise.targets.wasm import load
from tests.targets.wasm.running import assert_same_bits, module_of

ALL_BITS = np.arange(65536, dtype=np.uint32)


def convert(x: np.ndarray, source: Storage, target: Storage, lanes: int) -> np.ndarray:
    program = ProgramBuilder()
    a, y = program.input("x", source, x.size), program.output("y", target, x.size)
    with program.function("run") as b, b.loop(0, x.size, lanes) as i:
        b.store(y, i, b.load(a, i, lanes))
    return load(module_of(program.finish())).run({"x": x})["y"]


def bf16_to_f32(bits: np.ndarray) -> np.ndarray:
    return (bits.astype(np.uint32) << 16).view(np.float32)


@pytest.mark.parametrize("lanes", [1, 4])
def test_every_float16_widens_exactly(lanes: int) -> None:
    x = ALL_BITS.astype(np.uint16).view(np.float16)
    assert_same_bits(convert(x, S.f16, S.f32, lanes), x.astype(np.float32))


@pytest.mark.parametrize("lanes", [1, 4])
def test_float16_rounds_as_numpy_does(lanes: int) -> None:
    exact = ALL_BITS.astype(np.uint16).view(np.float16).astype(np.float32)
    exact = exact[np.isfinite(exact)]
    with np.errstate(over="ignore"):
        near = np.concatenate([
            exact, np.nextafter(exact, np.float32(np.inf)), np.nextafter(exact, np.float32(-9e9)),
            ((exact[:-1] + exact[1:]) / 2).astype(np.float32),
            np.array([65519.996, 65520, 1e9, np.inf, -np.inf, np.nan, 2**-25, 2**-24], "f4"),
        ])  # fmt: skip
        near = near[: near.size // 4 * 4]
        assert_same_bits(convert(near, S.f32, S.f16, lanes), near.astype(np.float16))


@pytest.mark.parametrize("lanes", [1, 4])
def test_bfloat16_rounds_to_nearest_even(lanes: int) -> None:
    upper = ALL_BITS << 16
    lower = np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF], np.uint32)
    x = (upper[:, None] | lower).reshape(-1).view(np.float32)
    given = bf16_to_f32(convert(x, S.f32, S.bf16, lanes))
    ml_dtypes = pytest.importorskip("ml_dtypes")
    with np.errstate(invalid="ignore"):
        want = x.astype(ml_dtypes.bfloat16).astype(np.float32)
    assert_same_bits(given, want)
