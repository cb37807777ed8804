"""Golden vectors: what they hold, what they find, and that they are the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import TensorProto, helper

import likewise
from likewise.errors import InputError, ModelError
from likewise.ir import DType, TensorType
from likewise.targets.golden import SAMPLE, Mismatch, drawn, self_test
from likewise.targets.ports import Port
from tests.wasm.modules import golden_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from likewise.targets.wasm import Runner

INFO = helper.make_tensor_value_info
Array = np.ndarray[Any, Any]


def model(*nodes: Any, kind: int = TensorProto.FLOAT, shape: tuple[int, ...] = (2, 3)) -> bytes:
    """Nodes from `x`, floats, to `y` of that kind."""
    graph = helper.make_graph(
        nodes, "g", [INFO("x", TensorProto.FLOAT, shape)], [INFO("y", kind, None)]
    )
    opset = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opset).SerializeToString()


EXP = helper.make_node("Exp", ["x"], ["y"])


@dataclass
class Answering:
    """A module whose answers something has happened to."""

    runner: Runner
    changes: Any
    name: str = "changed"

    @property
    def inputs(self) -> tuple[Port, ...]:
        return self.runner.inputs

    @property
    def outputs(self) -> tuple[Port, ...]:
        return self.runner.outputs

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Array]:
        return {name: self.changes(one) for name, one in self.runner.run(feeds).items()}


def changed(array: Array, at: int, by: float) -> Array:
    made = array.copy()
    made.reshape(-1)[at] += by
    return made


def word(seed: int, stream: int, at: int) -> int:
    """A number of the module's head, in Python's integers."""

    def mix(x: int) -> int:
        x = ((x ^ (x >> 16)) * 0x85EBCA6B) % 2**32
        x = ((x ^ (x >> 13)) * 0xC2B2AE35) % 2**32
        return x ^ (x >> 16)

    return mix((mix((mix(seed) + stream) % 2**32) + at * 0x9E3779B9) % 2**32)


def test_inputs_are_numbers_that_any_language_makes() -> None:
    kinds = (DType.FLOAT, DType.DOUBLE, DType.FLOAT16, DType.UINT8, DType.INT64, DType.BOOL)
    ports = [Port(kind.name, TensorType(kind, (20, 30))) for kind in kinds]
    made = drawn(ports, 7)
    words = [[word(7, stream, at) for at in range(600)] for stream in range(6)]
    expected = [
        [(one >> 8) / 2**23 - 1 for one in words[0]],
        [one / 2**31 - 1 for one in words[1]],
        [(one >> 21) / 2**10 - 1 for one in words[2]],
        [one & 255 for one in words[3]],
        [one & 1 for one in words[4]],
        [one & 1 == 1 for one in words[5]],
    ]
    for kind, given, wanted in zip(kinds, made.values(), expected, strict=True):
        assert given.dtype == kind.numpy
        assert given.reshape(-1).tolist() == wanted, kind
    assert made["UINT8"][0, :4].tolist() == [53, 5, 15, 248]


@pytest.mark.parametrize("mode", ["fast", "strict"])
@pytest.mark.parametrize("shape", [(3, 4), (40, 30)])
def test_every_element_type(mode: Any, shape: tuple[int, ...]) -> None:
    runner = likewise.compile(golden_model(shape), numerics=mode).load()
    assert runner.self_test() == []
    (case,) = runner.golden["cases"]
    assert len(case["outputs"]) == len(runner.outputs) == 13
    if shape == (40, 30):
        means = {name for name, one in case["outputs"].items() if "mean" in one}
        # The mean of floats as wide as the sum, or of huge integers, hangs on the sum's order.
        assert {one.name for one in runner.outputs} - means == {"y_double"}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda y: changed(y, 700, 1e-5), []),
        (lambda y: y.T, [("shape", None, [400, 3], [3, 400])]),
        (lambda y: changed(y, 700, np.nan), [("mean", None)]),
        (lambda y: y + np.float32(0.001), [("element",)]),
        (lambda y: np.where(y > 2.5, y * 2, y), [("element",)]),
    ],
)
def test_what_is_found(change: Any, found: list[Any]) -> None:
    runner = likewise.compile(model(EXP, shape=(3, 400))).load()
    tested = self_test(runner.golden, Answering(runner, change))
    assert tested is not None
    assert len(tested) == len(found)
    for one, expected in zip(tested, found, strict=True):
        assert (one.seed, one.output) == (0, "y")
        assert (one.what, one.at, one.given, one.expected)[: len(expected)] == expected


def test_a_fault_outside_the_sample_shows_in_the_mean() -> None:
    runner = likewise.compile(model(EXP, shape=(3, 400))).load()
    seen = set()
    for at in range(1200):
        tested = self_test(runner.golden, Answering(runner, lambda y, at=at: changed(y, at, 1)))
        assert tested
        seen.add(tested[0].what)
        assert tested[0].what == "mean" or tested[0].at == at
    assert seen == {"element", "mean"}
    assert SAMPLE < 1200


def test_integers_are_equal() -> None:
    node = helper.make_node("ArgMax", ["x"], ["y"], axis=1, keepdims=0)
    runner = likewise.compile(model(node, kind=TensorProto.INT64, shape=(2, 9))).load()
    assert runner.self_test() == []
    right = runner.run(drawn(runner.inputs, 0))["y"]
    tested = self_test(runner.golden, Answering(runner, lambda y: changed(y, 1, 1)))
    assert tested == [Mismatch(0, "y", "element", 1, right[1] + 1, right[1], 0.0)]


def test_a_model_that_rounding_leads_far_may_be_far() -> None:
    one = helper.make_node(
        "Constant", [], ["c"], value=helper.make_tensor("c", TensorProto.FLOAT, [1], [1e6])
    )
    nodes = (
        one,
        helper.make_node("Add", ["x", "c"], ["far"]),
        helper.make_node("Sub", ["far", "c"], ["y"]),
    )
    runner = likewise.compile(model(*nodes)).load()
    assert runner.self_test() == []
    tolerance = runner.golden["cases"][0]["outputs"]["y"]["tolerance"]
    assert 2.0**-5 <= tolerance <= 2.0**-2


def test_where_no_inputs_give_finite_outputs_there_are_no_vectors() -> None:
    nodes = (
        helper.make_node("Sub", ["x", "x"], ["zero"]),
        helper.make_node("Log", ["zero"], ["y"]),
    )
    runner = likewise.compile(model(*nodes)).load()
    assert runner.golden == {}
    assert runner.self_test() is None


def test_they_can_be_left_out() -> None:
    made = likewise.compile(model(EXP), golden=False)
    assert made.load().golden == {}
    with pytest.raises(InputError, match="the target 'litert' carries no golden vectors"):
        likewise.compile(model(EXP), "litert", golden=True)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("golden", "message"),
    [
        ({"cases": [{"seed": 0, "outputs": {}}]}, "KeyError('y')"),
        ({"cases": [{"outputs": {}}]}, "KeyError('seed')"),
        ({"cases": [3]}, "'int' object is not subscriptable"),
        (
            {
                "cases": [
                    {
                        "seed": 0,
                        "outputs": {"y": {"shape": [2, 3], "values": "AAAAAA==", "tolerance": 1}},
                    }
                ]
            },
            "1 values for 6",
        ),
    ],
)
def test_vectors_that_cannot_be_read_are_no_pass(golden: Any, message: str) -> None:
    runner = likewise.compile(model(EXP), golden=False).load()
    runner.golden = golden
    with pytest.raises(ModelError) as caught:
        runner.self_test()
    assert str(caught.value).startswith("<bytes>: the golden vectors are broken; given: ")
    assert message in str(caught.value)
