"""`bisect`: the first node where two sides part, in how many runs, and the model that shows it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pytest
from onnx import TensorProto, checker, helper, load

import likewise
from likewise.conform.bisect import Side, bisect
from likewise.conform.engines import Answer, Engine, engines
from likewise.conform.subject import Subject
from likewise.targets.numpy.plan import Plan
from tests.conform.conftest import feeds, model_of, small

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from likewise.ir import Graph, Node

NODES = 500
CYCLE = ("Abs", "Add", "Mul", "Neg", "MatMul")
Fault: TypeAlias = "Callable[[Graph, Node, Any], Any]"


class Faulty(Engine):
    """NumPy, but what a node makes goes through `fault`, which sees the whole graph."""

    name = "faulty"

    def __init__(self, fault: Fault) -> None:
        self.fault = fault

    def missing(self) -> str:
        return ""

    def version(self) -> str:
        return "faulty 1"

    def answer(self, subject: Subject, feeds: Sequence[Any], mode: str = "") -> Answer:
        del mode
        graph = subject.graph
        made = []
        for one in feeds:
            values: dict[Any, Any] = dict(graph.constants)
            values |= {value: one[value.name] for value in graph.inputs}
            for node in graph.nodes:
                found = node.operator.evaluate(*(x and values[x] for x in node.inputs))
                found = found if isinstance(found, tuple) else (found,)
                faulty = [self.fault(graph, node, array) for array in found]
                values.update(zip(node.outputs, faulty, strict=True))
            made.append({value.name: values[value] for value in graph.outputs})
        return Answer(made)


def long_model() -> Subject:
    """A chain of NODES nodes in which no error fades."""
    rng = np.random.default_rng(0)
    nodes, constants, last = [], {}, "x"
    for at in range(NODES):
        operator = CYCLE[at % len(CYCLE)]
        inputs = [last]
        if operator in {"Add", "Mul"}:
            constants[f"c{at}"] = rng.uniform(0.8, 1.2, 8).astype(np.float32)
        elif operator == "MatMul":
            constants[f"c{at}"] = np.linalg.qr(rng.standard_normal((8, 8)))[0].astype(np.float32)
        if f"c{at}" in constants:
            inputs.append(f"c{at}")
        last = f"v{at}"
        nodes.append(helper.make_node(operator, inputs, [last], name=f"n{at}"))
    shape = (TensorProto.FLOAT, [4, 8])
    return Subject(model_of(nodes, {"x": shape}, {last: TensorProto.FLOAT}, **constants))


def at_node(name: str, change: Callable[[Any], Any]) -> Fault:
    return lambda _, node, array: change(array) if node.name == name else array


@pytest.mark.parametrize("position", [1, 250, 322, 499, 500])
def test_a_planted_fault_is_found_among_500_nodes(position: int, tmp_path: Path) -> None:
    subject = long_model()
    assert len(subject.graph.nodes) == NODES
    fault = at_node(f"n{position - 1}", lambda array: array * np.float32(1.001))
    given = feeds(subject)
    sides = Side(engines()["numpy"]), Side(Faulty(fault))
    found = bisect(subject, given, sides)
    assert found.node is not None
    assert (found.node.name, found.position) == (f"n{position - 1}", position)
    assert found.alone
    assert found.before == 0
    assert found.after == pytest.approx(1e-3, rel=0.01)
    assert found.runs <= math.log2(NODES) + 5
    model, arrays = found.save(tmp_path / "small.onnx")
    checker.check_model(load(model), full_check=True)
    assert [node.op_type for node in load(model).graph.node] == [CYCLE[(position - 1) % 5]]
    kept = np.load(arrays)
    (output,) = likewise.load(model).outputs
    inputs = {port.name: kept[port.name] for port in likewise.load(model).inputs}
    made = likewise.load(model).run(inputs)[output.name]
    np.testing.assert_array_equal(made, kept[f"{output.name}@numpy"])
    assert not np.array_equal(made, kept[f"{output.name}@faulty"])


def test_a_fault_that_only_fused_nodes_have_is_kept_with_its_company() -> None:
    """Wrong only where a product and its activation are computed together."""

    def fault(graph: Graph, node: Node, array: Any) -> Any:
        operators = [one.operator.name for one in graph.nodes]
        fused = node.operator.name == "Softmax" and "MatMul" in operators
        return array * np.float32(1.01) if fused else array

    subject = small()
    found = bisect(subject, feeds(subject), (Side(engines()["numpy"]), Side(Faulty(fault))))
    assert found.node is not None
    assert found.node.name == "softmax"
    assert found.alone
    assert found.graph is not None
    assert [node.name for node in found.graph.nodes] == ["product", "sum", "softmax"]


def test_targets_that_agree_have_no_first_node() -> None:
    subject = small()
    numpy, wasm = engines()["numpy"], engines()["wasm"]
    found = bisect(subject, feeds(subject), (Side(numpy), Side(wasm, "fast")))
    assert found.node is None
    assert found.runs == 1
    with pytest.raises(likewise.InputError, match="nothing to write"):
        found.save("never.onnx")


def test_rounding_that_a_node_enlarges_is_no_fault() -> None:
    """The sides differ by little before a subtraction that leaves nothing but the difference."""
    node = helper.make_node
    subject = Subject(
        model_of(
            [
                node("Add", ["x", "one"], ["a"], name="add"),
                node("Sub", ["a", "one"], ["b"], name="cancel"),
            ],
            {"x": (TensorProto.FLOAT, [8])},
            {"b": TensorProto.FLOAT},
            one=np.ones(1, np.float32),
        )
    )
    fault = at_node("add", lambda array: np.nextafter(array, np.float32(9)))
    given = {"x": np.full(8, 2.0**-20, np.float32)}
    sides = Side(engines()["numpy"]), Side(Faulty(fault))
    assert bisect(subject, given, sides, times=4).node is None
    twice = at_node("cancel", lambda array: 2 * array)
    found = bisect(subject, given, (sides[0], Side(Faulty(twice))), times=4)
    assert found.node is not None
    assert found.node.name == "cancel"


def test_a_side_that_cannot_says_where() -> None:
    text = [helper.make_node("StringNormalizer", ["x"], ["y"], name="text")]
    subject = Subject(model_of(text, {"x": (TensorProto.STRING, [2])}, {"y": TensorProto.STRING}))
    given = {"x": np.array(["a", "b"], object)}
    sides = Side(engines()["numpy"]), Side(engines()["wasm"], "fast")
    with pytest.raises(likewise.UnsupportedError, match="the part up to node 'text'"):
        bisect(subject, given, sides)


def test_plans_run_what_was_cut() -> None:
    """Cut graphs are whole graphs: a plan runs each prefix of one with branches and constants."""
    from likewise.conform.cut import prefix

    subject = small()
    given = feeds(subject)
    for count in range(1, len(subject.graph.nodes) + 1):
        cut = prefix(subject.graph, count)
        made = Plan(cut).run([given[value.name] for value in cut.inputs])
        assert len(made) == len(cut.outputs) > 0
