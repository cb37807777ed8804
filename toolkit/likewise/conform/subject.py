"""What engines are held against each other on: a model with its shapes and constants settled."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.conform.compare import Difference, compare
from likewise.conform.noise import with_noise
from likewise.errors import LikewiseError
from likewise.ir import DType, TensorType
from likewise.model import Model
from likewise.onnx.encode import encode_chunks
from likewise.onnx.exporter import export_model
from likewise.ops.conversion import convert
from likewise.passes import simplify
from likewise.passes.specialize import specialize
from likewise.passes.widen import widen, widened_array
from likewise.targets.numpy.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from likewise.ir import Array, Graph

__all__ = ["NOISES", "Feeds", "Outputs", "Subject"]

NOISES: Final = 2
"""Runs in float64 with every value moved by about a unit of its own type."""

Feeds = dict[str, Any]
Outputs = dict[str, Any]


class Subject:
    """A model whose inputs have the shapes of `shapes`, some fixed to the values of `constants`.

    `graph` is what compiled targets are made of: specialised and simplified; `onnx` what peers
    read: the file itself where there is one. Feeds leave the constants out.
    """

    def __init__(
        self,
        model: Model,
        shapes: Mapping[str, Sequence[int]] | None = None,
        constants: Mapping[str, Any] | None = None,
        *,
        file: Path | None = None,
    ) -> None:
        self.model = model
        self.shapes = {name: tuple(shape) for name, shape in (shapes or {}).items()}
        self.constants = dict(constants or {})
        self._file = file

    @classmethod
    def of_graph(cls, graph: Graph) -> Subject:
        """A graph whose shapes are settled, as a subject; peers get it as an ONNX model."""
        return cls(Model(graph, graph.name))

    @cached_property
    def graph(self) -> Graph:
        """The graph that compiled targets are made of."""
        try:
            return simplify(specialize(self.model.graph, self.shapes, self.constants))
        except LikewiseError as error:
            raise error.at(self.model.name) from None

    @cached_property
    def onnx(self) -> Path | bytes:
        """The `.onnx` file, or the bytes of the graph as one."""
        if self._file is not None:
            return self._file
        return b"".join(encode_chunks(export_model(self.model.graph)))

    @property
    def onnx_bytes(self) -> bytes:
        """The model as bytes, without its external data."""
        return self.onnx if isinstance(self.onnx, bytes) else self.onnx.read_bytes()

    @cached_property
    def given(self) -> Feeds:
        """The constants as arrays of their inputs' element types: what a peer is fed besides."""
        kinds = {port.name: port.dtype for port in self.model.inputs}
        return {
            name: np.asarray(value, kind.numpy if isinstance(kind := kinds[name], DType) else None)
            for name, value in self.constants.items()
        }

    def oracle(self, feeds: Feeds) -> Outputs:
        """The outputs in float64; what is no float stays as it is."""
        wide = {name: widened_array(value) for name, value in feeds.items()}
        return _planned(self._widened, wide, self.graph)

    def reference(self, feeds: Feeds) -> Outputs:
        """The outputs of the same graph in NumPy, in the model's own element types."""
        return _planned(self._plan, feeds, self.graph)

    def noisy(self, feeds: Feeds, seed: int) -> Outputs:
        """The oracle's outputs with every float moved by about a unit, in the model's types."""
        wide = {name: widened_array(value) for name, value in feeds.items()}
        made = _planned(Plan(with_noise(widen(self.graph), self.graph, (), seed)), wide, self.graph)
        kinds = {value.name: value.type for value in self.graph.outputs}
        with np.errstate(all="ignore"):  # what lies beyond the narrow type is infinite there
            return {
                name: convert(one, kind.dtype, saturate=False)
                if isinstance(kind := kinds[name], TensorType) and isinstance(one, np.ndarray)
                else one
                for name, one in made.items()
            }

    def limits(self, feeds: Feeds, truth: Outputs, noises: int = NOISES) -> dict[str, Difference]:
        """By output how far rounding leads from the oracle: what targets are measured by.

        The larger of the reference's error and those of noisy runs: one run in NumPy may be right
        by luck. Only for outputs that are tensors of numbers and not empty.
        """
        found: dict[str, Difference] = {}
        for made in (self.reference(feeds), *(self.noisy(feeds, seed) for seed in range(noises))):
            for name, expected in truth.items():
                if not isinstance(expected, np.ndarray) or expected.dtype == object:
                    continue
                error = compare(made[name], expected) if expected.size else None
                if error and (name not in found or error.absolute > found[name].absolute):
                    found[name] = error
        return found

    @cached_property
    def _plan(self) -> Plan:
        return Plan(self.graph)

    @cached_property
    def _widened(self) -> Plan:
        return Plan(widen(self.graph))


def _planned(plan: Plan, feeds: Mapping[str, Array], graph: Graph) -> Outputs:
    made = plan.run([feeds[value.name] for value in graph.inputs])
    return {value.name: one for value, one in zip(graph.outputs, made, strict=True)}
