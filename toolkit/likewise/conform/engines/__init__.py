"""What a model can be run on to be compared: one engine a module of this package.

A module called `of_….py` says in ENGINE what its engine is; there is no other list.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, ClassVar

from likewise.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.conform.subject import Feeds, Outputs, Subject

__all__ = ["Answer", "Engine", "engines", "find"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine answered to each of the feeds. `note` is what it did not do as asked."""

    outputs: list[Outputs]
    note: str = ""


class Engine(ABC):
    """Something that runs models. It keeps nothing from one answer to the next."""

    name: ClassVar[str]
    """What it is called in options and reports."""
    modes: ClassVar[tuple[str, ...]] = ("",)
    """The ways in which it computes, the usual one first: the numerics of compiled code."""
    is_peer: ClassVar[bool] = False
    """Whether it is another project's: its errors are shown, but no contract binds them."""
    order: ClassVar[int] = 50
    """Where it stands in a report."""

    @abstractmethod
    def missing(self) -> str:
        """What to install before it can run here; empty where it can."""

    @abstractmethod
    def version(self) -> str:
        """The program that runs and its version."""

    @abstractmethod
    def answer(self, subject: Subject, feeds: Sequence[Feeds], mode: str = "") -> Answer:
        """The outputs by name for each of the feeds; raises `LikewiseError` where it cannot."""


@cache
def engines() -> dict[str, Engine]:
    """All engines by name, in the order of reports."""
    found: list[Engine] = [
        import_module(f"{__name__}.{module.name}").ENGINE
        for module in iter_modules(__path__)
        if module.name.startswith("of_")
    ]
    return {one.name: one for one in sorted(found, key=lambda one: (one.order, one.name))}


def find(names: Sequence[str]) -> list[Engine]:
    """The engines of these names; raises `InputError` for a name that none has."""
    known = engines()
    for name in names:
        if name not in known:
            raise InputError(f"there is no target {name!r}", allowed=", ".join(known))
    return [known[name] for name in dict.fromkeys(names)]
