"""The NumPy core, as a user runs it: the file as it was loaded."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from likewise.conform.engines import Answer, Engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.conform.subject import Feeds, Subject

__all__ = ["ENGINE"]


class _Numpy(Engine):
    name = "numpy"
    order: ClassVar[int] = 0

    def missing(self) -> str:
        return ""

    def version(self) -> str:
        return f"NumPy {np.__version__}, Python {platform.python_version()}"

    def answer(self, subject: Subject, feeds: Sequence[Feeds], mode: str = "") -> Answer:
        del mode
        return Answer([subject.model.run({**subject.given, **one}) for one in feeds])


ENGINE = _Numpy()
