"""Every operator of `com.microsoft` against onnxruntime, which defines it, on random inputs."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import likewise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

DOMAIN = "com.microsoft"
RANDOM = np.random.default_rng(0)

Array = np.ndarray[Any, Any]
ROWS: list[Any] = []


def row(name: str, inputs: Sequence[Any], *, ident: str = "", **options: Any) -> None:
    """One comparison; options are attributes, and `outputs`, `atol`, `domain`."""
    number = sum(str(r.id).startswith(f"{name}-") for r in ROWS)
    label = f"{name}-{number}-{ident}".rstrip("-")
    ROWS.append(pytest.param(name, list(inputs), options, id=label))


def floats(*shape: int, dtype: Any = np.float32) -> Array:
    return RANDOM.standard_normal(shape).astype(dtype)


def integers(dtype: Any, *shape: int) -> Array:
    info = np.iinfo(dtype)
    return RANDOM.integers(info.min, info.max + 1, shape).astype(dtype)


def scalar(value: float, dtype: Any = np.float32) -> Array:
    return np.array(value, dtype)


def model_of(name: str, inputs: Sequence[Array | None], options: dict[str, Any]) -> bytes:
    """A model of the one node; its inputs are called x0, x1 and so on."""
    helper = onnx.helper
    attributes = {k: v for k, v in options.items() if k not in {"outputs", "atol", "domain"}}
    names = ["" if x is None else f"x{i}" for i, x in enumerate(inputs)]
    outputs = options.get("outputs", ["y0"])
    domain = options.get("domain", DOMAIN)
    node = helper.make_node(name, names, outputs, domain=domain, **attributes)
    declared = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for n, x in zip(names, inputs, strict=True)
        if x is not None
    ]
    made = [onnx.ValueInfoProto(name=output) for output in outputs if output]
    graph = helper.make_graph([node], "one", declared, made)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid(DOMAIN, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    return bytes(model.SerializeToString())


def by_onnxruntime(model: bytes, feeds: dict[str, Array]) -> list[Array]:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return list(session.run(None, feeds))


def matrices() -> None:
    a, b = floats(2, 3, 5), floats(2, 5, 4)
    for alpha in (1.0, 0.5):
        row("FusedMatMul", [a, b], alpha=alpha)
        row("FusedMatMul", [a.swapaxes(1, 2).copy(), b], transA=1, alpha=alpha)
        row("FusedMatMul", [a, b.swapaxes(1, 2).copy()], transB=1, alpha=alpha)
    row("FusedMatMul", [floats(3, 2, 5), b], transBatchA=1)
    row("FusedMatMul", [floats(5, 2, 3), b], transBatchA=1, transA=1)
    row("FusedMatMul", [a, floats(4, 2, 5)], transBatchB=1, transB=1)
    row("Inverse", [floats(3, 4, 4) + 4 * np.eye(4, dtype=np.float32)])
    row("Trilu", [floats(2, 3, 5)])
    row("Trilu", [floats(3, 5), scalar(-1, np.int64)], upper=0)
    for activation in ("Relu", "Tanh", "Sigmoid", "LeakyRelu"):
        given: dict[str, Any] = {"activation_alpha": 0.2} if activation == "LeakyRelu" else {}
        inputs = [floats(3, 5), floats(5, 2), floats(2)]
        row("FusedGemm", inputs, activation=activation, alpha=0.5, **given)
    row(
        "FusedGemm",
        [floats(5, 3), floats(2, 5), floats(3, 1)],
        activation="LeakyRelu",
        activation_alpha=0.3,
        transA=1,
        transB=1,
        beta=2.0,
    )


def gelus() -> None:
    x = 3 * floats(3, 7)
    row("Gelu", [x])
    row("BiasGelu", [x, floats(7)])
    row("FastGelu", [x])
    row("FastGelu", [x, floats(7)])
    row("QuickGelu", [x])
    row("QuickGelu", [x], alpha=0.7)


def normalizations() -> None:
    x, skip, gamma, beta, bias = floats(2, 3, 8), floats(2, 3, 8), *floats(3, 8)
    total = ["y0", "", "", "y3"]
    row("SkipLayerNormalization", [x, skip, gamma], epsilon=1e-5)
    row("SkipLayerNormalization", [x, skip, gamma, beta, bias], epsilon=1e-5, outputs=total)
    row("SkipLayerNormalization", [x, skip[:1], gamma, None, bias], epsilon=1e-5)
    row("SkipLayerNormalization", [x, skip[0], gamma, beta], epsilon=1e-5, outputs=total)
    row("SkipSimplifiedLayerNormalization", [x, skip, gamma], epsilon=1e-5)
    row("SkipSimplifiedLayerNormalization", [x, skip, gamma, bias], epsilon=1e-5, outputs=total)
    row("SimplifiedLayerNormalization", [x, gamma], domain="")
    row("SimplifiedLayerNormalization", [x, floats(3, 8)], domain="", axis=1, epsilon=1e-3)
    ids = RANDOM.integers(0, 9, (2, 5)).astype(np.int32)
    words, places, kinds = floats(9, 8), floats(6, 8), floats(2, 8)
    segments, mask = ids % 2, (ids > 3).astype(np.int32)
    full = ["y0", "y1", "y2"]
    row(
        "EmbedLayerNormalization",
        [ids, segments, words, places, kinds, gamma, beta, mask],
        outputs=full,
    )
    row(
        "EmbedLayerNormalization",
        [ids, None, words, places, None, gamma, beta, None, (ids + 1) % 6],
        outputs=full,
        mask_index_type=0,
    )


def elementwise_quantized() -> None:
    for dtype in (np.uint8, np.int8):
        a, b = integers(dtype, 2, 3, 5), integers(dtype, 3, 1)
        zero = [integers(dtype) for _ in range(3)]
        for name, out in (("QLinearAdd", 0.2), ("QLinearMul", 0.9)):
            left = [a, scalar(0.05), zero[0]]
            row(name, [*left, b, scalar(0.11), zero[1], scalar(out), zero[2]], atol=1)
            row(name, [*left, b, scalar(0.11), zero[1], scalar(out)], atol=1)
        for name in ("QLinearSigmoid", "QLinearLeakyRelu"):
            out = 1 / 256 if name == "QLinearSigmoid" else 0.08
            row(name, [a, scalar(0.05), zero[0], scalar(out), zero[1]], atol=1)
            row(name, [a, scalar(0.05), None, scalar(out), None], atol=1)
        for opset, axis in ((13, -1), (13, 1), (12, 1)):
            inputs = [a, scalar(0.05), zero[0], scalar(1 / 256), scalar(0, dtype)]
            row("QLinearSoftmax", inputs, opset=opset, axis=axis, atol=1)
        parts = [a, scalar(0.05), zero[0], a[:, :2], scalar(0.11), zero[1]]
        row("QLinearConcat", [scalar(0.1), zero[2], *parts], axis=1, atol=1)


def pooled_quantized() -> None:
    for dtype in (np.uint8, np.int8):
        x = integers(dtype, 2, 8, 7, 6)
        inputs = [x, scalar(0.05), integers(dtype), scalar(0.03), integers(dtype)]
        last = [np.moveaxis(x, 1, -1).copy(), *inputs[1:]]
        row("QLinearGlobalAveragePool", inputs, atol=1)
        row("QLinearGlobalAveragePool", last, channels_last=1, atol=1)
        window: dict[str, Any] = {"kernel_shape": [3, 2], "strides": [2, 1], "atol": 1}
        row("QLinearAveragePool", inputs, **window)
        row("QLinearAveragePool", inputs, **window, pads=[1, 0, 1, 1])
        row("QLinearAveragePool", inputs, **window, pads=[1, 0, 1, 1], count_include_pad=1)
        row("QLinearAveragePool", last, **window, channels_last=1)


def products_quantized() -> None:
    for dtype in (np.uint8, np.int8):
        a, b = integers(np.uint8, 4, 5), integers(dtype, 5, 3)
        a_zero, b_zero = integers(np.uint8), integers(dtype)
        columns = np.abs(floats(3)) * 0.05
        scales = [scalar(0.02), a_zero, b, scalar(0.03), b_zero]
        row("QGemm", [a, *scales])
        row("QGemm", [a, *scales, integers(np.int16, 3).astype(np.int32)], alpha=0.5)
        row("QGemm", [a, *scales, None, scalar(1.5), integers(np.uint8)], atol=1)
        row("QGemm", [a.T.copy(), *scales], transA=1)
        turned = [scalar(0.02), a_zero, b.T.copy(), columns, integers(dtype, 3)]
        row("QGemm", [a, *turned], transB=1)
        both = [scalar(0.02), scalar(0.03)]
        row("MatMulIntegerToFloat", [a, b, *both])
        row("MatMulIntegerToFloat", [a, b, *both, a_zero, b_zero, floats(3)])
        row("MatMulIntegerToFloat", [a[None], b, scalar(0.02), columns, a_zero, integers(dtype, 3)])
        real = floats(2, 4, 5)
        row("DynamicQuantizeMatMul", [real, b, scalar(0.03)])
        row("DynamicQuantizeMatMul", [real, b, columns, integers(dtype, 3), floats(3)])


def recurrent_quantized() -> None:
    name, steps, batch, size, hidden = "DynamicQuantizeLSTM", 4, 1, 5, 6
    full = ["y", "h", "c"]
    for dtype, direction, turns in (
        (np.int8, "forward", 1),
        (np.uint8, "reverse", 1),
        (np.int8, "bidirectional", 2),
    ):
        given: dict[str, Any] = {"hidden_size": hidden, "direction": direction, "outputs": full}
        x, gates = floats(steps, batch, size), 4 * hidden
        weights = [integers(dtype, turns, size, gates), integers(dtype, turns, hidden, gates)]
        bias, states = floats(turns, 2 * gates), [floats(turns, batch, hidden) for _ in range(2)]
        whole = [np.full(turns, 0.004, np.float32), integers(dtype, turns)] * 2
        columns = [np.abs(floats(turns, gates)) * 0.004, np.zeros((turns, gates), dtype)] * 2
        peepholes = floats(turns, 3 * hidden)
        row(name, [x, *weights, *[None] * 5, *whole], **given, atol=1e-3)
        row(name, [x, *weights, bias, None, *states, peepholes, *whole], **given, atol=1e-3)
        row(name, [x, *weights, bias, None, *states, None, *columns], **given, atol=1e-3)
        lengths = np.array([2], np.int32)
        row(name, [x, *weights, bias, lengths, *[None] * 3, *whole], **given, atol=1e-3)
        row(name, [x, *weights, *[None] * 5, *whole], **given, clip=0.5, input_forget=1, atol=1e-3)


def block_quantized() -> None:
    for bits, rows, depth, block in (
        (4, 5, 40, 16),
        (4, 3, 64, 32),
        (8, 5, 40, 16),
        (8, 2, 32, 32),
    ):
        blocks = -(-depth // block)
        a = floats(3, depth)
        b = integers(np.uint8, rows, blocks, block * bits // 8)
        scales = np.abs(floats(rows, blocks))
        zeros = integers(np.uint8, rows, -(-blocks * bits // 8))
        given: dict[str, Any] = {"K": depth, "N": rows, "bits": bits, "block_size": block}
        row("MatMulNBits", [a, b, scales], **given, atol=1e-3)
        row("MatMulNBits", [a[None], b, scales, zeros], **given, atol=1e-3)
        row("MatMulNBits", [a, b, scales, zeros, None, floats(rows)], **given, atol=1e-3)


def linear() -> None:
    x = floats(3, 4)
    for dtype in (np.uint8, np.int8, np.uint16, np.int16):
        row("QuantizeLinear", [x, scalar(0.01), scalar(5, dtype)], atol=1)
        row("DequantizeLinear", [integers(dtype, 3, 4), scalar(0.01), scalar(5, dtype)])
        several = np.abs(floats(3))
        row("QuantizeLinear", [x, several, np.arange(3).astype(dtype)], axis=0, atol=1)
        row(
            "DequantizeLinear", [integers(dtype, 3, 4), several, np.arange(3).astype(dtype)], axis=0
        )


def convolutions() -> None:
    x, w, bias = floats(2, 4, 7, 6), floats(6, 4, 3, 3), floats(6)
    row("FusedConv", [x, w])
    around: dict[str, Any] = {"pads": [1, 1, 1, 1], "strides": [2, 1]}
    for name in ("Relu", "Tanh"):
        row("FusedConv", [x, w, bias], activation=name, **around)
    for name, given in (("LeakyRelu", [0.2]), ("Clip", [-0.5, 0.5])):
        row("FusedConv", [x, w, bias], activation=name, activation_params=given, **around)
    row("FusedConv", [x, w, bias, floats(2, 6, 5, 4)], activation="Relu")
    row(
        "FusedConv",
        [x, w[:, :2].copy(), bias],
        activation="HardSigmoid",
        activation_params=[0.3, 0.4],
        group=2,
    )


def rotations() -> None:
    angles = floats(9, 4)
    caches = [np.cos(angles), np.sin(angles)]
    places = RANDOM.integers(0, 9, (2, 3))
    row("RotaryEmbedding", [floats(2, 3, 16), places, *caches])
    row("RotaryEmbedding", [floats(2, 3, 16), places, *caches], interleaved=1)
    row("RotaryEmbedding", [floats(2, 3, 16), np.array([2]), *caches])
    row("RotaryEmbedding", [floats(2, 2, 3, 8), places, *caches])
    row("RotaryEmbedding", [floats(2, 3, 24), places, *caches], num_heads=2, rotary_embedding_dim=8)


def attentions() -> None:
    batch, length, heads, size = 2, 5, 2, 4
    width = heads * size
    x, weights, bias = floats(batch, length, 6), floats(6, 3 * width), floats(3 * width)
    mask = np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 1]], np.int32)
    whole = np.ones((batch, length, length), np.int32)
    whole[:, 1, 2:] = 0
    ends, spans = np.array([3, 5], np.int32), np.array([3, 5, 0, 1], np.int32)
    past = floats(2, batch, heads, 3, size)
    name = "Attention"
    row(name, [x, weights, bias], num_heads=heads)
    row(name, [x, weights, None, mask], num_heads=heads, scale=0.3)
    row(name, [x, weights, bias, whole], num_heads=heads)
    row(name, [x, weights, bias, ends], num_heads=heads)
    row(name, [x, weights, bias, spans], num_heads=heads)
    row(name, [x, weights, bias], num_heads=heads, unidirectional=1)
    row(name, [x, weights, bias, None, past], num_heads=heads, unidirectional=1, outputs=["y", "p"])
    extra = floats(1, heads, length, length)
    row(name, [x, weights, bias, mask, None, extra], num_heads=heads)
    sizes = [width, width, heads * 3]
    uneven = [x, weights[:, : sum(sizes)].copy(), bias[: sum(sizes)].copy()]
    row(name, uneven, num_heads=heads, qkv_hidden_sizes=sizes)

    name, kv = "MultiHeadAttention", 6
    q, k, v = floats(batch, length, width), floats(batch, kv, width), floats(batch, kv, heads * 3)
    row(name, [q, k, v], num_heads=heads)
    row(name, [q, k, v, floats(2 * width + heads * 3)], num_heads=heads, scale=0.4)
    padding = (RANDOM.random((batch, kv)) > 0.3).astype(np.int32)
    row(name, [q, k, v, None, padding], num_heads=heads)
    row(name, [q, k, v, None, None, floats(batch, heads, length, kv)], num_heads=heads)
    same = [q, floats(batch, length, width), floats(batch, length, width)]
    row(name, same, num_heads=heads, unidirectional=1)
    pasts = [floats(batch, heads, 3, size) for _ in range(2)]
    full = ["y", "k", "v"]
    row(name, [*same, None, None, None, *pasts], num_heads=heads, outputs=full)
    by_heads = [floats(batch, heads, kv, size) for _ in range(2)]
    row(name, [q, *by_heads], num_heads=heads)


def grouped_attentions() -> None:
    batch, heads, groups, size = 2, 4, 2, 16
    name, full = "GroupQueryAttention", ["y", "k", "v"]
    given: dict[str, Any] = {"num_heads": heads, "kv_num_heads": groups, "outputs": full}
    angles = floats(16, size // 2)
    caches = [np.cos(angles), np.sin(angles)]

    def inputs(length: int, past: int, *, packed: bool = False) -> list[Any]:
        q, k, v = (floats(batch, length, n * size) for n in (heads, groups, groups))
        new = [np.concatenate([q, k, v], 2), None, None] if packed else [q, k, v]
        cache = [floats(batch, groups, past, size) for _ in range(2)] if past else [None, None]
        counts = np.full(batch, length + past - 1, np.int32)
        return [*new, *cache, counts, scalar(length + past, np.int32)]

    for length, past in ((5, 0), (1, 6)):
        row(name, inputs(length, past), **given)
        row(name, inputs(length, past, packed=True), **given, scale=0.3)
        row(name, [*inputs(length, past), *caches], **given, do_rotary=1)
        turned = [*inputs(length, past), *caches]
        row(name, turned, **given, do_rotary=1, rotary_interleaved=1)
        row(name, inputs(length, past), **given, softcap=1.5)
        row(name, inputs(length, past), **given, local_window_size=3)
        row(name, inputs(length, past), **given, smooth_softmax=1)
        bias = floats(1, heads, length, length + past)
        row(name, [*inputs(length, past), None, None, None, bias], **given)
        sinks = [None, None, None, None, floats(heads)]
        row(name, [*inputs(length, past), *sinks], **given)
    ragged = inputs(1, 6)
    ragged[5] = np.array([3, 6], np.int32)
    row(name, [*ragged, *caches], **given, do_rotary=1)


FAMILIES: list[Callable[[], None]] = [
    matrices,
    gelus,
    normalizations,
    elementwise_quantized,
    pooled_quantized,
    products_quantized,
    recurrent_quantized,
    block_quantized,
    linear,
    convolutions,
    rotations,
    attentions,
    grouped_attentions,
]
for family in FAMILIES:
    RANDOM = np.random.default_rng(zlib.crc32(family.__name__.encode()))
    family()


@pytest.mark.parametrize(("name", "inputs", "options"), ROWS)
def test_agrees_with_onnxruntime(
    name: str, inputs: list[Array | None], options: dict[str, Any]
) -> None:
    model = model_of(name, inputs, options)
    feeds = {f"x{i}": x for i, x in enumerate(inputs) if x is not None}
    expected = by_onnxruntime(model, feeds)
    made = likewise.load(model).run(feeds)
    assert len(made) == len(expected)
    for one, other in zip(made.values(), expected, strict=True):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        np.testing.assert_allclose(
            one.astype(np.float64),
            other.astype(np.float64),
            rtol=1e-4,
            atol=options.get("atol", 2e-5),
        )
