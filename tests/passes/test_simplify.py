"""What the passes at load leave of a graph, and that its outputs stay the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from likewise.ir import DType, Graph, TensorType, Value, symbol, verify
from likewise.ops import find_operator
from likewise.ops.attributes import parse
from likewise.ops.build import GraphBuilder
from likewise.ops.case import f32
from likewise.passes import simplify
from likewise.passes.fold_batch_normalization import fold_batch_normalization
from likewise.passes.fold_constants import fold_constants
from likewise.passes.remove_dead_code import remove_dead_code
from likewise.passes.remove_identities import remove_identities
from likewise.targets.numpy.plan import Plan

IMAGE = TensorType(DType.FLOAT, (symbol("n"), 2, 5, 5))


def operators(graph: Graph) -> list[str]:
    return [node.operator.name for node in graph.nodes]


def check_same(before: Graph, after: Graph, *inputs: Any, rtol: float = 0.0) -> None:
    verify(after)
    assert [v.name for v in after.inputs] == [v.name for v in before.inputs]
    assert [v.name for v in after.outputs] == [v.name for v in before.outputs]
    for one, other in zip(Plan(before).run(inputs), Plan(after).run(inputs), strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol)


def named(b: GraphBuilder, name: str, inputs: list[Any], output: str, **given: Any) -> Value:
    operator = find_operator(name)
    assert operator is not None
    return b.apply(parse(operator, given), inputs, [output])[0]


def test_constants_are_folded_and_their_nodes_are_gone() -> None:
    b = GraphBuilder()
    x = Value("x", TensorType(DType.FLOAT, (3,)))
    two = b.Add(b.constant(np.ones(3, np.float32)), b.constant(np.ones(3, np.float32)))
    graph = b.graph("g", [x], [named(b, "Mul", [x, two], "y")])
    after = simplify(graph)
    assert operators(after) == ["Mul"]
    assert len(after.constants) == 1
    check_same(graph, after, np.arange(3, dtype=np.float32))


def test_the_shape_of_a_static_tensor_is_a_constant() -> None:
    b = GraphBuilder()
    x = Value("x", TensorType(DType.FLOAT, (2, 6)))
    shape = b.Concat(b.Slice(b.Shape(x), b.ints(0), b.ints(1)), b.ints(3, 2), axis=0)
    graph = b.graph("g", [x], [named(b, "Reshape", [x, shape], "y")])
    after = simplify(graph)
    assert operators(after) == ["Reshape"]
    check_same(graph, after, np.zeros((2, 6), np.float32))


def test_the_shape_of_a_symbolic_tensor_is_left_to_the_run() -> None:
    b = GraphBuilder()
    x = Value("x", TensorType(DType.FLOAT, (symbol("n"), 6)))
    graph = b.graph("g", [x], [named(b, "Shape", [x], "y")])
    assert operators(fold_constants(graph)) == ["Shape"]


def test_a_node_that_fails_is_left_to_fail_when_it_runs() -> None:
    b = GraphBuilder()
    one = Value("one", TensorType(DType.INT64, (2,)))  # no content: infer cannot see the fault
    b.constants[one] = np.array([5, 7])
    x = b.constant(np.arange(3, dtype=np.float32))
    graph = b.graph("g", [], [named(b, "Gather", [x, one], "y")])
    assert operators(fold_constants(graph)) == ["Gather"]


def test_a_constant_is_not_blown_up() -> None:
    b = GraphBuilder()
    big = named(b, "Expand", [b.constant(np.zeros(1, np.float32)), b.ints(1 << 12, 1 << 12)], "y")
    graph = b.graph("g", [], [big])
    assert operators(fold_constants(graph)) == ["Expand"]


def test_one_element_repeated_is_folded_and_held_once() -> None:
    b = GraphBuilder()
    big = named(b, "ConstantOfShape", [b.ints(1 << 12, 1 << 13)], "big")
    whole, least = named(b, "Add", [big, big], "y"), named(b, "ReduceMin", [big], "z")
    after = fold_constants(fold_constants(b.graph("g", [], [whole, least])))
    assert operators(after) == ["Add", "ReduceMin"]  # which would hold all of them, or may
    (array,) = (array for value, array in after.constants.items() if value.name == "big")
    assert array.shape == (1 << 12, 1 << 13)
    assert not any(array.strides)


def test_one_element_is_not_repeated_without_end() -> None:
    b = GraphBuilder()
    bomb, most, more = (
        named(b, "ConstantOfShape", [b.ints(1 << 12, 1 << high)], name)
        for name, high in (("bomb", 17), ("most", 16), ("more", 0))
    )
    after = fold_constants(b.graph("g", [], [bomb, most, more]))
    assert [node.outputs[0] for node in after.nodes] == [bomb, more]


def test_random_nodes_are_not_folded() -> None:
    b = GraphBuilder()
    graph = b.graph("g", [], [named(b, "RandomNormal", [], "y", shape=[2])])
    assert operators(simplify(graph)) == ["RandomNormal"]


def test_idle_nodes_are_left_out_but_outputs_keep_their_names() -> None:
    b = GraphBuilder()
    x = Value("x", TensorType(DType.FLOAT, (3,)))
    idle = b.Cast(b.Dropout(b.Identity(x)), to=DType.FLOAT.value)
    graph = b.graph("g", [x], [named(b, "Relu", [idle], "y"), named(b, "Identity", [idle], "z")])
    after = remove_identities(graph)
    assert operators(after) == ["Relu", "Identity"]
    check_same(graph, after, f32([-1, 0, 1]))


def test_a_dropout_that_may_train_stays() -> None:
    b = GraphBuilder()
    x = Value("x", TensorType(DType.FLOAT, (3,)))
    mode = Value("mode", TensorType(DType.BOOL, ()))
    graph = b.graph("g", [x, mode], [named(b, "Dropout", [x, None, mode], "y")])
    assert operators(remove_identities(graph)) == ["Dropout"]


def test_batch_normalization_goes_into_the_convolution() -> None:
    rng = np.random.default_rng(0)
    b = GraphBuilder()
    x = Value("x", IMAGE)
    weight = b.constant(rng.standard_normal((3, 2, 3, 3), np.float32))
    conv = b.Conv(x, weight, b.constant(rng.standard_normal(3, np.float32)))
    scale, shift, mean = (b.constant(rng.standard_normal(3, np.float32)) for _ in range(3))
    variance = b.constant(rng.random(3, np.float32) + 0.5)
    y = named(b, "BatchNormalization", [conv, scale, shift, mean, variance], "y")
    graph = b.graph("g", [x], [y])
    after = remove_dead_code(fold_batch_normalization(graph))
    assert operators(after) == ["Conv"]
    check_same(graph, after, rng.standard_normal((2, 2, 5, 5), np.float32), rtol=1e-5)


def test_batch_normalization_of_a_convolution_read_twice_stays() -> None:
    b = GraphBuilder()
    x = Value("x", IMAGE)
    conv = named(b, "Conv", [x, b.constant(np.ones((1, 2, 3, 3), np.float32))], "conv")
    ones = [b.constant(np.ones(1, np.float32)) for _ in range(4)]
    graph = b.graph("g", [x], [conv, named(b, "BatchNormalization", [conv, *ones], "y")])
    assert operators(fold_batch_normalization(graph)) == ["Conv", "BatchNormalization"]


def test_subgraphs_are_rewritten_with_the_values_around_them() -> None:
    outer = GraphBuilder()
    x = Value("x", TensorType(DType.FLOAT, (3,)))
    same = outer.Identity(x)
    branches = []
    for name in ("Relu", "Neg"):
        inner = GraphBuilder()
        branches.append(inner.graph(name, [], [getattr(inner, name)(inner.Identity(same))]))
    condition = Value("c", TensorType(DType.BOOL, ()))
    made = named(outer, "If", [condition], "y", then_branch=branches[0], else_branch=branches[1])
    graph = outer.graph("g", [x, condition], [made])
    after = simplify(graph)
    assert [node.operator.name for node in after.walk()] == ["Neg", "Relu", "If"]
    for truth in (True, False):
        check_same(graph, after, f32([-1, 0, 1]), np.array(truth))
