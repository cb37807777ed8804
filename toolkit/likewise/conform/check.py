"""One model on every target at hand, each held against the float64 oracle: `likewise conform`."""

from __future__ import annotations

import platform
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

import likewise
from likewise.conform.compare import Difference, Verdict, compare, judge
from likewise.conform.layers import Layer, errors_by_layer
from likewise.errors import InputError, LikewiseError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from likewise.conform.engines import Answer, Engine
    from likewise.conform.subject import Feeds, Outputs, Subject

__all__ = ["TIMES", "Answered", "Bits", "Finding", "Report", "conform"]

TIMES: Final = 4.0
"""How many times as far from the oracle as the reference a target may be: docs/numerics.md."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One output of one run. `difference` is from the oracle; None for what are no numbers."""

    output: str
    run: int
    difference: Difference | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Answered:
    """What a target gave, in one of its modes. `error` says why it gave nothing."""

    engine: str
    mode: str
    version: str
    is_peer: bool
    seconds: float
    findings: tuple[Finding, ...] = ()
    note: str = ""
    error: str = ""

    @property
    def label(self) -> str:
        """What reports call it."""
        return f"{self.engine} {self.mode}".strip()

    @property
    def good(self) -> bool:
        """Whether it answered, and every answer is as near to the oracle as it has to be."""
        return not self.error and all(one.verdict.good for one in self.findings)

    @property
    def worst(self) -> Finding | None:
        """The finding that is furthest from what is allowed."""
        return max(
            self.findings,
            key=lambda one: (not one.verdict.good, one.verdict.times),
            default=None,
        )


