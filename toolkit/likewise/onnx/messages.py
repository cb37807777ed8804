"""The messages of ONNX, as `onnx-ml.proto` of onnx 1.23 declares them.

A message nested in another carries both names: `TensorShapeProto.Dimension` is
`TensorShapeProtoDimension`. Absent strings and numbers are empty and zero; fields where absence
matters are None instead.
"""

# ruff: noqa: RUF009 -- the declarations of `schema` return dataclass fields, made once a class

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from numpy.typing import NDArray

from likewise.onnx.schema import Kind, Message, bulk, many, maybe, one

Raw: TypeAlias = bytes | memoryview
"""The bytes of a tensor; the decoder gives a view of the file and copies nothing."""
Numbers: TypeAlias = NDArray[Any] | Sequence[int] | Sequence[float]
"""Packed numbers; the decoder gives a NumPy vector."""


@dataclass(slots=True, kw_only=True, eq=False)
class AttributeProto(Message):
    """A named value of a node; `type` says which field holds it (`AttributeType` of ONNX)."""

    name: str = one(1, Kind.STRING)
    f: float | None = maybe(2, Kind.FLOAT)
    i: int | None = maybe(3, Kind.INT64)
    s: bytes | None = maybe(4, Kind.BYTES)
    t: TensorProto | None = one(5, "TensorProto")
    g: GraphProto | None = one(6, "GraphProto")
    floats: Sequence[float] = many(7, Kind.FLOAT)
    ints: Sequence[int] = many(8, Kind.INT64)
    strings: Sequence[bytes] = many(9, Kind.BYTES)
    tensors: Sequence[TensorProto] = many(10, "TensorProto")
    graphs: Sequence[GraphProto] = many(11, "GraphProto")
    doc_string: str = one(13, Kind.STRING)
    tp: TypeProto | None = one(14, "TypeProto")
    type_protos: Sequence[TypeProto] = many(15, "TypeProto")
    type: int = one(20, Kind.INT32)
    ref_attr_name: str = one(21, Kind.STRING)
    sparse_tensor: SparseTensorProto | None = one(22, "SparseTensorProto")
    sparse_tensors: Sequence[SparseTensorProto] = many(23, "SparseTensorProto")


@dataclass(slots=True, kw_only=True, eq=False)
class ValueInfoProto(Message):
    """The name and type of a value."""

    name: str = one(1, Kind.STRING)
    type: TypeProto | None = one(2, "TypeProto")
    doc_string: str = one(3, Kind.STRING)
    metadata_props: Sequence[StringStringEntryProto] = many(4, "StringStringEntryProto")


@dataclass(slots=True, kw_only=True, eq=False)
class NodeProto(Message):
    """One operator call; an empty name among `input` or `output` is an absent optional one."""

    input: Sequence[str] = many(1, Kind.STRING)
    output: Sequence[str] = many(2, Kind.STRING)
    name: str = one(3, Kind.STRING)
    op_type: str = one(4, Kind.STRING)
    attribute: Sequence[AttributeProto] = many(5, "AttributeProto")
    doc_string: str = one(6, Kind.STRING)
    domain: str = one(7, Kind.STRING)
    overload: str = one(8, Kind.STRING)
    metadata_props: Sequence[StringStringEntryProto] = many(9, "StringStringEntryProto")
    device_configurations: Sequence[NodeDeviceConfigurationProto] = many(
        10, "NodeDeviceConfigurationProto"
    )


@dataclass(slots=True, kw_only=True, eq=False)
class IntIntListEntryProto(Message):
    """One entry of a map from a number to a list of numbers."""

    key: int = one(1, Kind.INT64)
    value: Sequence[int] = many(2, Kind.INT64)


@dataclass(slots=True, kw_only=True, eq=False)
class NodeDeviceConfigurationProto(Message):
    """How one node is spread over the devices of a configuration."""

    configuration_id: str = one(1, Kind.STRING)
    sharding_spec: Sequence[ShardingSpecProto] = many(2, "ShardingSpecProto")
    pipeline_stage: int | None = maybe(3, Kind.INT32)


@dataclass(slots=True, kw_only=True, eq=False)
class ShardingSpecProto(Message):
    """How one tensor is cut into shards."""

    tensor_name: str = one(1, Kind.STRING)
    device: Sequence[int] = many(2, Kind.INT64)
    index_to_device_group_map: Sequence[IntIntListEntryProto] = many(3, "IntIntListEntryProto")
    sharded_dim: Sequence[ShardedDimProto] = many(4, "ShardedDimProto")


@dataclass(slots=True, kw_only=True, eq=False)
class ShardedDimProto(Message):
    """How one axis of a tensor is cut into shards."""

    axis: int = one(1, Kind.INT64)
    simple_sharding: Sequence[SimpleShardedDimProto] = many(2, "SimpleShardedDimProto")


