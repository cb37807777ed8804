"""Small files that ask for much: each loads, or is refused, in little time and memory."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import likewise
from likewise.errors import LikewiseError
from tests.onnx.test_load_fuzz import load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from onnx import NodeProto, ValueInfoProto

node = helper.make_node


def value(name: str, shape: Any = (1,), kind: int = TensorProto.FLOAT) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def constant(name: str, content: Any) -> TensorProto:
    return numpy_helper.from_array(np.asarray(content), name)


def model(
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto] = (),
    output: str = "y",
    constants: Sequence[TensorProto] = (),
    functions: Sequence[Any] = (),
) -> bytes:
    outputs = [value(output, None)]
    graph = helper.make_graph(nodes, "bomb", inputs, outputs, constants)
    opsets = [helper.make_opsetid("", 23), helper.make_opsetid("own", 1)]
    made = helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=10)
    return made.SerializeToString()


def chain(
    step: Callable[[str, str], list[NodeProto]],
    length: int,
    constants: Sequence[TensorProto] = (),
    shape: Any = ("n", "m"),
) -> bytes:
    """`step` again and again, each reading what the one before made."""
    names = ["x", *(f"x{index}" for index in range(1, length)), "y"]
    nodes = [one for a, b in pairwise(names) for one in step(a, b)]
    return model(nodes, [value("x", shape)], constants=constants)


def known(operator: str, *contents: Any, **attributes: Any) -> bytes:
    """One node whose inputs are all constants."""
    names = [f"c{index}" for index in range(len(contents))]
    constants = [constant(*pair) for pair in zip(names, contents, strict=True)]
    return model([node(operator, names, ["y"], **attributes)], constants=constants)


def squared(a: str, b: str) -> list[NodeProto]:
    return [
        node("Shape", [a], [f"{b}s"]),
        node("Mul", [f"{b}s", f"{b}s"], [f"{b}t"]),
        node("Add", [f"{b}t", "one"], [f"{b}u"]),
        node("Div", [f"{b}u", "three"], [f"{b}v"]),
        node("ConstantOfShape", [f"{b}v"], [b]),
    ]


def numbers_squared(a: str, b: str) -> list[NodeProto]:
    return [
        node("Size", [a], [f"{b}s"]),
        node("Mul", [f"{b}s", f"{b}s"], [f"{b}m"]),
        node("Add", [f"{b}m", "one"], [f"{b}t"]),
        node("Expand", ["one", f"{b}t"], [b]),
    ]


def padded() -> bytes:
    """A size of 24 dims that are sums: multiplied out it has 2 ** 24 terms."""
    dims = [f"n{axis}" for axis in range(24)]
    pads = constant("pads", np.array([1] * 24 + [0] * 24))
    nodes = [node("Pad", ["x", "pads"], ["p"]), node("Flatten", ["p"], ["y"])]
    return model(nodes, [value("x", dims)], constants=[pads])


def doubling_functions() -> bytes:
    opsets = [helper.make_opsetid("", 23), helper.make_opsetid("own", 1)]
    functions = [
        helper.make_function("own", "F0", ["a"], ["b"], [node("Neg", ["a"], ["b"])], opsets)
    ]
    for index in range(1, 40):
        inner = f"F{index - 1}"
        nodes = [node(inner, ["a"], ["c"], domain="own"), node(inner, ["c"], ["b"], domain="own")]
        functions.append(helper.make_function("own", f"F{index}", ["a"], ["b"], nodes, opsets))
    return model([node("F39", ["x"], ["y"], domain="own")], [value("x")], functions=functions)


def function_chain(length: int) -> bytes:
    opsets = [helper.make_opsetid("", 23), helper.make_opsetid("own", 1)]
    functions = [
        helper.make_function("own", "F0", ["a"], ["b"], [node("Neg", ["a"], ["b"])], opsets)
    ]
    for index in range(1, length):
        nodes = [node(f"F{index - 1}", ["a"], ["b"], domain="own")]
        functions.append(helper.make_function("own", f"F{index}", ["a"], ["b"], nodes, opsets))
    last = node(f"F{length - 1}", ["x"], ["y"], domain="own")
    return model([last], [value("x")], functions=functions)


def repeated_numbers() -> bytes:
    nodes = [
        node("Constant", [], ["k"], value_ints=[1] * 20_000),
        node("Identity", ["a"], ["b"]),
    ]
    opsets = [helper.make_opsetid("", 23)]
    function = helper.make_function("own", "F", ["a"], ["b"], nodes, opsets)
    calls = [node("F", ["x"], [f"y{index}"], domain="own") for index in range(2000)]
    return model(calls, [value("x")], "y7", functions=[function])


def nested_ifs(depth: int) -> NodeProto:
    inner = nested_ifs(depth - 1) if depth else node("Neg", ["x"], ["n0"])
    then = helper.make_graph([inner], "then", [], [value(f"n{depth}")])
    other = helper.make_graph([node("Abs", ["x"], [f"e{depth}"])], "else", [], [value(f"e{depth}")])
    return node("If", ["c"], [f"n{depth + 1}"], then_branch=then, else_branch=other)


def many_outputs() -> bytes:
    outputs = [value(f"y{index}", (1, 2)) for index in range(1500)]
    nodes = [node("Relu", ["x"], [f"y{index}"]) for index in range(1500)]
    graph = helper.make_graph(nodes, "g", [value("x", None)], outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)]).SerializeToString()


ONE, THREE = constant("one", np.array([1])), constant("three", np.array([3]))
ROW = np.ones((1, 1, 5), np.float32)
HUGE = 1 << 40

LOADED = {
    "a long chain": chain(lambda a, b: [node("Relu", [a], [b])], 2000),
    "a long chain of nothing": chain(lambda a, b: [node("Identity", [a], [b])], 2000),
    "a long chain backwards": model(
        [node("Relu", [f"x{i}"], [f"x{i + 1}"]) for i in range(2000)][::-1], [value("x0")], "x2000"
    ),
    "many outputs": many_outputs(),
    "many inputs": model(
        [node("Sum", [f"x{i}" for i in range(1500)], ["y"])],
        [value(f"x{i}") for i in range(1500)],
    ),
    "branches in branches": model(
        [nested_ifs(20)], [value("x"), value("c", (), TensorProto.BOOL)], "n21"
    ),
    "sizes squared": chain(squared, 60, [ONE, THREE]),
    "sizes doubled": chain(lambda a, b: [node("Concat", [a, a], [b], axis=0)], 200),
    "sizes rounded": chain(
        lambda a, b: [node("AveragePool", [a], [b], kernel_shape=[3], strides=[2], ceil_mode=1)],
        200,
        shape=("n", "m", "k"),
    ),
    "sizes tiled": chain(
        lambda a, b: [node("Tile", [a, "r"], [b])], 500, [constant("r", np.array([1 << 62, 1]))]
    ),
    "numbers squared": chain(numbers_squared, 50, [ONE]),
    "many expansions": model(
        [node("Expand", ["one", "s"], [f"y{i}"]) for i in range(2000)]
        + [node("ReduceSum", [f"y{i}"], [f"z{i}"]) for i in range(2000)],
        output="z3",
        constants=[ONE, constant("s", np.array([1 << 20]))],
    ),
    "an image of zeros": known("ConstantOfShape", np.array([HUGE])),
    "a range": known("Range", np.array(0), np.array(HUGE), np.array(1)),
    "a window": known("HannWindow", np.array(HUGE)),
    "padding": known("Conv", ROW, ROW[:, :, :1], pads=[HUGE] * 2, strides=[HUGE]),
    "a kernel": known("MaxPool", ROW, kernel_shape=[HUGE], pads=[HUGE] * 2, strides=[HUGE]),
    "neighbours": known("LRN", ROW[..., None], size=HUGE),
    "a sum over everything": known("Einsum", *[np.ones(500)] * 8, equation="a,b,c,d,e,f,g,h->"),
    "attention": known(
        "Attention", *[np.ones((1, 1 << 16, 1), np.float32)] * 3, q_num_heads=1, kv_num_heads=1
    ),
    "a pattern": known("RegexFullMatch", np.array(["a" * 40], object), pattern="(a*)*b"),
    "steps": known(
        "LSTM",
        np.ones((1 << 17, 1, 1), np.float32),
        *[np.ones((1, 4, 1), np.float32)] * 2,
        hidden_size=1,
    ),
    "regions": known(
        "RoiAlign",
        ROW[..., None],
        np.array([[-1e9, -1e9, 1e9, 1e9]], np.float32),
        np.array([0]),
    ),
}
REFUSED = {
    "a size of too many sums": (padded(), "a size depends on others in too many ways"),
    "functions doubled": (doubling_functions(), "unfold to too many nodes"),
    "functions in functions": (function_chain(500), "functions call each other too deep"),
    "numbers repeated": (repeated_numbers(), "unfold to too many numbers"),
    "a rank": (known("Unsqueeze", ROW, np.arange(50_000)), "a tensor has too many dims"),
    "a rank of an unknown shape": (
        model(
            [node("Expand", ["x", "s"], ["y"])],
            [value("x"), value("s", (1 << 24,), TensorProto.INT64)],
        ),
        "a tensor has too many dims",
    ),
    "parts": (known("Split", ROW, num_outputs=1 << 62), "num_outputs is out of range"),
    "a long message": (known("Relu", ROW, kernel_shape=[1] * 100_000), "unknown attribute"),
}


@pytest.mark.parametrize("name", LOADED)
def test_loads(name: str) -> None:
    assert load(LOADED[name]) is not None


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused(name: str) -> None:
    data, message = REFUSED[name]
    assert load(data) is None
    with pytest.raises(LikewiseError, match=message):
        likewise.load(data)


@pytest.mark.parametrize("name", ["an image of zeros", "a range", "a window", "padding"])
def test_a_run_without_memory_is_an_error(name: str) -> None:
    with pytest.raises(LikewiseError, match="there is not enough memory"):
        likewise.load(LOADED[name]).run({})
