"""From ONNX messages to graphs: names, functions, subgraphs, order, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import likewise
from likewise.errors import LikewiseError, ModelError, UnsupportedError
from likewise.ops.case import f32

F = TensorProto.FLOAT


def info(name: str, shape: Any = (3,), kind: int = F) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def model(nodes: Any, *, inputs: Any = None, outputs: Any = None, **options: Any) -> bytes:
    graph = helper.make_graph(
        nodes,
        "g",
        [info("x")] if inputs is None else inputs,
        [info("y")] if outputs is None else outputs,
        options.pop("initializer", []),
    )
    imports = options.pop("opset_imports", [helper.make_opsetid("", 18)])
    made = helper.make_model(graph, opset_imports=imports, **options)
    return bytes(made.SerializeToString())


X = f32([-1, 0, 2])


def run(content: bytes) -> Any:
    return likewise.load(content).run({"x": X})["y"]


def test_nodes_out_of_order_are_put_in_order() -> None:
    nodes = [helper.make_node("Neg", ["r"], ["y"]), helper.make_node("Relu", ["x"], ["r"])]
    np.testing.assert_array_equal(run(model(nodes)), -np.maximum(X, 0))


def test_a_function_is_unfolded_with_its_attributes_and_defaults() -> None:
    opset = [helper.make_opsetid("", 18)]
    leaky = helper.make_node("LeakyRelu", ["a"], ["b"])
    reference = onnx.AttributeProto(
        name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT
    )
    leaky.attribute.append(reference)
    function = helper.make_function("mine", "Sloped", ["a", "unused"], ["b"], [leaky], opset)
    function.attribute_proto.append(helper.make_attribute("slope", 0.5))
    calls: list[tuple[dict[str, Any], float]] = [({}, 0.5), ({"slope": 0.25}, 0.25)]
    for given, slope in calls:
        node = helper.make_node("Sloped", ["x"], ["y"], domain="mine", **given)
        content = model(
            [node], functions=[function], opset_imports=[*opset, helper.make_opsetid("mine", 1)]
        )
        np.testing.assert_array_equal(run(content), np.where(X < 0, X * np.float32(slope), X))


def test_an_initializer_that_is_an_input_too_is_a_constant() -> None:
    node = helper.make_node("Add", ["x", "w"], ["y"])
    w = helper.make_tensor("w", F, [3], [1, 2, 3])
    loaded = likewise.load(model([node], inputs=[info("x"), info("w")], initializer=[w]))
    assert [port.name for port in loaded.inputs] == ["x"]


def test_an_output_of_unknown_rank_has_the_declared_shape() -> None:
    branches = {}
    for name, axes in (("then_branch", [0]), ("else_branch", [0, 1])):
        nodes = [
            helper.make_node("Constant", [], [f"{name}_axes"], value_ints=axes),
            helper.make_node("Unsqueeze", ["x", f"{name}_axes"], [f"{name}_y"]),
        ]
        branches[name] = helper.make_graph(nodes, name, [], [info(f"{name}_y", None)])
    node = helper.make_node("If", ["c"], ["y"], **branches)
    inputs = [info("x"), info("c", (), TensorProto.BOOL)]
    declared = likewise.load(model([node], inputs=inputs, outputs=[info("y", (None, None, 3))]))
    assert str(declared.outputs[0]).endswith(", 3]")
    assert declared.run({"x": X, "c": np.array(False)})["y"].shape == (1, 1, 3)
    unknown = likewise.load(model([node], inputs=inputs, outputs=[info("y", None)]))
    assert str(unknown.outputs[0]) == "y: float[…]"


def test_an_output_that_is_an_input_keeps_both_names() -> None:
    loaded = likewise.load(model([helper.make_node("Identity", ["x"], ["y"])]))
    result = loaded.run({"x": X})["y"]
    np.testing.assert_array_equal(result, X)
    result[:] = 7
    assert X[0] == -1, "the output is the caller's own"


REFUSED = {
    "an operator there is none for": (
        [
            helper.make_node("Frobnicate", ["x"], ["y"], name="n"),
            helper.make_node("Warp", ["x"], ["z"]),
        ],
        UnsupportedError,
        "ai.onnx.Frobnicate (1x, as 'n'); ai.onnx.Warp (1x, as 'z')",
    ),
    "a value nothing makes": (
        [helper.make_node("Relu", ["nowhere"], ["y"], name="n")],
        ModelError,
        "node 'n' (Relu): nothing makes the value 'nowhere'",
    ),
    "a cycle": (
        [helper.make_node("Relu", ["a"], ["y"]), helper.make_node("Neg", ["y"], ["a"])],
        ModelError,
        "the nodes form a cycle",
    ),
    "a name given twice": (
        [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Neg", ["x"], ["y"])],
        ModelError,
        "the name 'y' is given to two values",
    ),
    "an unknown attribute": (
        [helper.make_node("Softmax", ["x"], ["y"], axes=1)],
        ModelError,
        "unknown attribute 'axes'; given: axes; allowed: axis",
    ),
    "an attribute of the wrong kind": (
        [helper.make_node("Softmax", ["x"], ["y"], axis="last")],
        ModelError,
        "attribute 'axis' has a wrong value",
    ),
    "too many inputs": (
        [helper.make_node("Relu", ["x", "x"], ["y"])],
        ModelError,
        "wrong number of inputs",
    ),
    "too many outputs": (
        [helper.make_node("Relu", ["x"], ["y", "z"])],
        LikewiseError,
        "too many outputs; given: 2; allowed: at most 1",
    ),
    "an operator newer than the opset": (
        [helper.make_node("Swish", ["x"], ["y"])],
        ModelError,
        "opset 18 has no operator Swish; allowed: opset 24 or newer",
    ),
    "shapes that contradict": (
        [helper.make_node("Add", ["x", "w"], ["y"], name="sum")],
        ModelError,
        "node 'sum' (Add): the shapes do not broadcast; given: [3] and [4]",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_said(case: str) -> None:
    nodes, kind, message = REFUSED[case]
    w = helper.make_tensor("w", F, [4], [1, 2, 3, 4])
    with pytest.raises(kind) as caught:
        likewise.load(model(nodes, initializer=[w]))
    assert message in str(caught.value)


def test_a_function_that_calls_itself_is_refused() -> None:
    opset = [helper.make_opsetid("", 18), helper.make_opsetid("mine", 1)]
    inner = helper.make_node("F", ["a"], ["b"], domain="mine")
    function = helper.make_function("mine", "F", ["a"], ["b"], [inner], opset)
    node = helper.make_node("F", ["x"], ["y"], domain="mine")
    with pytest.raises(ModelError, match="the function 'F' calls itself"):
        likewise.load(model([node], functions=[function], opset_imports=opset))


def test_functions_that_double_each_other_are_no_bomb() -> None:
    opset = [helper.make_opsetid("", 18), helper.make_opsetid("mine", 1)]
    functions = []
    for depth in range(40):
        callee = f"F{depth + 1}" if depth < 39 else "Relu"
        domain = "mine" if depth < 39 else ""
        nodes = [
            helper.make_node(callee, ["a"], ["m"], domain=domain),
            helper.make_node(callee, ["m"], ["b"], domain=domain),
        ]
        functions.append(helper.make_function("mine", f"F{depth}", ["a"], ["b"], nodes, opset))
    node = helper.make_node("F0", ["x"], ["y"], domain="mine")
    with pytest.raises(ModelError, match="unfold to too many nodes"):
        likewise.load(model([node], functions=functions, opset_imports=opset))


def test_a_newer_opset_is_refused_by_number() -> None:
    content = model(
        [helper.make_node("Relu", ["x"], ["y"])], opset_imports=[helper.make_opsetid("", 99)]
    )
    with pytest.raises(UnsupportedError, match=r"opset 99 .* is not known; allowed: 1 to 28"):
        likewise.load(content)


def test_the_newest_opsets_are_those_of_onnx() -> None:
    from likewise.onnx.survey import NEWEST

    newest = {
        schema.domain: max(
            s.since_version
            for s in onnx.defs.get_all_schemas_with_history()
            if s.domain == schema.domain
        )
        for schema in onnx.defs.get_all_schemas()
    }
    assert {d: v for d, v in NEWEST.items() if d != "com.microsoft"} == newest
