"""Steps of networks: products, convolutions, pooling, normalisation, recurrent layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType
from tests.random_graphs.writer import HALVES, Step, dtype_of, shape_of

if TYPE_CHECKING:
    from likewise.ir import Value
    from tests.random_graphs.writer import Writer

__all__ = ["CONVOLUTIONS", "NETWORKS"]

WIDE = (DType.FLOAT, DType.DOUBLE)
ALL = (*WIDE, *HALVES)
ACTIVATIONS = ("Relu", "Clip", "HardSwish", "Sigmoid", "LeakyRelu", "Gelu")


def matmul(w: Writer, x: Value) -> Any:
    depth = shape_of(x)[-1]
    return _epilogue(w, w.b.MatMul(x, w.weights(depth, w.whole(1, 19), dtype=dtype_of(x))))


def scores(w: Writer, x: Value) -> Any:
    """The product of a value with its own transpose, as attention has it."""
    rank = len(shape_of(x))
    turned = w.b.Transpose(x, perm=[*range(rank - 2), rank - 1, rank - 2])
    return w.b.Softmax(w.b.Mul(w.b.MatMul(x, turned), 0.3))


def attention(w: Writer, x: Value) -> Any:
    """[batch, sequence, heads * size] with itself."""
    size = shape_of(x)[-1]
    heads = w.pick([n for n in (1, 2, 3, 4) if size % n == 0])
    depth = size // heads
    key = w.b.MatMul(x, w.weights(size, size))
    value = w.b.MatMul(x, w.weights(size, heads * w.whole(1, 5)))
    options: dict[str, Any] = {"is_causal": int(w.flag()), "softcap": w.pick([0.0, 2.0])}
    if w.flag():
        options["scale"] = 0.5 / depth
    return w.b.Attention(x, key, value, q_num_heads=heads, kv_num_heads=heads, **options)


def gemm(w: Writer, x: Value) -> Any:
    turned, other = int(w.flag()), int(w.flag())
    depth, made = shape_of(x)[0 if turned else 1], w.whole(1, 17)
    weights = w.weights(*((made, depth) if other else (depth, made)), dtype=dtype_of(x))
    bias = w.weights(made, dtype=dtype_of(x)) if w.flag() else None
    options = {"alpha": w.pick([1.0, 0.5]), "beta": w.pick([1.0, 2.0])}
    made = w.b.Gemm(x, weights, bias, transA=turned, transB=other, **options)
    return _epilogue(w, made)


def einsum(w: Writer, x: Value) -> Any:
    rows, depth = shape_of(x)[-2:]
    weights = w.weights(rows, depth, dtype=dtype_of(x))
    return w.b.Einsum(x, weights, equation=w.pick(["...ij,ij->...i", "...ij,ik->...jk"]))


def convolution(w: Writer, x: Value) -> Any:
    channels, *sizes = shape_of(x)[1:]
    group = w.pick([1, channels, *(n for n in (2, 3) if channels % n == 0)])
    made = group * w.whole(1, 9 if group == 1 else 2)
    windows = _windows(w, sizes)
    weights = w.weights(made, channels // group, *windows["kernel_shape"], dtype=dtype_of(x))
    bias = w.weights(made, dtype=dtype_of(x)) if w.flag() else None
    return _epilogue(w, w.b.Conv(x, weights, bias, group=group, **windows))


def transposed(w: Writer, x: Value) -> Any:
    channels, *sizes = shape_of(x)[1:]
    group = w.pick([1, channels])
    kernel = [w.whole(1, 3) for _ in sizes]
    made = w.whole(1, 3)
    weights = w.weights(channels, made, *kernel, dtype=dtype_of(x))
    bias = w.weights(made * group, dtype=dtype_of(x)) if w.flag() else None
    strides, dilations = [w.whole(1, 3) for _ in sizes], [w.whole(1, 2) for _ in sizes]
    pads = [w.whole(0, (n - 1) * d // 2) for n, d in zip(kernel, dilations, strict=True)]
    options: dict[str, Any] = {"pads": pads + pads, "dilations": dilations}
    if w.flag():
        options["output_padding"] = [w.whole(0, n - 1) for n in strides]
    return w.b.ConvTranspose(x, weights, bias, group=group, strides=strides, **options)


def pooled(w: Writer, x: Value) -> Any:
    windows = _windows(w, shape_of(x)[2:])
    kernel, pads = windows["kernel_shape"], windows.get("pads", [])
    if pads:
        windows["ceil_mode"] = int(w.flag())
    if any(pad >= size for pad, size in zip(pads, (*kernel, *kernel), strict=False)):
        windows["pads"] = [0] * len(pads)
    name = w.pick(["MaxPool", "AveragePool", "LpPool"])
    if name == "AveragePool":
        windows["count_include_pad"] = int(w.flag())
    return w.b.op(name, x, **windows)


def pooled_whole(w: Writer, x: Value) -> Any:
    return w.b.op(w.pick(["GlobalAveragePool", "GlobalMaxPool"]), x)


def batch_normalized(w: Writer, x: Value) -> Any:
    size, dtype = shape_of(x)[1], dtype_of(x)
    scale, bias, mean = (w.weights(size, dtype=dtype) for _ in range(3))
    variance = w.b.constant((np.abs(w.array([size], dtype)) + 0.5).astype(dtype.numpy))
    return w.b.BatchNormalization(x, scale, bias, mean, variance, epsilon=w.pick([1e-5, 1e-2]))


def layer_normalized(w: Writer, x: Value) -> Any:
    axis = w.axis(x)
    shape = shape_of(x)[axis:] if axis < 0 else shape_of(x)[axis - len(shape_of(x)) :]
    scale, bias = (w.b.constant(w.array(shape, dtype_of(x))) for _ in range(2))
    if w.flag():
        return w.b.RMSNormalization(x, scale, axis=axis, epsilon=1e-2)
    return w.b.LayerNormalization(x, scale, bias, axis=axis, epsilon=1e-2)


def instance_normalized(w: Writer, x: Value) -> Any:
    size, dtype = shape_of(x)[1], dtype_of(x)
    scale, bias = (w.weights(size, dtype=dtype) for _ in range(2))
    if w.flag():
        return w.b.InstanceNormalization(x, scale, bias, epsilon=1e-2)
    groups = w.pick([n for n in (1, 2, 3, 4) if size % n == 0])
    return w.b.GroupNormalization(x, scale, bias, num_groups=groups, epsilon=1e-2)


def locally_normalized(w: Writer, x: Value) -> Any:
    return w.b.LRN(x, size=w.whole(1, 4), alpha=0.1)


def unit(w: Writer, x: Value) -> Any:
    """Away from zero, where the direction says nothing."""
    return w.b.LpNormalization(w.b.Add(w.b.Abs(x), 0.25), axis=w.axis(x), p=w.pick([1, 2]))


def softmax(w: Writer, x: Value) -> Any:
    return w.b.op(w.pick(["Softmax", "LogSoftmax"]), x, axis=w.axis(x))


def resized(w: Writer, x: Value) -> Any:
    if w.whole(0, 2) == 2:
        sizes = [w.whole(1, 9) for _ in range(2)]
        options = {"mode": w.pick(["cubic", "linear"]), "antialias": int(w.flag())}
        if options["antialias"] or options["mode"] == "cubic":  # onnxruntime knows no others
            options["exclude_outside"] = int(w.flag())
        return w.b.Resize(x, None, None, w.b.ints(*sizes), axes=(2, 3), **options)
    factors = w.b.constant(np.array([1, 1, w.whole(1, 3), w.whole(1, 2)], np.float32))
    if w.flag():
        return w.b.Resize(x, None, factors, mode="nearest", nearest_mode="floor")
    mode = w.pick(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"])
    return w.b.Resize(x, None, factors, mode="linear", coordinate_transformation_mode=mode)


def recurrent(w: Writer, x: Value) -> Any:
    kind = w.pick(["LSTM", "GRU", "RNN"])
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
    direction = w.pick(["forward", "reverse", "bidirectional"])
    ways, hidden = (2 if direction == "bidirectional" else 1), w.whole(1, 5)
    weights = [w.weights(ways, gates * hidden, n) for n in (shape_of(x)[2], hidden)]
    bias = w.weights(ways, 2 * gates * hidden)
    options: dict[str, Any] = {"linear_before_reset": int(w.flag())} if kind == "GRU" else {}
    count = 3 if kind == "LSTM" else 2
    y, last, *_ = w.b.op(
        kind, x, *weights, bias, hidden_size=hidden, direction=direction, outputs=count, **options
    )
    return y, last


def _windows(w: Writer, sizes: tuple[int, ...] | list[int]) -> dict[str, Any]:
    """A kernel, strides, dilations and pads that fit what is to be looked at."""
    kernel, dilations, pads = [], [], []
    for size in sizes:
        kernel.append(w.whole(1, min(size, 4)))
        dilations.append(w.whole(1, 2) if (kernel[-1] - 1) * 2 + 1 <= size else 1)
        pads.append([w.whole(0, 2), w.whole(0, 2)])
    strides = [w.whole(1, 3) for _ in sizes]
    if w.whole(0, 5) == 5:
        # A stride beyond the kernel leaves out elements: ONNX does not say whether at the end.
        strides = [min(pair) for pair in zip(strides, kernel, strict=True)]
        same = w.pick(["SAME_UPPER", "SAME_LOWER"])
        return {"kernel_shape": kernel, "strides": strides, "auto_pad": same}
    return {
        "kernel_shape": kernel,
        "strides": strides,
        "dilations": dilations,
        "pads": [first for first, _ in pads] + [last for _, last in pads],
    }


def _epilogue(w: Writer, x: Value) -> Value:
    """What compilers fuse: an activation, a residual, or nothing."""
    kind = w.pick(["", *ACTIVATIONS, "residual"])
    if kind == "residual":
        return w.b.Relu(w.b.Add(x, w.other(x)))
    if kind == "Clip":
        low, high = (w.b.constant(np.array(n, dtype_of(x).numpy)) for n in (0, 6))
        return w.b.Clip(x, low, high)
    return w.b.op(kind, x) if kind else x


CONVOLUTIONS = (
    Step(convolution, ALL, (3, 5)),
    Step(convolution, ALL, (3, 4)),
    Step(transposed, WIDE, (3, 4)),
    Step(pooled, ALL, (3, 4)),
    Step(pooled_whole, ALL, (3, 4)),
    Step(resized, WIDE, (4, 4)),
)
NETWORKS = (
    Step(matmul, ALL, (2, 4)),
    Step(scores, ALL, (2, 4)),
    Step(attention, (DType.FLOAT,), (3, 3)),
    Step(gemm, ALL, (2, 2)),
    Step(einsum, WIDE, (2, 4)),
    Step(batch_normalized, ALL, (2, 4)),
    Step(layer_normalized, ALL, (2, 4)),
    Step(instance_normalized, ALL, (3, 4)),
    Step(locally_normalized, ALL, (4, 4)),
    Step(unit, ALL, (1, 4)),
    Step(softmax, ALL, (1, 4)),
    Step(recurrent, (DType.FLOAT,), (3, 3)),
)