@dataclass(slots=True, kw_only=True, eq=False)
class SimpleShardedDimProto(Message):
    """The even cut of an axis, or of a part of it."""

    dim_value: int | None = maybe(1, Kind.INT64)
    dim_param: str | None = maybe(2, Kind.STRING)
    num_shards: int = one(3, Kind.INT64)


@dataclass(slots=True, kw_only=True, eq=False)
class TrainingInfoProto(Message):
    """The graphs and bindings of a training step."""

    initialization: GraphProto | None = one(1, "GraphProto")
    algorithm: GraphProto | None = one(2, "GraphProto")
    initialization_binding: Sequence[StringStringEntryProto] = many(3, "StringStringEntryProto")
    update_binding: Sequence[StringStringEntryProto] = many(4, "StringStringEntryProto")


@dataclass(slots=True, kw_only=True, eq=False)
class ModelProto(Message):
    """A whole file."""

    ir_version: int = one(1, Kind.INT64)
    producer_name: str = one(2, Kind.STRING)
    producer_version: str = one(3, Kind.STRING)
    domain: str = one(4, Kind.STRING)
    model_version: int = one(5, Kind.INT64)
    doc_string: str = one(6, Kind.STRING)
    graph: GraphProto | None = one(7, "GraphProto")
    opset_import: Sequence[OperatorSetIdProto] = many(8, "OperatorSetIdProto")
    metadata_props: Sequence[StringStringEntryProto] = many(14, "StringStringEntryProto")
    training_info: Sequence[TrainingInfoProto] = many(20, "TrainingInfoProto")
    functions: Sequence[FunctionProto] = many(25, "FunctionProto")
    configuration: Sequence[DeviceConfigurationProto] = many(26, "DeviceConfigurationProto")


@dataclass(slots=True, kw_only=True, eq=False)
class DeviceConfigurationProto(Message):
    """A named group of devices."""

    name: str = one(1, Kind.STRING)
    num_devices: int = one(2, Kind.INT32)
    device: Sequence[str] = many(3, Kind.STRING)


@dataclass(slots=True, kw_only=True, eq=False)
class StringStringEntryProto(Message):
    """One entry of a map from text to text."""

    key: str = one(1, Kind.STRING)
    value: str = one(2, Kind.STRING)


@dataclass(slots=True, kw_only=True, eq=False)
class TensorAnnotation(Message):
    """Names of the quantization parameters of a tensor."""

    tensor_name: str = one(1, Kind.STRING)
    quant_parameter_tensor_names: Sequence[StringStringEntryProto] = many(
        2, "StringStringEntryProto"
    )


@dataclass(slots=True, kw_only=True, eq=False)
class GraphProto(Message):
    """Nodes in topological order, with inputs, outputs and stored tensors."""

    node: Sequence[NodeProto] = many(1, "NodeProto")
    name: str = one(2, Kind.STRING)
    initializer: Sequence[TensorProto] = many(5, "TensorProto")
    doc_string: str = one(10, Kind.STRING)
    input: Sequence[ValueInfoProto] = many(11, "ValueInfoProto")
    output: Sequence[ValueInfoProto] = many(12, "ValueInfoProto")
    value_info: Sequence[ValueInfoProto] = many(13, "ValueInfoProto")
    quantization_annotation: Sequence[TensorAnnotation] = many(14, "TensorAnnotation")
    sparse_initializer: Sequence[SparseTensorProto] = many(15, "SparseTensorProto")
    metadata_props: Sequence[StringStringEntryProto] = many(16, "StringStringEntryProto")


@dataclass(slots=True, kw_only=True, eq=False)
class TensorProtoSegment(Message):
    """Which part of a larger tensor is stored; no exporter is known to write it."""

    begin: int = one(1, Kind.INT64)
    end: int = one(2, Kind.INT64)


@dataclass(slots=True, kw_only=True, eq=False)
class TensorProto(Message):
    """A stored tensor; `likewise.onnx.tensors` reads and makes it."""

    dims: Sequence[int] = many(1, Kind.INT64)
    data_type: int = one(2, Kind.INT32)
    segment: TensorProtoSegment | None = one(3, "TensorProtoSegment")
    float_data: Numbers = bulk(4, Kind.FLOAT)
    int32_data: Numbers = bulk(5, Kind.INT32)
    string_data: Sequence[bytes] = many(6, Kind.BYTES)
    int64_data: Numbers = bulk(7, Kind.INT64)
    name: str = one(8, Kind.STRING)
    raw_data: Raw | None = maybe(9, Kind.RAW)
    double_data: Numbers = bulk(10, Kind.DOUBLE)
    uint64_data: Numbers = bulk(11, Kind.UINT64)
    doc_string: str = one(12, Kind.STRING)
    external_data: Sequence[StringStringEntryProto] = many(13, "StringStringEntryProto")
    data_location: int = one(14, Kind.INT32)
    metadata_props: Sequence[StringStringEntryProto] = many(16, "StringStringEntryProto")


