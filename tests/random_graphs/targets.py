"""What a drawn model is run on, and what must hold between the answers.

A target is a line of TARGETS: a function from a prepared model to outputs by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

import likewise
from likewise.conform.compare import Difference, compare, judge
from likewise.conform.engines import find
from likewise.conform.noise import with_noise
from likewise.conform.subject import Subject
from likewise.errors import UnsupportedError
from likewise.ir import DType, Graph, TensorType, Value
from likewise.loop import interpret
from likewise.lower.graph import Lowered, lower_graph
from likewise.passes import simplify
from likewise.passes.specialize import specialize
from likewise.passes.widen import widen, widened_array
from likewise.targets.numpy.plan import Plan
from likewise.targets.wasm import Numerics, emit_lowered, load
from likewise.targets.wasm.prepare import prepare
from tests.conformance.compiling import as_stored, interpreted
from tests.models.peers import open_session, run_session

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator, Mapping

    from tests.random_graphs.drawing import Drawn

__all__ = ["BITS", "TARGETS", "Prepared", "faults"]

Array = np.ndarray[Any, Any]
Outputs = dict[str, Array]

NOISES = 4
"""Runs of the oracle in which every float is moved by up to one unit in its last place."""
TIMES = 16.0
"""Of what rounding may do: sums of hundreds of terms go further than noise in single values."""
INTERPRETED = 300
"""Elements of a model's values up to which the interpreter runs it."""


@dataclass
class Prepared:
    """A drawn model read back from its bytes, with what its answers are held against."""

    drawn: Drawn

    @cached_property
    def model(self) -> likewise.Model:
        return likewise.load(self.drawn.onnx)

    @cached_property
    def graph(self) -> Graph:
        """For the shapes of the inputs, simplified."""
        shapes = {name: array.shape for name, array in self.drawn.feeds.items()}
        return simplify(specialize(self.model.graph, shapes))

    @cached_property
    def lowered(self) -> Lowered:
        return lower_graph(prepare(self.graph))

    def module(self, numerics: Numerics) -> bytes:
        """The model as a WebAssembly module."""
        return emit_lowered(self.lowered, numerics=numerics)

    @cached_property
    def oracle(self) -> Outputs:
        """The outputs in float64."""
        return self._planned(widen(self.graph))

    @cached_property
    def overflows(self) -> bool:
        """Whether float16 is too small for the model: then infinities and NaNs are no faults."""
        kinds = [one.type for node in self.graph.nodes for one in node.outputs if one]
        if not any(isinstance(kind, TensorType) and kind.dtype is DType.FLOAT16 for kind in kinds):
            return False
        made = self.model.run(self.drawn.feeds)
        return any(
            array.dtype.kind == "f" and not np.isfinite(array[np.isfinite(self.oracle[name])]).all()
            for name, array in made.items()
        )

    @cached_property
    def noise(self) -> Mapping[str, Difference]:
        """By output the largest error of the noisy oracles: what rounding may do to the model."""
        wide = widen(self.graph)
        found: dict[str, Difference] = {}
        for seed in range(NOISES):
            noisy = self._planned(with_noise(wide, self.graph, self.drawn.exact, seed))
            for value in self.graph.outputs:
                with np.errstate(all="ignore"):  # beyond the narrow type it is infinite there
                    narrow = noisy[value.name].astype(_dtype(value))
                error = compare(narrow, self.oracle[value.name])
                before = found.get(value.name)
                if before is None or error.absolute > before.absolute:
                    found[value.name] = error
        return found

    @cached_property
    def references(self) -> Mapping[str, Difference]:
        """The same, or the error of NumPy where it is larger."""
        found = dict(self.noise)
        for name, array in self.model.run(self.drawn.feeds).items():
            error = compare(array, self.oracle[name])
            if error.absolute > found[name].absolute:
                found[name] = error
        return found

    def _planned(self, graph: Graph) -> Outputs:
        feeds = [widened_array(self.drawn.feeds[value.name]) for value in graph.inputs]
        made = Plan(graph).run(feeds)
        return {value.name: one for value, one in zip(self.graph.outputs, made, strict=True)}


def _dtype(value: Value) -> np.dtype[Any]:
    assert isinstance(value.type, TensorType)
    return value.type.dtype.numpy


def in_numpy(prepared: Prepared) -> Outputs:
    """The reference, which is held against noise alone."""
    return prepared.model.run(prepared.drawn.feeds)


