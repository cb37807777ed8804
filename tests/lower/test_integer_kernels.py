"""Convolutions and products of bytes: the very numbers that NumPy gives, in vectors of pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pytest

from likewise.ir import DType, Graph, Node, TensorType, Value
from likewise.lower.graph import Lowered, lower_graph
from likewise.ops import find_operator
from likewise.targets.wasm import Numerics, emit_lowered, load
from tests.targets.wasm.running import shared_module
from tests.wasm.engines import Packed

if TYPE_CHECKING:
    from pathlib import Path

    from likewise.ir import Array
    from likewise.loop import Function

GENERATOR = np.random.default_rng(9)


def draw(dtype: Any, *shape: int) -> Array:
    limits = np.iinfo(dtype)
    return GENERATOR.integers(limits.min, limits.max + 1, shape, dtype)


def scales(count: int) -> Array:
    return GENERATOR.uniform(0.001, 0.01, count).astype(np.float32)


def lowered(name: str, inputs: list[Array], **attributes: Any) -> tuple[Lowered, Array]:
    """The operator on the first input, the others constants; and what NumPy gives."""
    kind = find_operator(name)
    assert kind is not None
    operator = kind(**attributes)
    values = [
        Value("x" if not at else f"c{at}", TensorType(DType.of(one.dtype), one.shape))
        for at, one in enumerate(inputs)
    ]
    expected = np.asarray(operator.evaluate(*inputs))
    y = Value("y", TensorType(DType.of(expected.dtype), expected.shape))
    node = Node(operator, tuple(values), (y,))
    constants = dict(zip(values[1:], inputs[1:], strict=True))
    return lower_graph(Graph("one", (values[0],), (y,), (node,), constants)), expected


def check(name: str, inputs: list[Array], **attributes: Any) -> dict[str, Function]:
    """Hold the module in both numerics, and with threads, against NumPy; the kernels."""
    made, expected = lowered(name, inputs, **attributes)
    modules = [emit_lowered(made, numerics="strict"), emit_lowered(made, numerics="fast")]
    for module in (*modules, shared_module(made, "fast", 2)):
        np.testing.assert_array_equal(load(module, threads=2).run({"x": inputs[0]})["y"], expected)
    return {one.name: one for one in made.program.functions}


CONVOLUTIONS = [
    # C, spatial, M, kernel, group, strides, dilations, pads, a kernel
    (8, (9, 11), 16, (3, 3), 1, (1, 1), (1, 1), (1, 1, 1, 1), "i16_conv_3x3_2x16"),
    (3, (9, 11), 8, (3, 3), 1, (2, 2), (1, 1), (1, 1, 1, 1), "i16_conv_3x3_2x16"),
    (16, (7, 7), 13, (1, 1), 1, (1, 1), (1, 1), (0, 0, 0, 0), "i16_gemm_2x16"),
    (5, (8, 6), 3, (1, 1), 1, (2, 2), (1, 1), (0, 0, 0, 0), "i16_conv_1x1_2x16"),
    (12, (6, 5), 9, (3, 2), 3, (1, 1), (2, 1), (2, 0, 1, 1), "i16_conv_3x2_2x16"),
    (9, (6, 5), 6, (3, 3), 3, (1, 1), (1, 1), (0, 0, 0, 0), "i32_conv_3x3_6x8"),
    (7, (9, 9), 7, (3, 3), 7, (2, 1), (1, 1), (1, 1, 1, 1), "f32_dwconv_3x3_4x4"),
    (8, (9, 9), 8, (3, 3), 8, (1, 1), (1, 1), (1, 1, 1, 1), "f32_dwconv_3x3_4x4"),
    (6, (40,), 7, (5,), 1, (3,), (1,), (2, 2), "i16_conv_5_2x16"),
    (16, (7, 9), 16, (3, 3), 1, (1, 1), (1, 1), (1, 1, 1, 1), "i16_winograd_3x3_4x8"),
    (24, (9, 12), 40, (3, 3), 1, (1, 1), (1, 1), (0, 2, 1, 0), "i16_winograd_3x3_4x8"),
    (40, (12, 11), 16, (3, 3), 1, (1, 1), (1, 1), (1, 1, 1, 1), "i16_winograd_3x3_4x8"),
    (20, (7, 9), 16, (3, 3), 1, (1, 1), (1, 1), (1, 1, 1, 1), "i16_conv_3x3_2x16"),
    (16, (13, 18), 24, (3, 3), 1, (1, 1), (1, 1), (1, 1, 1, 1), "i16_winograd4_3x3_4x8"),
    (40, (24, 15), 16, (3, 3), 1, (1, 1), (1, 1), (0, 2, 1, 0), "i16_winograd4_3x3_4x8"),
    (16, (2, 90), 16, (3, 3), 1, (1, 1), (1, 1), (1, 1, 1, 1), "i16_winograd_3x3_4x8"),
]


def requantized(case: tuple[Any, ...], x_type: Any, w_type: Any) -> tuple[list[Array], Any]:
    """Inputs of QLinearConv, and its attributes."""
    channels, spatial, made, kernel, group, strides, dilations, pads, _ = case
    x, w = draw(x_type, 2, channels, *spatial), draw(w_type, made, channels // group, *kernel)
    inputs = [
        *(x, scales(1).reshape(()), draw(x_type, 1).reshape(())),
        *(w, scales(made), draw(w_type, made)),
        *(scales(1).reshape(()) * 20, draw(x_type, 1).reshape(())),
        GENERATOR.integers(-9999, 9999, made, np.int32),
    ]
    return inputs, {"group": group, "strides": strides, "dilations": dilations, "pads": pads}


@pytest.mark.parametrize("x_type", [np.uint8, np.int8])
@pytest.mark.parametrize("w_type", [np.uint8, np.int8])
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolution(case: tuple[Any, ...], x_type: Any, w_type: Any) -> None:
    inputs, attributes = requantized(case, x_type, w_type)
    (x, _, x_zero, w, _, w_zero, *_), wanted = inputs, case[-1]
    assert wanted in check("ConvInteger", [x, w, x_zero, w_zero], **attributes)
    assert wanted in check("ConvInteger", [x, w, x_zero], **attributes)
    kernels = check("QLinearConv", inputs, **attributes)
    assert wanted in kernels
    # Requantized where it is made: what puts the channels in order moves bytes.
    assert {one.storage.bytes for one in kernels["map"].memories} == {1}


def test_node_and_chromium_give_the_same(tmp_path: Path) -> None:
    folder, site = tmp_path / "packed", tmp_path / "site"
    folder.mkdir()
    site.mkdir()
    packed = Packed(folder)
    for number, case in enumerate(CONVOLUTIONS):
        inputs, attributes = requantized(case, np.uint8, np.int8)
        made, expected = lowered("QLinearConv", inputs, **attributes)
        for mode in get_args(Numerics):
            module = emit_lowered(made, numerics=mode)
            (given,) = packed.add(f"{number} {mode}", module, {"x": inputs[0]}).values()
            np.testing.assert_array_equal(given, expected)
    assert packed.in_chromium(site).results == packed.expected
    in_node = packed.in_node().results  # which may be one without relaxed SIMD
    for name, expected_digests in packed.expected.items():
        assert in_node[name] == expected_digests or name.endswith("fast")


@pytest.mark.parametrize("shape", [(1, 7), (3, 8), (2, 5, 33), (1, 1, 256)])
@pytest.mark.parametrize("columns", [1, 8, 13, 40])
@pytest.mark.parametrize("kind", [np.uint8, np.int8])
def test_product(shape: tuple[int, ...], columns: int, kind: Any) -> None:
    a, b = draw(kind, *shape), draw(np.int8, shape[-1], columns)
    zeros = [draw(kind, 1).reshape(()), draw(np.int8, columns)]
    name = f"i16_gem{'v_1x32' if np.prod(shape[:-1]) <= 2 else 'm_2x16'}"
    assert name in check("MatMulInteger", [a, b, *zeros])
    inputs = [
        *(a, scales(1), zeros[0].reshape(1)),
        *(b, scales(columns), zeros[1]),
        *(scales(1) * 50, draw(kind, 1)),
    ]
    assert name in check("QLinearMatMul", inputs)


def test_sums_wrap_as_int32_does() -> None:
    a = np.full((2, 70001), 255, np.uint8)
    check("MatMulInteger", [a, np.full((70001, 9), 255, np.uint8)])


@pytest.mark.parametrize("extreme", [(0, 255), (255, 0)])
@pytest.mark.parametrize(
    ("channels", "made", "side", "wanted"),
    [
        (64, 8, 4, "i16_conv_3x3_2x16"),
        (16, 16, 4, "i16_winograd_3x3_4x8"),
        (912, 16, 4, "i16_winograd_3x3_4x8"),  # 4 times a sum just fits int32
        (920, 16, 4, "i16_conv_3x3_2x16"),
        (56, 16, 13, "i16_winograd4_3x3_4x8"),  # 64 times a sum just fits int32
        (64, 16, 13, "i16_winograd_3x3_4x8"),
    ],
)
def test_products_of_the_most_distant_bytes(
    extreme: tuple[int, int], channels: int, made: int, side: int, wanted: str
) -> None:
    zero, value = (np.uint8(one) for one in extreme)
    x = np.full((1, channels, side, side), value, np.uint8)
    w = np.full((made, channels, 3, 3), value, np.uint8)
    zeros = [np.array(zero), np.full(made, zero)]
    assert wanted in check("ConvInteger", [x, w, *zeros], pads=(1, 1, 1, 1))


@pytest.mark.parametrize(
    ("side", "wanted"), [(6, "i16_winograd_3x3_4x8"), (14, "i16_winograd4_3x3_4x8")]
)
@pytest.mark.parametrize("mask", [np.indices((3, 3)).sum(0) % 2 == one for one in (0, 1, 2)])
def test_differences_of_the_most_distant_bytes(side: int, wanted: str, mask: Array) -> None:
    """Neighbours as far apart as can be, and weights of both signs or one: large transforms."""
    places = np.indices((side, side)).sum(0) // 2 % 2 == 0
    drawn = GENERATOR.integers(0, 2, (8, side, side)) == 0
    x = np.where([*[places] * 8, *drawn], np.uint8(255), np.uint8(0))[None]
    w = np.where(mask, np.int8(127), np.int8(-128))[None, None].repeat(16, 0).repeat(16, 1)
    zeros = [np.array(255, np.uint8), np.full(16, -128, np.int8)]
    assert wanted in check("ConvInteger", [x, w, *zeros], pads=(1, 1, 1, 1))
    assert wanted in check("ConvInteger", [x, w], pads=(1, 1, 1, 1))
