"""What an engine made of a case: one word, and the reason where it is not `pass`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.conformance.onnx_cases import assert_similar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.conformance.onnx_cases import OnnxCase

__all__ = ["KINDS_OF_FAILURE", "Outcome", "held"]

KINDS_OF_FAILURE = ("refused", "wrong", "crash", "hang")
"""`refused`: an error said so; `wrong`: an output that the case does not allow; `crash`: the
engine took its process with it; `hang`: no answer within the limit."""
LIMIT = 160
"""Characters of a reason."""


@dataclass(frozen=True)
class Outcome:
    """`kind` is `pass` or one of KINDS_OF_FAILURE."""

    kind: str
    reason: str = ""

    @classmethod
    def failed(cls, kind: str, error: BaseException | str) -> Outcome:
        """With the first words of an error."""
        return cls(kind, " ".join(str(error).split())[:LIMIT])


def held(case: OnnxCase, run: Callable[[Sequence[Any]], list[Any]]) -> Outcome:
    """Run every data set of a case and hold the outputs against its own."""
    for inputs, expected in case.data_sets():
        try:
            made = run(inputs)
        except Exception as error:  # noqa: BLE001 — whatever it raises, it does not run the case
            return Outcome.failed("refused", error)
        try:
            for one, other in zip(made, expected, strict=True):
                assert_similar(one, other, case.rtol, case.atol)
        except (AssertionError, TypeError, ValueError) as error:
            return Outcome.failed("wrong", error)
    return Outcome("pass")