@dataclass(frozen=True, slots=True)
class Bits:
    """Targets that promise the same bits; `apart` has what differs, in words."""

    mode: str
    members: tuple[str, ...]
    apart: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """All that was found. `absent` says of each target that is not here what to install."""

    model: str
    source_sha256: str
    inputs: Mapping[str, str]
    origin: str
    runs: int
    times: float
    reference: tuple[Finding, ...]
    answers: tuple[Answered, ...]
    bits: tuple[Bits, ...]
    absent: Mapping[str, str]
    layers: tuple[Layer, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether every target of ours keeps the contract; peers are not bound by it."""
        ours = [one for one in self.answers if not one.is_peer]
        return all(one.good for one in ours) and not any(one.apart for one in self.bits)


def conform(
    subject: Subject,
    feeds: Sequence[Feeds],
    engines: Sequence[Engine],
    *,
    origin: str = "",
    times: float = TIMES,
    layers: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> Report:
    """Run the subject on each of the feeds on every engine that is here.

    `origin` says where the feeds come from. A target's error may be `times` as large as rounding
    leads: the error of the same graph in NumPy, or of its noisy runs if that is larger. With
    `layers` the error of that many values inside the model is found too, each engine's with these
    values as outputs. `progress` is told what is begun.

    Raises `InputError` where no engine is here or the feeds do not fit.
    """
    absent = {one.name: what for one in engines if (what := one.missing())}
    here = [one for one in engines if one.name not in absent]
    if not here:
        hints = "; ".join(f"{name}: {what}" for name, what in absent.items())
        raise InputError("none of the targets is here", given=", ".join(absent), hint=hints)
    progress("the oracle in float64")
    truths = [subject.oracle(one) for one in feeds]
    references = [subject.reference(one) for one in feeds]
    limits = [subject.limits(*both) for both in zip(feeds, truths, strict=True)]
    expected = list(zip(truths, references, limits, strict=True))
    own = tuple(_findings(references, expected, times))
    answers, made = [], {}
    for engine in here:
        for mode in engine.modes:
            progress(f"{engine.name} {mode}".strip())
            start = time.perf_counter()
            try:
                answer = engine.answer(subject, feeds, mode)
                found = tuple(_findings(answer.outputs, expected, times))
            except LikewiseError as error:
                answers.append(_answered(engine, mode, start, error=str(error)))
                continue
            answers.append(_answered(engine, mode, start, findings=found, note=answer.note))
            made[answers[-1].label] = mode, answer
    found_layers: tuple[Layer, ...] = ()
    if layers:
        found_layers = tuple(errors_by_layer(subject, feeds[0], here, layers, progress))
    return Report(
        model=subject.model.name,
        source_sha256=subject.model.source_sha256,
        inputs={value.name: str(value.type) for value in subject.graph.inputs},
        origin=origin,
        runs=len(feeds),
        times=times,
        reference=own,
        answers=tuple(answers),
        bits=tuple(_bits(made)),
        absent=absent,
        layers=found_layers,
        environment=_environment(here),
    )


def _answered(engine: Engine, mode: str, start: float, **found: Any) -> Answered:
    seconds = time.perf_counter() - start
    return Answered(engine.name, mode, engine.version(), engine.is_peer, seconds, **found)


Expected: TypeAlias = "tuple[Outputs, Outputs, dict[str, Difference]]"
"""Of a run: the oracle's outputs, the reference's, and how far from the oracle rounding leads."""


def _findings(made: Sequence[Outputs], runs: Sequence[Expected], times: float) -> list[Finding]:
    found = []
    for run, (outputs, expected) in enumerate(zip(made, runs, strict=True)):
        for name in expected[0]:
            if name not in outputs:
                raise LikewiseError(f"output {name!r} is missing", given=list(outputs))
            found.append(Finding(name, run, *_judged(outputs[name], name, expected, times)))
    return found


def _judged(
    made: Any, name: str, expected: Expected, times: float
) -> tuple[Difference | None, Verdict]:
    """How far an output is from the oracle, and whether that is allowed."""
    truth, reference, limits = expected[0][name], expected[1][name], expected[2].get(name)
    numbers = isinstance(truth, np.ndarray) and truth.dtype != object
    if not numbers or not isinstance(made, np.ndarray):
        reason = "" if _equal(made, reference) else "it is not what NumPy gives"
        return None, Verdict(float(bool(reason)), 0.0, 0.0, reason)
    if made.shape != truth.shape or made.dtype != reference.dtype:
        given = f"{made.dtype}{list(made.shape)}"
        reason = f"it is {given}, {reference.dtype}{list(reference.shape)} allowed"
        return None, Verdict(float("inf"), 0.0, float("inf"), reason)
    if limits is None:  # it is empty
        return None, Verdict(0.0, 0.0, 0.0)
    difference = compare(made, truth)
    return difference, judge(difference, limits, times)


def _equal(made: Any, expected: Any) -> bool:
    """Whether text, sequences, maps and optionals are the same."""
    if isinstance(expected, np.ndarray):
        return isinstance(made, np.ndarray) and np.array_equal(made, expected)
    if isinstance(expected, list):
        return (
            isinstance(made, list)
            and len(made) == len(expected)
            and all(map(_equal, made, expected))
        )
    return bool(made == expected)


def _bits(made: Mapping[str, tuple[str, Answer]]) -> list[Bits]:
    """What engines of the same numerics promise each other, and whether they keep it."""
    groups: dict[str, dict[str, list[Outputs]]] = defaultdict(dict)
    for label, (mode, answer) in made.items():
        if mode:
            group = "strict" if answer.note else mode  # with a note its plain twin ran
            groups[group][label] = answer.outputs
    found = []
    for mode, members in groups.items():
        (first, outputs), *others = members.items()
        apart = [
            f"{first} and {label}: {count} elements of {name!r}"
            for label, theirs in others
            for name, count in _apart(outputs, theirs).items()
        ]
        if others:
            found.append(Bits(mode, tuple(members), tuple(apart)))
    return found


def _apart(one: Sequence[Outputs], other: Sequence[Outputs]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for mine, theirs in zip(one, other, strict=True):
        for name, array in mine.items():
            if array.size:
                counts[name] += compare(theirs[name], array).bits
    return {name: count for name, count in counts.items() if count}


def _environment(engines: Sequence[Engine]) -> dict[str, str]:
    return {
        "likewise": likewise.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        **{one.name: one.version() for one in engines},
    }
