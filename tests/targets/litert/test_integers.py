"""Quantized models: the integers of the model are those of the file, and so are the kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from likewise.ir import DType, Graph
from likewise.targets.litert import emit_program
from tests.targets.litert.running import built, drawn, outputs_of, reference

RNG = np.random.default_rng(4)
WEIGHTS = RNG.integers(-127, 128, (6, 4, 3, 3)).astype(np.int8)
SCALES = (RNG.random(6) / 500 + 0.001).astype(np.float32)
BIAS = RNG.integers(-900, 900, 6).astype(np.int32)
X_SCALE, Y_SCALE = np.float32(0.04), np.float32(0.05)


def there_and_back(b: Any, x: Any, scale: np.float32, zero: Any) -> Any:
    zero = b.constant(zero)
    return b.DequantizeLinear(b.QuantizeLinear(x, b.constant(scale), zero), b.constant(scale), zero)


def network(dtype: type[Any], middle: int) -> Graph:
    """A convolution, a pooling, an addition and a dense layer between QDQ pairs."""

    def write(b: Any, x: Any) -> Any:
        zero = dtype(middle)
        x = there_and_back(b, x, X_SCALE, zero)
        weights = b.DequantizeLinear(b.constant(WEIGHTS), b.constant(SCALES), axis=0)
        bias = b.DequantizeLinear(b.constant(BIAS), b.constant(SCALES * X_SCALE), axis=0)
        y = b.Relu(b.Conv(x, weights, bias, pads=(1, 1, 1, 1)))
        y = there_and_back(b, y, Y_SCALE, zero)
        y = there_and_back(b, b.MaxPool(y, kernel_shape=(2, 2), strides=(2, 2)), Y_SCALE, zero)
        y = there_and_back(b, b.Add(y, y), np.float32(0.09), zero)
        flat = b.Reshape(y, b.ints(2, 24))
        dense = b.DequantizeLinear(b.constant(WEIGHTS.reshape(24, 9)), b.constant(np.float32(0.01)))
        return there_and_back(b, b.MatMul(flat, dense), np.float32(0.2), zero)

    return built({"x": (2, 4, 4, 4)}, write)


@pytest.mark.parametrize(("dtype", "middle"), [(np.int8, -3), (np.uint8, 125)])
def test_a_qdq_model_computes_on_integers(dtype: type[Any], middle: int) -> None:
    graph = network(dtype, middle)
    program = emit_program(graph)
    kernels = [
        operation
        for operation in program.operations
        if operation.builtin in {"CONV_2D", "MAX_POOL_2D", "ADD", "FULLY_CONNECTED"}
    ]
    assert len(kernels) == 4
    for operation in kernels:
        assert operation.inputs[0] is not None
        assert operation.inputs[0].dtype is DType.INT8
        assert operation.outputs[0].dtype is DType.INT8
    _, weights, bias = kernels[0].inputs
    assert weights is not None
    assert bias is not None
    assert weights.data is not None
    assert weights.quantization is not None
    assert bias.data is not None
    np.testing.assert_array_equal(weights.data, WEIGHTS.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(weights.quantization.scales, SCALES)
    np.testing.assert_array_equal(bias.data, BIAS)
    assert kernels[0].options["FusedActivationFunction"] == "RELU"
    feeds = drawn(graph)
    made, expected = outputs_of(graph, feeds)["y"], reference(graph, feeds)["y"]
    assert np.abs(made - expected).max() <= 0.2001, "a step of the last scale"
    assert (made == expected).mean() > 0.8


def test_qlinear_operators() -> None:
    def write(b: Any, x: Any) -> Any:
        zero, scale = b.constant(np.uint8(128)), b.constant(X_SCALE)
        weights = [b.constant(WEIGHTS), b.constant(SCALES), b.constant(np.zeros(6, np.int8))]
        y_scale = b.constant(np.float32(0.1))
        y = b.QLinearConv(x, scale, zero, *weights, y_scale, zero, b.constant(BIAS))
        y = b.Reshape(y, b.ints(2, 24))
        dense = [b.constant(WEIGHTS.reshape(24, 9)), b.constant(np.float32(0.01))]
        return b.QLinearMatMul(
            y, y_scale, zero, *dense, b.constant(np.int8(0)), b.constant(np.float32(0.2)), zero
        )

    graph = built({"x": (2, 4, 4, 4)}, write, DType.UINT8)
    program = emit_program(graph)
    assert [one.builtin for one in program.operations if "QUANT" not in one.builtin] == [
        "TRANSPOSE",
        "CONV_2D",
        "TRANSPOSE",
        "RESHAPE",
        "FULLY_CONNECTED",
    ]
    x = RNG.integers(0, 256, (2, 4, 4, 4)).astype(np.uint8)
    made, expected = outputs_of(graph, {"x": x})["y"], reference(graph, {"x": x})["y"]
    assert made.dtype == np.uint8
    assert np.abs(made.astype(int) - expected).max() <= 1


def test_scales_that_no_kernel_has_stay_floats() -> None:
    def write(b: Any, x: Any) -> Any:
        x = there_and_back(b, x, X_SCALE, np.int8(0))
        return there_and_back(b, b.MaxPool(x, kernel_shape=(2, 2)), Y_SCALE, np.int8(0))

    graph = built({"x": (1, 2, 4, 4)}, write)
    (pool,) = [one for one in emit_program(graph).operations if one.builtin == "MAX_POOL_2D"]
    assert pool.outputs[0].dtype is DType.FLOAT
    feeds = drawn(graph)
    difference = outputs_of(graph, feeds)["y"] - reference(graph, feeds)["y"]
    assert np.abs(difference).max() <= Y_SCALE * 1.001
