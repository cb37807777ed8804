from __future__ import annotations

import re
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import helper

from likewise.errors import ModelError
from likewise.onnx.decode import decode
from likewise.onnx.messages import (
    AttributeProto,
    ModelProto,
    NodeProto,
    TensorProto,
    TypeProto,
)
from likewise.onnx.schema import Message
from likewise.onnx.wire import DEPTH_LIMIT, varint
from tests.onnx.protobuf import GRAPHS, assert_same

if TYPE_CHECKING:
    from pathlib import Path


def span(number: int, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.name.split(".")[0])
def test_real_models_read_as_onnx_reads_them(path: Path) -> None:
    assert_same(decode(ModelProto, path.read_bytes()), onnx.load(path))


def _everything() -> list[Any]:
    """Messages that between them use every kind of field."""
    tensor = helper.make_tensor("t", onnx.TensorProto.DOUBLE, [2], [1.5, -2.5])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [], [], [tensor])
    sparse = helper.make_sparse_tensor(
        tensor, helper.make_tensor("i", onnx.TensorProto.INT64, [2], [0, 3]), [4]
    )
    types = [
        helper.make_tensor_type_proto(1, ["batch", 3, None]),
        helper.make_sequence_type_proto(helper.make_tensor_type_proto(1, None)),
        helper.make_optional_type_proto(helper.make_tensor_type_proto(7, [])),
        helper.make_map_type_proto(8, helper.make_tensor_type_proto(1, [])),
        helper.make_sparse_tensor_type_proto(1, [4]),
    ]
    values = (0, -1, 2**63 - 1, -(2**63), 0.0, -1.5, "", "ü", tensor, graph, sparse, types[0])
    lists = ([1, -2], [1.0, 0.5], ["a", "b"], [tensor], [graph], [sparse], types)
    node = helper.make_node("Op", ["a", "", "b"], ["c"], name="n", domain="d")
    node.attribute.extend(
        helper.make_attribute(f"a{index}", value) for index, value in enumerate((*values, *lists))
    )
    device = node.device_configurations.add(configuration_id="c", pipeline_stage=0)
    device.sharding_spec.add(tensor_name="t", device=[0, -1]).sharded_dim.add(
        axis=-1
    ).simple_sharding.add(dim_value=0, num_shards=2)
    function = helper.make_function(
        "d", "f", ["x"], ["y"], [node], [helper.make_opsetid("", 21)], ["alpha"]
    )
    model = helper.make_model(graph, functions=[function], producer_name="test")
    model.training_info.add().initialization.CopyFrom(graph)
    model.configuration.add(name="c", num_devices=2, device=["x", "y"])
    helper.set_model_props(model, {"key": "value"})
    quantities = (
        onnx.TensorProto(int32_data=[-1, 300], int64_data=[-1, 2**40], uint64_data=[2**64 - 1]),
        onnx.TensorProto(float_data=[0.5], string_data=[b"\xff", b""]),
        onnx.TensorProto(segment={"begin": 1, "end": -2}, raw_data=b""),
    )
    return [model, *types, *quantities]


@pytest.mark.parametrize("theirs", _everything(), ids=lambda item: type(item).__name__)
def test_every_kind_of_field(theirs: Any) -> None:
    ours = decode(Message.classes[type(theirs).__name__], theirs.SerializeToString())
    assert_same(ours, theirs)


def test_raw_data_is_a_view_of_the_file() -> None:
    data = bytearray(b"\x08\x03" + span(9, b"abc"))
    raw = decode(TensorProto, memoryview(data)).raw_data
    assert isinstance(raw, memoryview)
    data[-1] = ord("z")
    assert bytes(raw) == b"abz"


# A tensor with the dims 1, 300, 3, packed or not, whole or in pieces.
@pytest.mark.parametrize(
    "data",
    ["080108ac020803", "0a0401ac0203", "08010a03ac0203", "0a01010a000a03ac0203"],
)
def test_repeated_numbers_packed_or_not(data: str) -> None:
    assert decode(TensorProto, bytes.fromhex(data)).dims == [1, 300, 3]


@pytest.mark.parametrize(
    "data",
    ["280128ac022803", "2a0401ac0203", "28012a03ac0203", "2a01012a002a0303ac02"],
)
def test_bulk_numbers_packed_or_not(data: str) -> None:
    values = decode(TensorProto, bytes.fromhex(data)).int32_data
    assert isinstance(values, np.ndarray)
    assert values.dtype == np.int32
    assert sorted(values.tolist()) == [1, 3, 300]


def test_floats_packed_or_not() -> None:
    one, two = b"\0\0\x80\x3f", b"\0\0\0\x40"
    assert decode(AttributeProto, b"\x3d" + one + b"\x3a\x04" + two).floats == [1.0, 2.0]
    bulk = decode(TensorProto, b"\x25" + one + b"\x22\x04" + two).float_data
    assert list(bulk) == [1.0, 2.0]


