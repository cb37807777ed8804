"""The same graph in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from likewise.errors import UnsupportedError
from likewise.ir import DType, Graph, SequenceType, TensorType, Value, verify
from likewise.ops.build import GraphBuilder
from likewise.ops.case import f32
from likewise.passes.widen import widen, widened_array, widened_type
from likewise.targets.numpy.plan import Plan


def tensor(*dims: int, dtype: DType = DType.FLOAT) -> TensorType:
    return TensorType(dtype, dims)


def dtype(kind: Any) -> Any:
    return kind.dtype if isinstance(kind, TensorType) else kind


def widened(builder: GraphBuilder, inputs: list[Value], *outputs: Value) -> Graph:
    """The graph widened: it is well formed and its outputs are of the types that it says."""
    before = builder.graph("g", inputs, outputs)
    after = widen(before)
    verify(after)
    for old, new in ((before.inputs, after.inputs), (before.outputs, after.outputs)):
        assert [value.name for value in old] == [value.name for value in new]
        assert [dtype(widened_type(value.type)) for value in old] == [
            dtype(value.type) for value in new
        ]
    return after


def run(graph: Graph, *inputs: Any) -> list[Any]:
    made = Plan(graph).run(list(inputs))
    for array, value in zip(made, graph.outputs, strict=True):
        if isinstance(value.type, TensorType):
            assert DType.of(array.dtype) is value.type.dtype
    return made


def names(graph: Graph) -> list[str]:
    return [node.operator.name for node in graph.nodes]


@pytest.mark.parametrize("dtype", [DType.FLOAT, DType.FLOAT16, DType.BFLOAT16])
def test_narrow_floats_become_double(dtype: DType) -> None:
    b, x = GraphBuilder(), Value("x", tensor(3, dtype=dtype))
    after = widened(b, [x], b.Div(x, b.constant([3.0], dtype)))
    assert names(after) == ["Div"]
    (made,) = run(after, np.array([1.0, 2.0, 5.0]))
    np.testing.assert_array_equal(made, np.array([1, 2, 5]) / 3)


def test_a_constant_keeps_the_value_that_the_model_stores() -> None:
    b, x = GraphBuilder(), Value("x", tensor(1))
    (made,) = run(widened(b, [x], b.Add(x, b.constant([0.1], DType.FLOAT))), np.zeros(1))
    assert made == float(np.float32(0.1))


def test_attributes_that_name_a_narrow_float() -> None:
    b, x = GraphBuilder(), Value("x", tensor(2, dtype=DType.INT32))
    half, wide = b.Cast(x, to=DType.FLOAT16), b.Cast(x, to=DType.FLOAT)
    filled = b.ConstantOfShape(b.Shape(x), value=f32([0.1]))
    eye = b.EyeLike(b.Unsqueeze(x, b.ints(0)), dtype=DType.FLOAT)
    whole = b.Cast(wide, to=DType.INT64)
    after = widened(b, [x], half, wide, filled, eye, whole)
    made = run(after, np.array([2049, 2**24 + 1], np.int32))
    np.testing.assert_array_equal(made[0], [2049, 2**24 + 1])
    np.testing.assert_array_equal(made[1], made[0])
    np.testing.assert_array_equal(made[2], f32([0.1, 0.1]).astype(np.float64))
    np.testing.assert_array_equal(made[4], [2049, 2**24 + 1])


def test_the_scales_of_resize_stay_narrow_and_its_data_do_not() -> None:
    b, x = GraphBuilder(), Value("x", tensor(1, 1, 2, 2))
    y = b.Resize(x, None, b.constant([1, 1, 2, 2], DType.FLOAT), mode="linear")
    after = widened(b, [x], y)
    assert names(after) == ["Cast", "Resize"]
    assert after.nodes[1].inputs[0] is after.inputs[0]


def test_an_operator_without_double_works_as_it_did() -> None:
    b, x = GraphBuilder(), Value("x", tensor(4))
    quantized, scale, zero = b.DynamicQuantizeLinear(x, outputs=3)
    after = widened(b, [x], quantized, scale, zero)
    assert names(after) == ["Cast", "DynamicQuantizeLinear", "Cast"]
    x32 = f32([0, 1, 2.5, -3])
    before = Plan(b.graph("g", [x], [quantized, scale, zero])).run([x32])
    for made, expected in zip(run(after, x32.astype(np.float64)), before, strict=True):
        np.testing.assert_array_equal(made, expected)


def test_text_and_drawn_numbers_are_what_they_were() -> None:
    b, x = GraphBuilder(), Value("x", tensor(1))
    text = b.Cast(x, to=DType.STRING)
    drawn = b.RandomNormalLike(x, seed=3.0)
    before = Plan(b.graph("g", [x], [text, drawn])).run([f32([0.1])])
    made = run(widened(b, [x], text, drawn), f32([0.1]).astype(np.float64))
    assert made[0] == before[0] == "0.1"
    np.testing.assert_array_equal(made[1], before[1])


def test_the_absent_bounds_of_clip_are_those_of_the_type_that_it_had() -> None:
    b, x = GraphBuilder(), Value("x", tensor(3))
    after = widened(b, [x], b.Clip(x), b.Clip(x, 0.0))
    most = float(np.finfo(np.float32).max)
    made = run(after, np.array([-np.inf, 1, 1e300]))
    np.testing.assert_array_equal(made[0], [-most, 1, most])
    np.testing.assert_array_equal(made[1], [0, 1, most])


def test_subgraphs_read_what_is_around_them() -> None:
    b, x, many = GraphBuilder(), Value("x", tensor(2)), Value("many", TensorType(DType.INT64, ()))
    third = b.Div(x, 3.0)
    inner = GraphBuilder("inner_")
    number, going = Value("i", many.type), Value("going", TensorType(DType.BOOL, ()))
    carried = Value("carried", tensor(2))
    body = inner.graph(
        "body",
        [number, going, carried],
        [inner.Identity(going), inner.Add(carried, third), inner.Mul(carried, 0.5)],
    )
    last, all_of_them = b.Loop(many, None, x, body=body, outputs=2)
    after = widened(b, [x, many], last, all_of_them)
    x64 = np.array([1.0, -2.0])
    made = run(after, x64, np.array(2))
    np.testing.assert_array_equal(made[0], x64 + x64 / 3 + x64 / 3)
    np.testing.assert_array_equal(made[1], [x64 / 2, (x64 + x64 / 3) / 2])


def test_sequences() -> None:
    b, x = GraphBuilder(), Value("x", tensor(4))
    parts = b.SplitToSequence(x, b.constant(2, DType.INT64))
    after = widened(b, [x], parts)
    assert isinstance(after.outputs[0].type, SequenceType)
    (made,) = run(after, np.arange(4.0))
    assert [part.dtype for part in made] == [np.float64, np.float64]
    assert [one.dtype for one in widened_array([f32([1])])] == [np.float64]


def test_what_has_no_form_in_float64_is_refused() -> None:
    b, x = GraphBuilder(), Value("x", tensor(1, 2))
    made = b.op("ZipMap", x, domain="ai.onnx.ml", classlabels_int64s=(1, 2))
    with pytest.raises(UnsupportedError, match=r"\(ZipMap\): it has no form in float64; given"):
        widen(b.graph("g", [x], [made]))


def test_what_stays_narrow_has_a_name_of_its_own() -> None:
    b, x = GraphBuilder(), Value("x", tensor(2, dtype=DType.INT8))
    after = widened(b, [x], b.DequantizeLinear(x, b.constant(np.float32(0.5))))
    assert names(after) == ["Cast", "DequantizeLinear", "Cast"]
    made = [value.name for node in after.nodes for value in node.outputs if value]
    assert len(set(made)) == len(made)
    (wide,) = run(after, np.array([3, -1], np.int8))
    np.testing.assert_array_equal(wide, [1.5, -0.5])