def in_wasm(numerics: Numerics) -> Callable[[Prepared], Outputs]:
    """Compiled, on wasmtime."""

    def run(prepared: Prepared) -> Outputs:
        return load(prepared.module(numerics)).run(prepared.drawn.feeds)

    return run


def in_interpreter(prepared: Prepared) -> Outputs | None:
    """The definition of the loop IR; None for what is too large for it."""
    lowered = prepared.lowered
    if sum(one.size for one in lowered.program.buffers) > INTERPRETED:
        return None
    feeds = {port.buffer: as_stored(prepared.drawn.feeds[port.name]) for port in lowered.inputs}
    return interpreted(lowered, interpret(lowered.program, feeds))


def in_engine(name: str) -> Callable[[Prepared], Outputs | None]:
    """On an engine of `likewise conform`; None for what it refuses, and for special values."""

    def run(prepared: Prepared) -> Outputs | None:
        if prepared.drawn.special:
            return None
        (engine,) = find([name])
        subject = Subject.of_graph(prepared.graph)
        try:
            (made,) = engine.answer(subject, [dict(prepared.drawn.feeds)]).outputs
        except UnsupportedError:
            return None
        return made

    return run


REFUSALS = (
    "NOT_IMPLEMENTED",
    "Pad reflect",  # ONNX reflects as often as it takes
    "MLFloat16 data type is not supported",
    "size_ % 2 == 1 was false",  # LRN over an even number of channels
)


def in_onnxruntime(prepared: Prepared) -> Outputs | None:
    """The peer; None where it has no kernel, or refuses what ONNX allows.

    It is not asked about NaNs and infinities, which its poolings, scatters and resizings drop, and
    its Python interface takes no bfloat16.
    """
    feeds = prepared.drawn.feeds.values()
    if prepared.drawn.special or any(one.dtype == DType.BFLOAT16.numpy for one in feeds):
        return None
    try:
        session = open_session(prepared.drawn.onnx)
        return run_session(session, prepared.drawn.feeds)
    except Exception as error:
        if any(text in str(error) for text in REFUSALS):
            return None
        raise


@dataclass(frozen=True)
class Target:
    """`run` gives the outputs, or None where the target is no match for the model.

    `times` is how many times the reference's own error is allowed: that of noise and NumPy, of
    noise alone for the `reference` itself.
    """

    run: Callable[[Prepared], Outputs | None]
    times: float = TIMES
    reference: bool = False


TARGETS: dict[str, Target] = {
    "numpy": Target(in_numpy, 16.0, reference=True),
    "wasm strict": Target(in_wasm("strict")),
    "wasm fast": Target(in_wasm("fast")),
    "interpreter": Target(in_interpreter),
    "litert": Target(in_engine("litert"), 64.0),
    "onnxruntime": Target(in_onnxruntime, 64.0),
}
BITS = (("wasm strict", "interpreter"),)
"""Targets that give the same bits."""


def faults(
    prepared: Prepared,
    targets: Mapping[str, Target] = TARGETS,
    runs: Counter[str] | None = None,
) -> Iterator[str]:
    """Every disagreement of the targets with the oracle and with each other, in words.

    `runs` counts the targets that gave an answer.
    """
    if prepared.overflows:
        return
    answers = {name: target.run(prepared) for name, target in targets.items()}
    if runs is not None:
        runs.update(name for name, made in answers.items() if made is not None)
    for name, made in answers.items():
        if made is not None:
            for fault in _apart(prepared, made, targets[name]):
                yield f"{name}: {fault}"
    for one, other in BITS:
        first, second = answers.get(one), answers.get(other)
        if first is not None and second is not None:
            for name in first:
                found = compare(first[name], second[name]) if first[name].size else None
                if found and not found.same_bits:
                    yield f"{one} and {other}: {found.bits} elements of {name} differ"


def _apart(prepared: Prepared, made: Outputs, target: Target) -> Iterator[str]:
    allowed = prepared.noise if target.reference else prepared.references
    for value in prepared.graph.outputs:
        kind, array = value.type, made[value.name]
        assert isinstance(kind, TensorType)
        wanted = (kind.dtype.numpy, tuple(int(str(dim)) for dim in kind.shape))
        if (array.dtype, array.shape) != wanted:
            yield f"{value.name} is {array.dtype}{list(array.shape)}, {wanted} allowed"
            continue
        found = compare(array, prepared.oracle[value.name])
        verdict = judge(found, allowed[value.name], target.times)
        if not verdict.good:
            yield f"{value.name}: {verdict.reason}"
