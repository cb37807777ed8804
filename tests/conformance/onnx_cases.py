"""The official ONNX cases (node, simple, pytorch-converted, pytorch-operator) as one table."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import numpy_helper

from likewise.ops.narrow import widened

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator")


@dataclass(frozen=True)
class OnnxCase:
    """One official case: a model, and data sets of inputs with the outputs they must give."""

    name: str
    kind: str
    rtol: float
    atol: float
    source: Any

    def model(self) -> bytes:
        """The model as bytes."""
        if self.source.model is not None:
            return self.source.model.SerializeToString()
        return (Path(self.source.model_dir) / "model.onnx").read_bytes()

    def data_sets(self) -> Iterator[tuple[list[Any], list[Any]]]:
        """Inputs and expected outputs: arrays, lists for sequences, None for absent."""
        if self.source.data_sets is not None:
            for inputs, outputs in self.source.data_sets:
                yield list(map(_value, inputs)), list(map(_value, outputs))
            return
        model = onnx.load_from_string(self.model())
        for folder in sorted(Path(self.source.model_dir).glob("test_data_set_*")):
            yield (
                _stored(folder, "input", [info.type for info in model.graph.input]),
                _stored(folder, "output", [info.type for info in model.graph.output]),
            )


def _stored(folder: Path, stem: str, types: list[Any]) -> list[Any]:
    values: list[Any] = []
    for index in range(len(list(folder.glob(f"{stem}_*.pb")))):
        content = (folder / f"{stem}_{index}.pb").read_bytes()
        if types[index].HasField("sequence_type"):
            values.append(numpy_helper.to_list(onnx.SequenceProto.FromString(content)))
        elif types[index].HasField("optional_type"):
            values.append(numpy_helper.to_optional(onnx.OptionalProto.FromString(content)))
        else:
            values.append(numpy_helper.to_array(onnx.TensorProto.FromString(content)))
    return values


def _value(value: Any) -> Any:
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    if isinstance(value, list):
        return list(map(_value, value))
    if value is None or isinstance(value, dict):
        return value
    return np.asarray(value)


@cache
def onnx_cases() -> dict[str, OnnxCase]:
    """All cases by name; building the node ones takes some seconds."""
    from onnx.backend.test.loader import load_model_tests

    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # onnx computes expected infinities by overflowing
        for kind in KINDS:
            for case in load_model_tests(kind=kind):
                found[case.name] = OnnxCase(case.name, kind, case.rtol, case.atol, case)
    return found


def assert_similar(made: Any, expected: Any, rtol: float, atol: float) -> None:
    """Hold a result against the expected one as the backend test runner of onnx does."""
    if isinstance(expected, list):
        assert isinstance(made, list)
        assert len(made) == len(expected)
        for one, other in zip(made, expected, strict=True):
            assert_similar(one, other, rtol, atol)
        return
    if expected is None or isinstance(expected, dict):
        assert made == expected
        return
    assert isinstance(made, np.ndarray), type(made)
    if expected.dtype.kind in "OUST":
        assert made.dtype == object
        np.testing.assert_array_equal(made, expected)
        return
    assert made.dtype == expected.dtype
    assert made.shape == expected.shape
    np.testing.assert_allclose(widened(made), widened(expected), rtol=rtol, atol=atol)