@dataclass(slots=True, kw_only=True, eq=False)
class SparseTensorProto(Message):
    """A tensor that is zero, or empty text, but for some elements."""

    values: TensorProto | None = one(1, "TensorProto")
    indices: TensorProto | None = one(2, "TensorProto")
    dims: Sequence[int] = many(3, Kind.INT64)


@dataclass(slots=True, kw_only=True, eq=False)
class TensorShapeProtoDimension(Message):
    """One dim: a number, a symbol, or (with neither) unknown."""

    dim_value: int | None = maybe(1, Kind.INT64)
    dim_param: str | None = maybe(2, Kind.STRING)
    denotation: str = one(3, Kind.STRING)


@dataclass(slots=True, kw_only=True, eq=False)
class TensorShapeProto(Message):
    """The dims of a tensor."""

    dim: Sequence[TensorShapeProtoDimension] = many(1, "TensorShapeProtoDimension")


@dataclass(slots=True, kw_only=True, eq=False)
class TypeProtoTensor(Message):
    """A tensor; without `shape` its rank is unknown."""

    elem_type: int = one(1, Kind.INT32)
    shape: TensorShapeProto | None = one(2, "TensorShapeProto")


@dataclass(slots=True, kw_only=True, eq=False)
class TypeProtoSequence(Message):
    """A sequence of values of one type."""

    elem_type: TypeProto | None = one(1, "TypeProto")


@dataclass(slots=True, kw_only=True, eq=False)
class TypeProtoMap(Message):
    """A map from integers or text to values of one type."""

    key_type: int = one(1, Kind.INT32)
    value_type: TypeProto | None = one(2, "TypeProto")


@dataclass(slots=True, kw_only=True, eq=False)
class TypeProtoOptional(Message):
    """A value that may be absent."""

    elem_type: TypeProto | None = one(1, "TypeProto")


@dataclass(slots=True, kw_only=True, eq=False)
class TypeProtoSparseTensor(Message):
    """A sparse tensor."""

    elem_type: int = one(1, Kind.INT32)
    shape: TensorShapeProto | None = one(2, "TensorShapeProto")


@dataclass(slots=True, kw_only=True, eq=False)
class TypeProtoOpaque(Message):
    """A type that only its domain understands."""

    domain: str = one(1, Kind.STRING)
    name: str = one(2, Kind.STRING)


@dataclass(slots=True, kw_only=True, eq=False)
class TypeProto(Message):
    """A type: at most one of its fields but `denotation` is present."""

    tensor_type: TypeProtoTensor | None = one(1, "TypeProtoTensor")
    sequence_type: TypeProtoSequence | None = one(4, "TypeProtoSequence")
    map_type: TypeProtoMap | None = one(5, "TypeProtoMap")
    denotation: str = one(6, Kind.STRING)
    opaque_type: TypeProtoOpaque | None = one(7, "TypeProtoOpaque")
    sparse_tensor_type: TypeProtoSparseTensor | None = one(8, "TypeProtoSparseTensor")
    optional_type: TypeProtoOptional | None = one(9, "TypeProtoOptional")


@dataclass(slots=True, kw_only=True, eq=False)
class OperatorSetIdProto(Message):
    """Which version of a domain a model uses; the empty domain is `ai.onnx`."""

    domain: str = one(1, Kind.STRING)
    version: int = one(2, Kind.INT64)


@dataclass(slots=True, kw_only=True, eq=False)
class FunctionProto(Message):
    """An operator that the model itself defines by nodes."""

    name: str = one(1, Kind.STRING)
    input: Sequence[str] = many(4, Kind.STRING)
    output: Sequence[str] = many(5, Kind.STRING)
    attribute: Sequence[str] = many(6, Kind.STRING)
    node: Sequence[NodeProto] = many(7, "NodeProto")
    doc_string: str = one(8, Kind.STRING)
    opset_import: Sequence[OperatorSetIdProto] = many(9, "OperatorSetIdProto")
    domain: str = one(10, Kind.STRING)
    attribute_proto: Sequence[AttributeProto] = many(11, "AttributeProto")
    value_info: Sequence[ValueInfoProto] = many(12, "ValueInfoProto")
    overload: str = one(13, Kind.STRING)
    metadata_props: Sequence[StringStringEntryProto] = many(14, "StringStringEntryProto")
