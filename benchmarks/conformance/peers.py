"""The engines that run in Python: each a function from a model and its inputs to its outputs."""

from __future__ import annotations

import tempfile
from ctypes import memmove, string_at
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType
from likewise.onnx.messages import TensorProto
from likewise.onnx.tensors import from_array, to_array

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["PEERS", "Peer"]

Array = np.ndarray[Any, Any]
PLAIN = 1
"""What `isbuiltin` is for element types that are NumPy's own."""


@dataclass(frozen=True)
class Peer:
    """`opened` gives what runs a model: outputs in order for inputs in order.

    `package` is whose version the report names.
    """

    name: str
    package: str
    opened: Callable[[bytes], Callable[[Sequence[Any]], list[Any]]]

    @property
    def version(self) -> str:
        """Of the package; '' where it is not installed (tract has no wheel for 64-bit Arm)."""
        return version(self.package) if find_spec(self.package) else ""


def onnxruntime(model: bytes) -> Callable[[Sequence[Any]], list[Any]]:
    """Through OrtValue, which takes the element types that NumPy has not."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [port.name for port in session.get_inputs()]

    def run(inputs: Sequence[Any]) -> list[Any]:
        tensors = all(isinstance(x, np.ndarray) and x.dtype.kind not in "OUST" for x in inputs)
        if not tensors:
            return list(session.run(None, dict(zip(names, inputs, strict=False))))
        given = {name: _to_ort(one) for name, one in zip(names, inputs, strict=False)}
        return [_from_ort(one) for one in session.run_with_ort_values(None, given)]

    return run


def _to_ort(array: Array) -> Any:
    """The array; its bits put into place where onnxruntime takes no such array."""
    import onnxruntime as ort

    if array.dtype.isbuiltin == PLAIN:
        return ort.OrtValue.ortvalue_from_numpy(array)
    value = ort.OrtValue.ortvalue_from_shape_and_type(
        list(array.shape), DType.of(array.dtype).value
    )
    content = bytes(from_array(array).raw_data or b"")
    memmove(value.data_ptr(), content, len(content))
    return value


def _from_ort(value: Any) -> Any:
    """The output; read from its bits where NumPy has no such element type."""
    if not value.is_tensor():
        return value.numpy()
    dtype = DType(value.element_type())
    if dtype.numpy.isbuiltin == PLAIN:
        return value.numpy()
    shape = value.shape()
    content = string_at(value.data_ptr(), -(-prod(shape) * dtype.bits // 8))
    return to_array(TensorProto(dims=shape, data_type=dtype.value, raw_data=content))


def reference(model: bytes) -> Callable[[Sequence[Any]], list[Any]]:
    """ONNX's own evaluator."""
    import onnx
    from onnx.reference import ReferenceEvaluator

    session = ReferenceEvaluator(onnx.load_from_string(model))
    names = list(session.input_names)

    def run(inputs: Sequence[Any]) -> list[Any]:
        return list(session.run(None, dict(zip(names, inputs, strict=False))))

    return run


def tract(model: bytes) -> Callable[[Sequence[Any]], list[Any]]:
    """With the shapes of the inputs told, as its own suite does."""
    import tract as engine

    def run(inputs: Sequence[Any]) -> list[Any]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.onnx")
            path.write_bytes(model)
            opened = engine.onnx().load(path)
        for at, array in enumerate(inputs):
            kind = engine.DatumType(int(engine.tensor.dt_numpy_to_tract(array.dtype)))
            opened.set_input_fact(at, ",".join(map(str, (*array.shape, kind.name.lower()))))
        for at in range(opened.output_count()):
            opened.set_output_fact(at, None)
        runnable = opened.into_model().into_runnable()
        return [one.to_numpy() for one in runnable.run(list(inputs))]

    return run


PEERS = (
    Peer("onnxruntime", "onnxruntime", onnxruntime),
    Peer("tract", "tract", tract),
    Peer("ONNX ReferenceEvaluator", "onnx", reference),
)
