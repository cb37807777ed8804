"""Fixing the shapes of inputs: symbols, subgraphs, what a loop carries, and what does not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import likewise
from likewise.errors import InputError
from likewise.ir import TensorType
from likewise.passes.specialize import specialize

INFO = helper.make_tensor_value_info


def loop_model(*, grows: bool) -> likewise.Model:
    """Three rounds of a = a + a, where it grows twice as long each round; with y of x's size."""
    last = (
        helper.make_node("Concat", ["twice", "twice"], ["b"], axis=0)
        if grows
        else helper.make_node("Identity", ["twice"], ["b"])
    )
    nodes = [
        helper.make_node("Identity", ["c"], ["c2"]),
        helper.make_node("Add", ["a", "a"], ["twice"]),
        last,
        helper.make_node("Identity", ["n"], ["n2"]),
    ]
    body = helper.make_graph(
        nodes,
        "body",
        [
            INFO("i", TensorProto.INT64, []),
            INFO("c", TensorProto.BOOL, []),
            INFO("a", TensorProto.FLOAT, ["k"]),
            INFO("n", TensorProto.FLOAT, ["m"]),
        ],
        [INFO(name, TensorProto.FLOAT, None) for name in ("c2", "b", "n2")],
    )
    body.output[0].type.tensor_type.elem_type = TensorProto.BOOL
    graph = helper.make_graph(
        [helper.make_node("Loop", ["M", "", "x", "x"], ["y", "z"], body=body)],
        "g",
        [INFO("x", TensorProto.FLOAT, ["s"]), INFO("w", TensorProto.FLOAT, ["s", 2])],
        [INFO("y", TensorProto.FLOAT, None), INFO("z", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.array(3), "M")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    return likewise.load(model.SerializeToString())


def dims(value: Any) -> Any:
    assert isinstance(value.type, TensorType)
    return value.type.dims


def test_a_symbol_is_fixed_in_every_input() -> None:
    made = specialize(loop_model(grows=False).graph, {"x": (4,)})
    assert [dims(value) for value in made.inputs] == [(4,), (4, 2)]


@pytest.mark.parametrize("grows", [False, True])
def test_what_a_loop_carries_keeps_its_shape_if_the_body_keeps_it(grows: bool) -> None:
    made = specialize(loop_model(grows=grows).graph, {"x": (4,)})
    inside = made.nodes[0].operator.subgraphs[0].inputs[2:]
    assert [isinstance(dims(value)[0], int) for value in inside] == [not grows, True]
    assert dims(made.outputs[1]) == (4,)
    assert (dims(made.outputs[0]) == (4,)) is not grows


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"v": (1,)}, "there is no input 'v'; allowed: x, w"),
        ({"x": (4, 4)}, "the shape for input 'x' does not fit; given: [4, 4]; allowed: float[s]"),
        ({"w": (4, 3)}, "the shape for input 'w' does not fit; given: [4, 3]"),
    ],
)
def test_shapes_that_do_not_fit(shapes: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        specialize(loop_model(grows=False).graph, shapes)
    assert message in str(caught.value)
