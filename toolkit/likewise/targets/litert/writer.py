"""A program as a TFLite file, by the schema that the package `tflite` carries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.errors import MissingDependencyError, ModelError, UnsupportedError
from likewise.targets.litert.program import raw, tensor_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from likewise.targets.litert.program import Operation, Program, Quantization, Tensor

__all__ = ["IDENTIFIER", "METADATA", "MOST_BYTES", "read_metadata", "write"]

IDENTIFIER: Final = b"TFL3"
METADATA: Final = "likewise"
SIGNATURE: Final = "serving_default"
_VERSION: Final = 3
_BUILTIN_VERSIONS: Final = {"BROADCAST_TO": 2}
"""Of the builtins that interpreters do not know by version 1."""
MOST_BYTES: Final = (1 << 31) - (1 << 24)
"""Of constants: places in the file are signed 32-bit numbers, and the operations are to fit too."""
_ALIGNMENT: Final = 16
"""Of a constant's bytes, so that the interpreter can use them where they lie."""


def write(program: Program, metadata: Mapping[str, Any]) -> bytes:
    """The bytes of the file; `metadata` goes into it as JSON under the name `likewise`.

    The signature names inputs and outputs as the tensors are named. Raises `UnsupportedError` for
    more than a file can hold.
    """
    size = sum(one.data.nbytes for one in program.tensors() if one.data is not None)
    if size > MOST_BYTES:
        raise UnsupportedError(
            "a TFLite file holds at most 2 GB",
            given=f"{size:,} bytes of weights and constants",
            hint="--weights-type float16 halves most of them",
        )
    return _Writer().model(program, metadata)


def read_metadata(model: bytes) -> dict[str, Any]:
    """What `write` was given as metadata; `ModelError` for a file that has none."""
    tflite = _schema()
    if model[4:8] != IDENTIFIER:
        raise ModelError("these bytes are no TFLite file")
    root = tflite.Model.GetRootAs(model, 0)
    for at in range(root.MetadataLength()):
        entry = root.Metadata(at)
        if entry.Name() == METADATA.encode():
            content = root.Buffers(entry.Buffer()).DataAsNumpy()
            found: dict[str, Any] = json.loads(content.tobytes())
            return found
    raise ModelError(
        "this TFLite file says nothing of its model",
        hint="a file that `likewise compile` wrote is needed",
    )


def _schema() -> Any:
    try:
        import tflite
    except ImportError:
        raise MissingDependencyError("tflite", "litert", "TFLite files") from None
    return tflite


