"""Compiled to TFLite, on ai-edge-litert or tflite-runtime."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, ClassVar

from likewise.conform.engines import Answer, Engine
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.conform.subject import Feeds, Subject

__all__ = ["ENGINE"]

INTERPRETERS = ("ai-edge-litert", "tflite-runtime")


class _Litert(Engine):
    name = "litert"
    order: ClassVar[int] = 40

    def missing(self) -> str:
        try:
            import flatbuffers  # noqa: F401 — what writes the file
        except ImportError:
            return "pip install 'likewise[litert]'"
        return "" if _interpreter() else "pip install 'likewise[litert]'"

    def version(self) -> str:
        return _interpreter()

    def answer(self, subject: Subject, feeds: Sequence[Feeds], mode: str = "") -> Answer:
        del mode
        from likewise.targets.litert import compile_graph

        try:
            runner = compile_graph(subject.graph, name=subject.model.name).load()
        except LikewiseError as error:
            raise error.at(subject.model.name) from None
        return Answer([runner.run(one) for one in feeds])


def _interpreter() -> str:
    for name in INTERPRETERS:
        try:
            return f"{name} {version(name)}"
        except PackageNotFoundError:
            continue
    return ""


ENGINE = _Litert()
