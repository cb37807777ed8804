"""The real models compiled: what each costs, and how far it is from the float64 oracle.

`python -m tests.models.compiled [NAME …]` prints a table.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import lru_cache
from time import process_time
from typing import TYPE_CHECKING, Protocol

import numpy as np

from likewise.compiler import compile as compile_model
from likewise.conform.compare import Difference, Verdict, compare, judge
from likewise.conform.inputs import draw_feeds
from likewise.errors import LikewiseError
from likewise.passes import simplify
from likewise.passes.specialize import specialize
from likewise.passes.widen import widen, widened_array
from likewise.targets.numpy.plan import Plan
from likewise.targets.wasm import Numerics, Runner, load
from tests.models.feeds import VOCABULARIES, file_contents, pages, strips, windows
from tests.models.peers import model
from tools.models import ARCHITECTURES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from likewise.ir import Array, Graph
    from likewise.targets.wasm import Artefact

__all__ = ["SUBJECTS", "Answers", "Subject", "artefact", "errors", "run"]

CALLS = 25
"""Windows of sound, from silence into speech; the state goes from each call to the next."""

Answers = dict[str, np.ndarray]


class _Engine(Protocol):
    def __call__(self, feeds: Mapping[str, Array], /) -> Answers: ...


@dataclass(frozen=True)
class Subject:
    """A model as it is compiled, and the calls that it is run on.

    `carried` says which output of one call is which input of the next.
    """

    name: str
    calls: Callable[[], list[dict[str, Array]]]
    constants: dict[str, Array] = field(default_factory=dict)
    carried: dict[str, str] = field(default_factory=dict)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each input."""
        return {name: one.shape for name, one in self.calls()[0].items()}


def _architecture(name: str) -> Callable[[], list[dict[str, Array]]]:
    def calls() -> list[dict[str, Array]]:
        (port,) = model(name).inputs
        if name not in VOCABULARIES:
            return [draw_feeds([port], {}, {}, seed=5)]
        shape = tuple(int(str(dim)) for dim in port.shape or ())
        return [{port.name: np.random.default_rng(5).integers(0, VOCABULARIES[name], shape)}]

    return calls


def _silero(rate: int) -> Callable[[], list[dict[str, Array]]]:
    def calls() -> list[dict[str, Array]]:
        state = np.zeros((2, 1, 128), np.float32)
        return [{"input": window, "state": state} for window in windows(CALLS, 1, rate)]

    return calls


def _silero_sequence() -> list[dict[str, Array]]:
    state = np.zeros((1, 1, 128), np.float32)
    return [{"input": windows(CALLS, 1, 16000)[:, 0], "h": state, "c": state}]


_STATE = {"stateN": "state"}
SUBJECTS = {
    one.name: one
    for one in (
        *(Subject(name, _architecture(name)) for name in ARCHITECTURES),
        Subject("ppocr_det", lambda: [{"x": pages(1, 320, 320)}]),
        Subject("ppocr_rec", lambda: [{"x": strips(1, 48, 320)}]),
        Subject("ppocr_cls", lambda: [{"x": strips(1, 48, 192)}]),
        Subject("magika", lambda: [{"bytes": file_contents(1)}]),
        *(
            Subject(name, _silero(16000), {"sr": np.array(16000)}, _STATE)
            for name in ("silero_vad", "silero_vad_op18_ifless", "silero_vad_16k_op15")
        ),
        *(
            Subject(name, _silero(16000), {}, _STATE)
            for name in ("silero_vad_half", "silero_vad_openvino_16k")
        ),
        Subject("silero_vad_16k_sequence", _silero_sequence),
    )
}


@lru_cache(maxsize=2)  # the artefacts of all models together are large
def artefact(name: str) -> tuple[Artefact, float]:
    """The model in fast numerics with its strict twin, and the seconds of CPU that it took."""
    subject, loaded = SUBJECTS[name], model(name)
    shapes = subject.shapes()
    start = process_time()
    made = compile_model(loaded, shapes=shapes, constants=subject.constants)
    return made, process_time() - start


def run(
    subject: Subject, engine: _Engine, convert: Callable[[Array], Array] = np.asarray
) -> Answers:
    """The outputs of all calls together; an engine goes on from its own state."""
    made: list[Answers] = []
    for feeds in subject.calls():
        given = {name: convert(one) for name, one in feeds.items()}
        if made:
            given |= {to: made[-1][output] for output, to in subject.carried.items()}
        made.append(dict(engine(given)))
    return {name: np.stack([one[name] for one in made]) for name in made[0]}


@lru_cache(maxsize=2)  # the artefacts of all models together are large
def references(name: str) -> tuple[Answers, Answers]:
    """What NumPy gives in float32, and the oracle in float64."""
    subject = SUBJECTS[name]
    graph = simplify(specialize(model(name).graph, subject.shapes(), subject.constants))
    return run(subject, _planned(graph)), run(subject, _planned(widen(graph)), widened_array)


def _planned(graph: Graph) -> _Engine:
    plan = Plan(graph)

    def engine(feeds: Mapping[str, Array]) -> Answers:
        made = plan.run([feeds[value.name] for value in graph.inputs])
        return {value.name: one for value, one in zip(graph.outputs, made, strict=True)}

    return engine


def runner(name: str, numerics: Numerics) -> Runner:
    """The model ready to run on wasmtime."""
    made, _ = artefact(name)
    module = made.plain if numerics == "strict" else made.data
    assert module is not None
    return load(module, name)


def errors(name: str, numerics: Numerics) -> dict[str, tuple[Difference, Difference, Verdict]]:
    """By output: how far compiled code and NumPy in float32 are from the oracle, and a verdict."""
    made = run(SUBJECTS[name], runner(name, numerics).run)
    reference, oracle = references(name)
    assert list(made) == list(oracle)
    found = {}
    for output, expected in oracle.items():
        assert made[output].dtype == reference[output].dtype
        ours, theirs = (compare(one[output], expected) for one in (made, reference))
        found[output] = ours, theirs, judge(ours, theirs)
    return found


def _row(name: str) -> list[str]:
    try:
        made, seconds = artefact(name)
    except LikewiseError as error:
        return [name, str(error).splitlines()[-1].strip()]
    cells = [
        name,
        f"{seconds:.1f}",
        f"{made.code_bytes / 1000:.0f}",
        f"{made.weight_bytes / 2**20:.1f}",
        f"{made.scratch_bytes / 2**20:.1f}",
        f"{made.memory_bytes / 2**20:.1f}",
    ]
    numpy = ""
    modes: tuple[Numerics, Numerics] = ("strict", "fast")
    for mode in modes:
        try:
            found = errors(name, mode).values()
        except LikewiseError as error:
            return [*cells, str(error).splitlines()[0]]
        ours, theirs, verdict = max(found, key=lambda one: one[2].times)
        numpy = f"{theirs.relative:.1e}"
        cells.append(f"{ours.relative:.1e} ({verdict.times:.2f})")
    return [*cells, numpy]


def main(names: list[str]) -> None:
    """Print the table, line by line."""
    columns = ["model", "compile, s CPU", "code, kB", "weights, MiB", "scratch, MiB", "memory, MiB"]
    columns += ["error strict (of NumPy's)", "error fast (of NumPy's)", "error of NumPy float32"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for name in names or SUBJECTS:
        print(f"| {' | '.join(_row(name))} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
