"""Running a TFLite file in Python, on ai-edge-litert or on tflite-runtime."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InputError, LikewiseError, MissingDependencyError, ModelError
from likewise.ir import DType, TensorType
from likewise.targets.litert.writer import IDENTIFIER, read_metadata
from likewise.targets.ports import Port, check_feeds

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from likewise.ir import Array

__all__ = ["Runner", "load"]


class Runner:
    """One interpreter of a file; it is not to be used from two threads at once.

    Any TFLite file of static shapes runs; one that `likewise compile` wrote has the names, the
    order and the layout of its ONNX model.
    """

    def __init__(self, model: bytes, name: str = "model", *, threads: int = 1) -> None:
        if model[4:8] != IDENTIFIER:
            raise ModelError("these bytes are no TFLite file").at(name)
        if threads < 1:
            raise InputError("a run needs a thread", given=threads, allowed="1 or more")
        self.name = name
        self._model = model
        make = _interpreter()
        try:
            self._interpreter = make(model_content=model, num_threads=threads)
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise ModelError("the TFLite file cannot be used", given=error).at(name) from None
        inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        self.inputs = tuple(map(_port, inputs))
        self.outputs = tuple(map(_port, outputs))
        self._feeds = [one["index"] for one in inputs]
        self._fetches = [(one["name"], one["index"]) for one in outputs]

    @property
    def metadata(self) -> dict[str, Any]:
        """What `likewise compile` wrote into the file; `ModelError` where it did not."""
        return read_metadata(self._model)

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Array]:
        """Outputs by name; raises `InputError` for wrong feeds."""
        try:
            arrays = check_feeds(self.inputs, feeds)
            for index, array in zip(self._feeds, arrays, strict=True):
                self._interpreter.set_tensor(index, array)
            try:
                self._interpreter.invoke()
            except (RuntimeError, ValueError) as error:
                raise LikewiseError("the interpreter failed", given=error) from None
        except LikewiseError as error:
            raise error.at(self.name) from None
        get = self._interpreter.get_tensor
        return {name: np.asarray(get(index)) for name, index in self._fetches}


def load(
    model: bytes | str | os.PathLike[str], name: str | None = None, *, threads: int = 1
) -> Runner:
    """A TFLite file, from its bytes or a path, ready to run with so many threads.

    Raises `ModelError` for what is no TFLite file or cannot be run, `InputError` for a file that
    cannot be read, `MissingDependencyError` where no interpreter is installed.
    """
    if isinstance(model, bytes):
        return Runner(model, name or "model", threads=threads)
    path = Path(model)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror}") from None
    return Runner(content, name or str(path), threads=threads)


def _interpreter() -> Any:
    """The class of the interpreter that is installed."""
    purpose = "running TFLite files"
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        pass
    else:
        return Interpreter
    try:
        from tflite_runtime.interpreter import Interpreter as Older
    except ImportError:
        raise MissingDependencyError("ai-edge-litert", "litert", purpose) from None
    if int(np.__version__.partition(".")[0]) > 1:  # it imports, and fails when it is used
        missing = MissingDependencyError("ai-edge-litert", "litert", purpose)
        missing.given = f"tflite-runtime, which needs NumPy 1, beside NumPy {np.__version__}"
        raise missing
    return Older


def _port(entry: dict[str, Any]) -> Port:
    sizes = tuple(int(size) for size in entry["shape"])
    return Port(entry["name"], TensorType(DType.of(entry["dtype"]), sizes))
