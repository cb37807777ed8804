"""A loaded model: what goes in, what comes out, and running it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InputError, LikewiseError
from likewise.ir import DType, OptionalType, SequenceType, TensorType
from likewise.onnx.importer import import_model
from likewise.onnx.source import read_model
from likewise.passes import simplify
from likewise.targets.numpy.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from likewise.ir import Dim, Graph, Node, Type, Value
    from likewise.onnx.source import ModelSource

__all__ = ["Model", "Port", "load"]


@dataclass(frozen=True)
class Port:
    """An input or output: `type` has everything, `dtype` and `shape` the part of a tensor.

    A dim of `shape` is a number or a symbolic size; `shape` is None where the rank is not known
    before a run, and both are None for sequences, optionals and maps.
    """

    name: str
    type: Type

    @property
    def dtype(self) -> DType | None:
        """The element type of a tensor."""
        return self.type.dtype if isinstance(self.type, TensorType) else None

    @property
    def shape(self) -> tuple[Dim, ...] | None:
        """The dims of a tensor."""
        return self.type.dims if isinstance(self.type, TensorType) else None

    def __str__(self) -> str:
        return f"{self.name}: {self.type}"


class Model:
    """A graph that runs. It keeps no state between runs.

    `metadata` is what the file says besides: free text by key, such as a recogniser's alphabet.
    """

    def __init__(
        self, graph: Graph, name: str = "model", metadata: Mapping[str, str] | None = None
    ) -> None:
        self.graph = graph
        self.name = name
        self.metadata: Mapping[str, str] = MappingProxyType(dict(metadata or {}))
        self._plan = Plan(graph)

    @property
    def inputs(self) -> tuple[Port, ...]:
        """What `run` takes, in the order of the model."""
        return tuple(Port(value.name, value.type) for value in self.graph.inputs)

    @property
    def outputs(self) -> tuple[Port, ...]:
        """What `run` gives, in the order of the model."""
        return tuple(Port(value.name, value.type) for value in self.graph.outputs)

    def __repr__(self) -> str:
        inputs, outputs = ", ".join(map(str, self.inputs)), ", ".join(map(str, self.outputs))
        return f"Model({self.name!r}, ({inputs}) -> ({outputs}))"

    def run(
        self,
        feeds: Mapping[str, Any],
        *,
        tap: Callable[[Node, tuple[Any, ...]], None] | None = None,
    ) -> dict[str, Any]:
        """The outputs by name for the inputs by name.

        Arrays must have the element type and shape of the input, symbolic dims taking any size;
        lists and numbers are converted. The arrays given are not changed, and those returned are
        the caller's own. `tap` is called after each node with the node and what it made.
        Raises `InputError` for a wrong name, element type or shape.
        """
        arrays = self._checked(feeds)
        try:
            made = self._plan.run(arrays, tap=tap)
        except LikewiseError as error:
            raise error.at(self.name) from None
        return {
            value.name: _owned(array, arrays)
            for value, array in zip(self.graph.outputs, made, strict=True)
        }

    def _checked(self, feeds: Mapping[str, Any]) -> list[Any]:
        names = [value.name for value in self.graph.inputs]
        unknown = [name for name in feeds if name not in names]
        if unknown:
            raise InputError(
                f"the model has no input {unknown[0]!r}",
                given=", ".join(map(repr, feeds)),
                allowed=", ".join(map(repr, names)) or "none",
            ).at(self.name)
        missing = [str(v) for v in self.inputs if v.name not in feeds and not _may_lack(v.type)]
        if missing:
            raise InputError(
                f"the input {missing[0].split(':')[0]!r} is missing",
                given=", ".join(map(repr, feeds)) or "no inputs",
                allowed=", ".join(map(str, self.inputs)),
            ).at(self.name)
        try:
            return [_fed(value, feeds.get(value.name)) for value in self.graph.inputs]
        except InputError as error:
            raise error.at(self.name) from None


def load(source: ModelSource) -> Model:
    """The model in an `.onnx` file: a path, bytes, or a file open for reading bytes.

    Weights of a path are mapped, not read. Raises `InputError` where there is no such file,
    `ModelError` where it is broken, `UnsupportedError` that names every operator not supported.
    """
    message, opened = read_model(source)
    metadata = {entry.key: entry.value for entry in message.metadata_props}
    model = Model(simplify(import_model(message, opened)), opened.name, metadata)
    opened.let_go()
    return model


def _may_lack(kind: Type) -> bool:
    return isinstance(kind, OptionalType)


def _fed(value: Value, given: Any) -> Any:
    """What the caller gave for `value`, as the run takes it."""
    kind = value.type
    if isinstance(kind, TensorType):
        return _fed_tensor(value.name, kind, given)
    if isinstance(kind, SequenceType) and not isinstance(given, list):
        raise InputError(
            f"input {value.name!r} is a sequence",
            given=type(given).__name__,
            allowed="a list of arrays",
        )
    return given


def _fed_tensor(name: str, kind: TensorType, given: Any) -> Any:
    wanted = kind.dtype.numpy
    if isinstance(given, np.ndarray | np.generic):
        array = np.asarray(given)
        text = kind.dtype is DType.STRING and array.dtype.kind in "OUST"
        if array.dtype != wanted and not text:
            raise InputError(
                f"input {name!r} has the wrong element type",
                given=array.dtype,
                allowed=wanted,
                hint=f"convert it with .astype({wanted.name!r})",
            )
        array = array.astype(object) if text else array
    else:
        try:
            array = np.asarray(given, wanted)
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(
                f"input {name!r} cannot be made an array: {error}", allowed=kind
            ) from None
    if kind.dims is not None:
        _check_shape(name, array.shape, kind.dims)
    return array


def _check_shape(name: str, given: tuple[int, ...], dims: Sequence[Dim]) -> None:
    wrong = len(given) != len(dims) or any(
        isinstance(dim, int) and dim != size for dim, size in zip(dims, given, strict=True)
    )
    if wrong:
        raise InputError(
            f"input {name!r} has the wrong shape",
            given=list(given),
            allowed=f"[{', '.join(map(str, dims))}]",
        )


def _owned(array: Any, inputs: Sequence[Any]) -> Any:
    """`array` so that changing it changes neither the model's weights nor the caller's inputs."""
    if not isinstance(array, np.ndarray):
        return array
    shared = any(isinstance(x, np.ndarray) and np.may_share_memory(x, array) for x in inputs)
    return array.copy() if shared or not array.flags.writeable else array
