"""What is known of one model on this device, as the file that says it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Self

from likewise.errors import LikewiseError

__all__ = ["Chosen", "Probation", "Result", "State"]

REJECTED_LIMIT: Final = 32
"""How many rejected bundles a model's state remembers, the newest ones."""


@dataclass(frozen=True, slots=True)
class Result:
    """How an engine did in the self-test.

    `problem` is '' where it passed; `milliseconds` is the median of a run, `error` the largest
    one relative to the scale of an output.
    """

    engine: str
    problem: str = ""
    milliseconds: float = 0.0
    error: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether it may serve."""
        return not self.problem


@dataclass(frozen=True, slots=True)
class Chosen:
    """An installed bundle, the engine that serves it, and the self-test that chose the engine.

    `tested_with` names the versions of all that the test depends on.
    """

    bundle: str
    version: int
    engine: str
    results: tuple[Result, ...]
    tested_with: str


@dataclass(frozen=True, slots=True)
class Probation:
    """Of a new bundle: `running` is the boot in which a process serves it, '' when none does.

    A process that ends in order says so; `crashes` counts those that did not.
    """

    running: str = ""
    crashes: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """`current` serves; `previous` is what a rollback goes to; `rejected` are reasons by bundle."""

    current: Chosen | None = None
    previous: Chosen | None = None
    probation: Probation | None = None
    rejected: dict[str, str] = field(default_factory=dict)

    def switched(self, chosen: Chosen) -> Self:
        """With another bundle to serve, on probation."""
        kept = {k: v for k, v in self.rejected.items() if k != chosen.bundle}
        return replace(
            self, current=chosen, previous=self.current, probation=Probation(), rejected=kept
        )

    def rolled_back(self, reason: str) -> Self:
        """With the bundle before, which need not prove itself again; the current is rejected."""
        if self.current is None:
            return self
        back = replace(self, current=self.previous, previous=None, probation=None)
        return back.rejecting(self.current.bundle, reason)

    def rejecting(self, bundle: str, reason: str) -> Self:
        """With that bundle among those which are not taken again by themselves."""
        entries = [(k, v) for k, v in self.rejected.items() if k != bundle]
        return replace(self, rejected=dict([*entries, (bundle, reason)][-REJECTED_LIMIT:]))

    def to_bytes(self) -> bytes:
        """As JSON."""
        return json.dumps(asdict(self), indent=1).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Raises `LikewiseError` where these bytes say no state."""
        try:
            found = json.loads(content)
            probation = found["probation"]
            return cls(
                _chosen(found["current"]),
                _chosen(found["previous"]),
                Probation(**probation) if probation is not None else None,
                dict(found["rejected"]),
            )
        except (ValueError, TypeError, KeyError) as error:
            raise LikewiseError("the state is damaged", given=error) from None


def _chosen(found: dict[str, Any] | None) -> Chosen | None:
    if found is None:
        return None
    results = tuple(Result(**result) for result in found["results"])
    return Chosen(**{**found, "results": results})
