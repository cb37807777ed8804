"""A loaded model: what goes in, what comes out, and running it."""

from __future__ import annotations

from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from likewise.errors import (
    InferenceError,
    InputError,
    LikewiseError,
    MissingDependencyError,
    UnsupportedError,
)
from likewise.onnx.importer import import_model
from likewise.onnx.source import read_model
from likewise.passes import simplify
from likewise.targets.numpy.plan import Plan
from likewise.targets.ports import Port, check_feeds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from likewise.ir import Graph, Node
    from likewise.onnx.source import ModelSource
    from likewise.targets.wasm import Runner

__all__ = ["Model", "Port", "load"]

RunTarget = Literal["numpy", "auto"]


class Model:
    """A graph that runs. It keeps no state between runs.

    `metadata` is what the file says besides: free text by key, such as a recogniser's alphabet.
    """

    def __init__(
        self,
        graph: Graph,
        name: str = "model",
        metadata: Mapping[str, str] | None = None,
        source: memoryview | None = None,
    ) -> None:
        self.graph = graph
        self.name = name
        self._source = source
        self.metadata: Mapping[str, str] = MappingProxyType(dict(metadata or {}))
        self._plan = Plan(simplify(graph, kept=()))
        self._runners: dict[tuple[tuple[int, ...], ...], Runner | None] = {}
        self.ran_on = "numpy"
        """What the last run ran on: `numpy` or `wasm`."""

    @property
    def inputs(self) -> tuple[Port, ...]:
        """What `run` takes, in the order of the model."""
        return tuple(Port(value.name, value.type) for value in self.graph.inputs)

    @property
    def outputs(self) -> tuple[Port, ...]:
        """What `run` gives, in the order of the model."""
        return tuple(Port(value.name, value.type) for value in self.graph.outputs)

    @property
    def source_sha256(self) -> str:
        """The SHA-256 of the `.onnx` file, without its external data; '' where there is none."""
        return "" if self._source is None else sha256(self._source).hexdigest()

    def __repr__(self) -> str:
        inputs, outputs = ", ".join(map(str, self.inputs)), ", ".join(map(str, self.outputs))
        return f"Model({self.name!r}, ({inputs}) -> ({outputs}))"

    def run(
        self,
        feeds: Mapping[str, Any],
        *,
        target: RunTarget = "numpy",
        tap: Callable[[Node, tuple[Any, ...]], None] | None = None,
    ) -> dict[str, Any]:
        """The outputs by name for the inputs by name.

        `target` is `numpy`, the reference, or `auto`: compiled to WebAssembly once for each set of
        shapes, where a host for it is here and the model compiles, and NumPy where not; `ran_on`
        says which it was.

        Arrays must have the element type and shape of the input, symbolic dims taking any size;
        lists and numbers are converted. The arrays given are not changed, and those returned are
        the caller's own. `tap` is called after each node with the node and what it made.
        Raises `InputError` for a wrong name, element type, shape or target.
        """
        if target not in get_args(RunTarget):
            allowed = ", ".join(get_args(RunTarget))
            raise InputError(f"there is no target {target!r} to run on", allowed=allowed)
        try:
            arrays = check_feeds(self.inputs, feeds)
            runner = self._compiled(arrays) if target == "auto" and tap is None else None
            self.ran_on = "numpy" if runner is None else "wasm"
            if runner is not None:
                names = (port.name for port in self.inputs)
                return runner.run(dict(zip(names, arrays, strict=True)))
            made = self._plan.run(arrays, tap=tap)
            return {
                value.name: _owned(array, arrays)
                for value, array in zip(self.graph.outputs, made, strict=True)
            }
        except LikewiseError as error:
            raise error.at(self.name) from None
        except MemoryError as error:
            raise LikewiseError(f"there is not enough memory: {error}").at(self.name) from None

    def _compiled(self, arrays: Sequence[Any]) -> Runner | None:
        """The module for arrays of these shapes; None without a host, or if it does not compile."""
        if not all(isinstance(one, np.ndarray) for one in arrays):
            return None
        shapes = tuple(one.shape for one in arrays)
        if shapes not in self._runners:
            # The compiler is imported when first used: in the browser every module counts.
            from likewise.passes.specialize import specialize
            from likewise.targets.wasm import compile_graph

            by_name = dict(zip((port.name for port in self.inputs), shapes, strict=True))
            try:
                graph = simplify(specialize(self.graph, by_name))
                self._runners[shapes] = compile_graph(graph, name=self.name).load()
            except (MissingDependencyError, UnsupportedError, InferenceError):
                self._runners[shapes] = None
        return self._runners[shapes]


def load(source: ModelSource) -> Model:
    """The model in an `.onnx` file: a path, bytes, or a file open for reading bytes.

    Weights of a path are mapped, not read. Raises `InputError` where there is no such file,
    `ModelError` where it is broken, `UnsupportedError` that names every operator not supported.
    """
    message, opened = read_model(source)
    metadata = {entry.key: entry.value for entry in message.metadata_props}
    with np.errstate(all="ignore"):  # numbers overflow and are NaN as ONNX says, without a word
        graph = simplify(import_model(message, opened))
    model = Model(graph, opened.name, metadata, opened.data)
    opened.let_go()
    return model


def _owned(array: Any, inputs: Sequence[Any]) -> Any:
    """`array` so that changing it changes neither the model's weights nor the caller's inputs."""
    if not isinstance(array, np.ndarray):
        return array
    shared = any(isinstance(x, np.ndarray) and np.may_share_memory(x, array) for x in inputs)
    return array.copy() if shared or not array.flags.writeable else array
