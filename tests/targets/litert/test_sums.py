"""In which order the interpreter adds up the products of convolutions and dense layers.

That is what `docs/litert.md` and the reasons in `tests/expected/conform.toml` say.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.targets.litert.running import built, outputs_of


def one_chain(x: np.ndarray, w: np.ndarray, bias: np.ndarray, *, fused: bool) -> np.ndarray:
    """The convolution of N x C x H x W with each product added to the bias and those before it.

    The taps' channels come first, then columns and rows of the kernel. A multiply-add that is
    `fused` rounds once, which in float64 is rounding the exact product's sum once more.
    """
    rows, columns = (n - k + 1 for n, k in zip(x.shape[2:], w.shape[2:], strict=True))
    total = np.broadcast_to(bias[:, None, None], (len(x), len(bias), rows, columns))
    for row, column in np.ndindex(w.shape[2:]):
        for channel in range(x.shape[1]):
            seen = x[:, None, channel, row : row + rows, column : column + columns]
            taps = w[:, channel, row, column, None, None]
            products = seen.astype(np.float64) * taps if fused else seen * taps
            total = (total + products).astype(np.float32)
    return total


@pytest.mark.parametrize(
    ("channels", "made", "kernel", "size"), [(1024, 20, 1, 7), (100, 33, 3, 8), (3, 16, 7, 9)]
)
def test_a_convolution_is_one_chain(channels: int, made: int, kernel: int, size: int) -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((1, channels, size, size), np.float32)
    w = rng.standard_normal((made, channels, kernel, kernel), np.float32)
    bias = rng.standard_normal(made, np.float32)
    graph = built({"x": x.shape}, lambda b, x: b.Conv(x, b.constant(w), b.constant(bias)))
    (found,) = outputs_of(graph, {"x": x}).values()
    chains = [one_chain(x, w, bias, fused=fused) for fused in (True, False)]
    assert any(np.array_equal(found, chain) for chain in chains)


@pytest.mark.parametrize("rows", [1, 7])
def test_a_dense_layer_is_one_chain(rows: int) -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((rows, 4096), np.float32)
    w = rng.standard_normal((20, 4096), np.float32)
    bias = rng.standard_normal(20, np.float32)
    graph = built({"x": x.shape}, lambda b, x: b.Gemm(x, b.constant(w), b.constant(bias), transB=1))
    (found,) = outputs_of(graph, {"x": x}).values()
    pixels, taps = x[:, :, None, None], w[:, :, None, None]
    chains = [one_chain(pixels, taps, bias, fused=fused)[..., 0, 0] for fused in (True, False)]
    assert any(np.array_equal(found, chain) for chain in chains)