class _Writer:
    """One file being built, from its end to its beginning as FlatBuffers are."""

    def __init__(self) -> None:
        self.schema = _schema()
        import flatbuffers

        self.builder = flatbuffers.Builder(1 << 16)
        self.buffers: list[bytes] = [b""]  # by convention the first one is empty

    def model(self, program: Program, metadata: Mapping[str, Any]) -> bytes:
        tensors = list(program.tensors())
        index = {tensor: at for at, tensor in enumerate(tensors)}
        places = [self.buffer(one) for one in tensors]
        self.buffers.append(json.dumps(metadata, separators=(",", ":")).encode())
        offsets = [self.stored(content) for content in self.buffers]
        codes = list(dict.fromkeys(one.builtin for one in program.operations))
        table = self.table(
            "Model",
            Version=_VERSION,
            Description=self.builder.CreateString("likewise"),
            Buffers=self.offsets(offsets),
            OperatorCodes=self.offsets([self.code(name) for name in codes]),
            Metadata=self.offsets([self.entry(METADATA, len(self.buffers) - 1)]),
            SignatureDefs=self.offsets([self.signature(program, index)]),
            Subgraphs=self.offsets(
                [
                    self.table(
                        "SubGraph",
                        Name=self.builder.CreateString("main"),
                        Tensors=self.offsets(list(map(self.tensor, tensors, places))),
                        Inputs=self.numbers(index[one] for one in program.inputs),
                        Outputs=self.numbers(index[one] for one in program.outputs),
                        Operators=self.offsets(
                            [self.operation(one, index, codes) for one in program.operations]
                        ),
                    )
                ]
            ),
        )
        self.builder.Finish(table, IDENTIFIER)
        return bytes(self.builder.Output())

    def table(self, kind: str, **fields: Any) -> int:
        """A table of the schema, from its fields as the schema's code spells them."""
        getattr(self.schema, f"{kind}Start")(self.builder)
        for name, value in fields.items():
            getattr(self.schema, f"{kind}Add{name}")(self.builder, value)
        return int(getattr(self.schema, f"{kind}End")(self.builder))

    def offsets(self, items: Sequence[int]) -> int:
        self.builder.StartVector(4, len(items), 4)
        for one in reversed(items):
            self.builder.PrependUOffsetTRelative(one)
        return int(self.builder.EndVector())

    def numbers(self, items: Iterable[int]) -> int:
        return int(self.builder.CreateNumpyVector(np.fromiter(items, np.int32)))

    def buffer(self, tensor: Tensor) -> int:
        """The number of the buffer that holds a tensor; 0, the empty one, for what is computed."""
        if tensor.data is None:
            return 0
        self.buffers.append(raw(tensor.data))
        return len(self.buffers) - 1

    def stored(self, content: bytes) -> int:
        if not content:
            return self.table("Buffer")
        self.builder.Prep(_ALIGNMENT, len(content))
        return self.table("Buffer", Data=self.builder.CreateByteVector(content))

    def entry(self, name: str, buffer: int) -> int:
        return self.table("Metadata", Name=self.builder.CreateString(name), Buffer=buffer)

    def code(self, builtin: str) -> int:
        number = getattr(self.schema.BuiltinOperator, builtin)
        return self.table(
            "OperatorCode",
            DeprecatedBuiltinCode=min(number, 127),
            BuiltinCode=number,
            Version=_BUILTIN_VERSIONS.get(builtin, 1),
        )

    def signature(self, program: Program, index: Mapping[Tensor, int]) -> int:
        def names(tensors: Sequence[Tensor]) -> int:
            entries = [
                self.table(
                    "TensorMap", Name=self.builder.CreateString(one.name), TensorIndex=index[one]
                )
                for one in tensors
            ]
            return self.offsets(entries)

        return self.table(
            "SignatureDef",
            Inputs=names(program.inputs),
            Outputs=names(program.outputs),
            SignatureKey=self.builder.CreateString(SIGNATURE),
            SubgraphIndex=0,
        )

    def tensor(self, tensor: Tensor, buffer: int) -> int:
        fields = {
            "Shape": self.numbers(tensor.shape),
            "Type": getattr(self.schema.TensorType, tensor_type(tensor.dtype)),
            "Buffer": buffer,
            "Name": self.builder.CreateString(tensor.name),
            "HasRank": True,
        }
        if tensor.quantization is not None:
            fields["Quantization"] = self.quantization(tensor.quantization)
        return self.table("Tensor", **fields)

    def quantization(self, given: Quantization) -> int:
        return self.table(
            "QuantizationParameters",
            Scale=self.builder.CreateNumpyVector(given.scales.astype(np.float32)),
            ZeroPoint=self.builder.CreateNumpyVector(given.zero_points.astype(np.int64)),
            QuantizedDimension=given.axis,
        )

    def operation(self, one: Operation, index: Mapping[Tensor, int], codes: list[str]) -> int:
        fields = {
            "OpcodeIndex": codes.index(one.builtin),
            "Inputs": self.numbers(-1 if i is None else index[i] for i in one.inputs),
            "Outputs": self.numbers(index[made] for made in one.outputs),
        }
        if one.kind:
            fields["BuiltinOptionsType"] = getattr(self.schema.BuiltinOptions, one.kind)
            fields["BuiltinOptions"] = self.table(one.kind, **self.settings(one))
        return self.table("Operator", **fields)

    def settings(self, one: Operation) -> dict[str, Any]:
        """The options of an operation, names of enumerations replaced by their numbers."""
        enums = {
            "Padding": self.schema.Padding,
            "FusedActivationFunction": self.schema.ActivationFunctionType,
            "Mode": self.schema.MirrorPadMode,
            "OutputType": self.schema.TensorType,
            "InDataType": self.schema.TensorType,
            "OutDataType": self.schema.TensorType,
        }
        return {
            name: getattr(enums[name], value) if isinstance(value, str) else value
            for name, value in one.options.items()
        }