def test_int32_wraps_as_protobuf_has_it() -> None:
    data = b"\x10" + b"\xff" * 9 + b"\x01" + b"\x28\x80\x80\x80\x80\x08"
    assert decode(TensorProto, data).data_type == -1
    assert list(decode(TensorProto, data).int32_data) == [-(2**31)]


def test_unknown_fields_are_left_out() -> None:
    unknown = b"\xa0\x06\x01" + b"\xa3\x06\x08\x01\xa4\x06" + b"\xa2\x06\x01x" + b"\xa5\x06abcd"
    assert decode(NodeProto, unknown + span(4, b"Relu") + unknown).op_type == "Relu"


def test_the_last_of_a_repeated_scalar_counts() -> None:
    assert decode(NodeProto, span(4, b"A") + span(4, b"B")).op_type == "B"


BROKEN: list[tuple[type[Message], str, str]] = [
    (ModelProto, "3a", "model: the number at byte 1 is cut off by the end at byte 1"),
    (
        ModelProto,
        "3affffffff0f",
        "model: length 4294967295 at byte 1 goes past the end of the file (6 bytes)",
    ),
    (
        ModelProto,
        "3a060a000a0200ff08",
        "model.graph.node[1]: the field tag before byte 7 has the invalid number 0",
    ),
    (
        ModelProto,
        "3a0a0a082a060a016122096208",
        "model.graph.node[0].attribute[0]: length 9 at byte 10 goes past the end of its message",
    ),
    (NodeProto, "2202ff41", "model.op_type: the text at byte 2 is not UTF-8"),
    (NodeProto, "0a0261410a0261ff", "model.input: the text at byte 7 is not UTF-8"),
    (NodeProto, "2001", "model.op_type: the field before byte 1 has the wrong wire type 0"),
    (ModelProto, "0a0101", "model.ir_version: the field before byte 1 has the wrong wire type 2"),
    (TensorProto, "0a0180", "model.dims: the last packed number before byte 3 is cut off"),
    (
        TensorProto,
        "2203000000",
        "model.float_data: the last packed number before byte 5 is cut off",
    ),
    (TensorProto, "25000000", "model: the number at byte 1 is cut off by the end at byte 4"),
    (TensorProto, "3a0c" + "ff" * 11 + "01", "model.int64_data: a packed number is longer than 10"),
    (TensorProto, "80" * 12, "model: the number at byte 0 is longer than 10 bytes"),
    (TensorProto, "1a001a00", "model.segment: the field appears a second time at byte 4"),
    (TensorProto, "a701", "model: the field tag before byte 2 has the invalid wire type 7"),
    (TensorProto, "0c", "model.dims: the field before byte 1 has the wrong wire type 4"),
]


@pytest.mark.parametrize(("cls", "data", "message"), BROKEN)
def test_broken_messages_name_the_place(cls: type[Message], data: str, message: str) -> None:
    with pytest.raises(ModelError, match=f"^{re.escape(message)}"):
        decode(cls, bytes.fromhex(data))


def _nested_types(depth: int) -> bytes:
    """A TypeProto in which `depth` messages nest: sequence (4) of element (1) and so on."""
    data = b""
    for level in range(depth):
        tag = b"\x0a" if (depth - level) % 2 == 0 else b"\x22"
        data = tag + varint(len(data)) + data
    return data


def test_nesting_is_limited() -> None:
    decode(TypeProto, _nested_types(DEPTH_LIMIT))
    with pytest.raises(ModelError, match=f"messages nest deeper than {DEPTH_LIMIT} levels at byte"):
        decode(TypeProto, _nested_types(DEPTH_LIMIT + 1))


def test_two_thousand_nodes_decode_fast() -> None:
    nodes = [
        helper.make_node(
            "Conv",
            [f"x{i}", f"w{i}", f"b{i}"],
            [f"y{i}"],
            name=f"conv_{i}",
            kernel_shape=[3, 3],
            pads=[1, 1, 1, 1],
            group=1,
            auto_pad="NOTSET",
        )
        for i in range(2000)
    ]
    data = helper.make_model(helper.make_graph(nodes, "g", [], [])).SerializeToString()
    times = []
    for _ in range(5):
        start = time.process_time()
        model = decode(ModelProto, data)
        times.append(time.process_time() - start)
    assert model.graph is not None
    assert len(model.graph.node) == 2000
    # Typically 0.04 s; the bound leaves room for slow and busy machines.
    assert min(times) < 0.4


def test_memory_is_bounded_by_the_file() -> None:
    """The worst that a file can ask for: messages of no content, two bytes each."""
    graph = b"\x0a\x00" * 20_000
    data = b"\x3a" + varint(len(graph)) + graph
    tracemalloc.start()
    try:
        model = decode(ModelProto, data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert model.graph is not None
    assert len(model.graph.node) == 20_000
    assert peak < 120 * len(data)
