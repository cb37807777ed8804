"""Weights in a file of their own: what is written, where they go, what is refused."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import likewise
from likewise.errors import InputError, ModelError
from likewise.targets.wasm import load
from likewise.targets.wasm.encoder import PAGE
from likewise.targets.wasm.sections import DATA, read_section, section_sizes, with_section
from likewise.targets.wasm.weights import PART, StoredWeights

if TYPE_CHECKING:
    from pathlib import Path

X = np.random.default_rng(1).standard_normal((5, 67)).astype(np.float32)
HINT = "; take both from one `likewise compile`"


def model_of(*nodes: Any, **weights: np.ndarray[Any, Any]) -> bytes:
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        list(nodes),
        "g",
        [info("x", TensorProto.FLOAT, ["n", 67])],
        [info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    return bytes(made.SerializeToString())


@pytest.fixture(scope="module")
def model() -> bytes:
    """A product and a Gather: weights of two types and of odd sizes."""
    rng = np.random.default_rng(2)
    return model_of(
        helper.make_node("MatMul", ["x", "w"], ["z"]),
        helper.make_node("Gather", ["z", "i"], ["g"], axis=1),
        helper.make_node("Add", ["g", "b"], ["y"]),
        w=rng.standard_normal((67, 33)).astype(np.float32),
        b=rng.standard_normal(3).astype(np.float32),
        i=np.array([7, 31, 7]),
    )


@pytest.fixture(scope="module")
def artefacts(model: bytes) -> tuple[likewise.Artefact, likewise.Artefact]:
    """The same model with weights inside and separate."""
    inside = likewise.compile(model, shapes={"x": X.shape})
    return inside, likewise.compile(model, shapes={"x": X.shape}, weights="separate")


def test_outputs_and_memory_are_those_of_weights_inside(artefacts: Any) -> None:
    inside, separate = artefacts
    assert inside.weights is None
    assert separate.memory_bytes == inside.memory_bytes
    one, other = inside.load(), separate.load()
    assert other.memory_bytes == one.memory_bytes == -(-inside.memory_bytes // PAGE) * PAGE
    for _ in range(2):
        np.testing.assert_array_equal(other.run({"x": X})["y"], one.run({"x": X})["y"])


def test_the_module_carries_no_data(artefacts: Any) -> None:
    inside, separate = artefacts
    assert DATA in section_sizes(inside.data)
    for module in (separate.data, separate.plain):
        assert DATA not in section_sizes(module)
        assert len(module) < len(inside.data) - len(separate.weights) // 2
    assert separate.weight_bytes == len(separate.weights)
    assert abs(separate.weight_bytes - inside.weight_bytes) < 200


def test_the_range_holds_nothing_else(artefacts: Any) -> None:
    _, separate = artefacts
    section = read_section(separate.data)
    weights = StoredWeights.read(section["weights"])
    assert weights == StoredWeights.read(read_section(separate.plain)["weights"])
    assert weights.size == len(separate.weights)
    assert weights.sha256 == (sha256(separate.weights).hexdigest(),)
    for port in section["inputs"] + section["outputs"]:
        assert (
            port["offset"] >= weights.offset + weights.size
            or port["offset"] + port["bytes"] <= weights.offset
        )
    runner = separate.load()
    runner.run({"x": X})
    end = weights.offset + weights.size
    memory = runner._instance.memory
    assert memory[weights.offset : end].tobytes() == separate.weights


def test_twins_share_one_file(artefacts: Any, tmp_path: Path) -> None:
    inside, separate = artefacts
    files = separate.save(tmp_path / "net.wasm")
    assert [one.name for one in files] == ["net.wasm", "net.plain.wasm", "net.weights"]
    expected = inside.load().run({"x": X})["y"]
    np.testing.assert_array_equal(load(files[0]).run({"x": X})["y"], expected)
    plain = load(str(files[1])).run({"x": X})["y"]
    np.testing.assert_allclose(plain, expected, rtol=1e-4, atol=1e-5)
    assert inside.save(tmp_path / "one.wasm")[-1].name == "one.plain.wasm"


def test_weights_are_given_as_path_or_bytes(artefacts: Any, tmp_path: Path) -> None:
    inside, separate = artefacts
    path = tmp_path / "elsewhere"
    path.write_bytes(separate.weights)
    expected = inside.load().run({"x": X})["y"]
    for weights in (path, str(path), separate.weights, bytearray(separate.weights)):
        runner = load(separate.data, weights=weights)
        np.testing.assert_array_equal(runner.run({"x": X})["y"], expected)
    assert load(inside.data, weights="nowhere").run({"x": X})


def test_a_model_without_weights_has_no_file(tmp_path: Path) -> None:
    negation = model_of(helper.make_node("Neg", ["x"], ["y"]))
    made = likewise.compile(negation, shapes={"x": X.shape}, weights="separate", numerics="strict")
    assert made.weights is None
    assert len(made.save(tmp_path / "negation.wasm")) == 1
    np.testing.assert_array_equal(load(tmp_path / "negation.wasm").run({"x": X})["y"], -X)


def test_missing_weights_are_named(artefacts: Any, tmp_path: Path) -> None:
    _, separate = artefacts
    module, _, weights = separate.save(tmp_path / "net.wasm")
    weights.unlink()
    with pytest.raises(InputError) as caught:
        load(module)
    assert str(caught.value) == (
        f"{module}: the module's weights cannot be read from {str(weights)!r}: No such file or "
        "directory; put the file that `likewise compile` wrote there, or pass `weights`"
    )
    with pytest.raises(InputError) as caught:
        load(module.read_bytes())
    assert str(caught.value) == (
        "module: the module's weights lie in a file of their own; given: the module's bytes "
        "alone; allowed: weights=…, a path to 'net.weights' or its bytes"
    )


def test_other_weights_are_refused(artefacts: Any) -> None:
    _, separate = artefacts
    right = separate.weights
    size = len(right)
    wrong = right[:-1] + bytes([right[-1] ^ 1])
    rows = [
        (right[:-1], f"given: {size - 1} bytes; allowed: {size} bytes"),
        (b"", f"given: 0 bytes; allowed: {size} bytes"),
        (right + b"\0", f"given: more than {size} bytes; allowed: {size} bytes"),
        (
            wrong,
            (
                f"given: SHA-256 {sha256(wrong).hexdigest()} from byte 0 on; "
                f"allowed: {sha256(right).hexdigest()}"
            ),
        ),
    ]
    for weights, message in rows:
        with pytest.raises(ModelError) as caught:
            load(separate.data, "net", weights=weights)
        start = "net: these are not the module's weights, 'model.weights'; "
        assert str(caught.value) == f"{start}{message}{HINT}"


def test_the_part_that_is_wrong_is_named() -> None:
    columns = PART // 67 // 4 + 1
    w = np.random.default_rng(4).standard_normal((67, columns)).astype(np.float32)
    large = model_of(helper.make_node("MatMul", ["x", "w"], ["y"]), w=w)
    made = likewise.compile(large, shapes={"x": X.shape}, weights="separate", numerics="strict")
    right = made.weights or b""
    stored = StoredWeights.read(read_section(made.data)["weights"])
    assert stored.sha256 == tuple(
        sha256(one).hexdigest() for one in (right[:PART], right[PART:]) if one
    )
    found = load(made.data, weights=right).run({"x": X})["y"]
    np.testing.assert_allclose(found, X @ w, rtol=1e-4, atol=1e-4)
    for place, start in ((PART - 1, 0), (PART, PART)):
        wrong = bytearray(right)
        wrong[place] ^= 1
        with pytest.raises(ModelError, match=rf"given: SHA-256 [0-9a-f]+ from byte {start} on; "):
            load(made.data, weights=wrong)


ENTRY: dict[str, Any] = {"name": "a", "offset": 64, "bytes": 9, "sha256": [""]}


@pytest.mark.parametrize(
    "entry",
    [
        None,
        {},
        ENTRY | {"name": "../a"},
        ENTRY | {"name": "C:\\a"},
        ENTRY | {"offset": -1},
        ENTRY | {"bytes": "9"},
        ENTRY | {"bytes": -9},
        ENTRY | {"bytes": 4 << 20, "offset": 1 << 40},
        ENTRY | {"sha256": []},
        ENTRY | {"sha256": ""},
    ],
)
def test_a_section_that_says_nonsense(artefacts: Any, entry: Any) -> None:
    _, separate = artefacts
    section = read_section(separate.data) | {"weights": entry}
    with pytest.raises(ModelError, match=r"nonsense of the weights|outside the module's memory"):
        load(with_section(separate.data, section), weights=b"")


def test_a_wrong_place(model: bytes, artefacts: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        likewise.compile(model, weights="beside")  # type: ignore[call-overload]
    assert str(caught.value) == (
        "there is no place for weights 'beside'; allowed: inside, separate"
    )
    with pytest.raises(InputError, match=r"is where the weights go; call the module net\.wasm"):
        artefacts[1].save(tmp_path / "net.weights")
    assert not list(tmp_path.iterdir())
