from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest

from likewise.errors import InputError
from likewise.onnx.decode import decode
from likewise.onnx.encode import encode, encode_chunks
from likewise.onnx.messages import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    OperatorSetIdProto,
    TensorProto,
    TensorShapeProto,
    TensorShapeProtoDimension,
    TypeProto,
    TypeProtoTensor,
    ValueInfoProto,
)
from likewise.onnx.tensors import from_array
from tests.onnx.protobuf import GRAPHS, assert_same

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = np.array([0, 1, -1, 127, 128, -(2**31), 2**31 - 1], np.int64)


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.name.split(".")[0])
def test_real_models_come_back(path: Path) -> None:
    model = decode(ModelProto, path.read_bytes())
    data = encode(model)
    assert_same(model, onnx.ModelProto.FromString(data))
    assert encode(decode(ModelProto, data)) == data


@pytest.mark.parametrize(
    "message",
    [
        AttributeProto(i=0, type=2, name="zero"),
        AttributeProto(f=0.0, s=b"", ints=[0, -1, 2**62], floats=[0.0, -0.5], strings=[b"", b"a"]),
        TensorProto(int32_data=NUMBERS, dims=[7], data_type=6),
        TensorProto(int64_data=NUMBERS, uint64_data=[0, 2**64 - 1]),
        TensorProto(float_data=[1.5], double_data=np.array([0.1]), raw_data=b""),
        TensorProto(string_data=[b"", b"\xff"], name="ü" * 100),
        NodeProto(input=["", "a"], output=["b"]),
        TensorShapeProto(dim=[TensorShapeProtoDimension(dim_value=0), TensorShapeProtoDimension()]),
        TypeProto(tensor_type=TypeProtoTensor(elem_type=1, shape=TensorShapeProto())),
    ],
    ids=lambda message: type(message).__name__,
)
def test_onnx_reads_what_is_written(message: AttributeProto) -> None:
    theirs = getattr(onnx, type(message).__name__).FromString(encode(message))
    assert_same(message, theirs)
    assert encode(message) == theirs.SerializeToString(deterministic=True)


def test_explicit_zeros_where_absence_matters() -> None:
    assert onnx.AttributeProto.FromString(encode(AttributeProto(i=0))).HasField("i")
    assert not onnx.AttributeProto.FromString(encode(AttributeProto())).HasField("i")
    assert encode(TensorProto(raw_data=b"")) == b"\x4a\x00"


def test_tensor_data_is_not_copied() -> None:
    data = memoryview(bytes(1000))
    assert any(chunk is data for chunk in encode_chunks(TensorProto(raw_data=data)))


def test_a_cycle_is_refused() -> None:
    graph = GraphProto()
    graph.node = [NodeProto(attribute=[AttributeProto(g=graph)])]
    with pytest.raises(InputError, match="nest deeper"):
        encode(graph)


def test_a_model_made_here_passes_the_checker_and_runs() -> None:
    kind = TypeProto(
        tensor_type=TypeProtoTensor(
            elem_type=1,
            shape=TensorShapeProto(dim=[TensorShapeProtoDimension(dim_param="n")]),
        )
    )
    weight = np.array([1.0, -2.0, 3.0], np.float32)
    model = ModelProto(
        ir_version=10,
        opset_import=[OperatorSetIdProto(version=21)],
        graph=GraphProto(
            name="g",
            node=[
                NodeProto(op_type="Mul", input=["x", "w"], output=["m"]),
                NodeProto(
                    op_type="LeakyRelu",
                    input=["m"],
                    output=["y"],
                    attribute=[AttributeProto(name="alpha", type=1, f=0.0)],
                ),
            ],
            initializer=[from_array(weight, "w")],
            input=[ValueInfoProto(name="x", type=kind)],
            output=[ValueInfoProto(name="y", type=kind)],
        ),
    )
    data = encode(model)
    onnx.checker.check_model(onnx.ModelProto.FromString(data), full_check=True)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {"x": np.ones(3, np.float32)})
    np.testing.assert_array_equal(y, [1, 0, 3])
