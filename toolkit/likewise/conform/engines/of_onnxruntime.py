"""The peer: onnxruntime on this machine's processor, one thread, its own optimizations."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

from likewise.conform.engines import Answer, Engine
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.conform.subject import Feeds, Subject

__all__ = ["ENGINE"]


class _Onnxruntime(Engine):
    name = "onnxruntime"
    is_peer = True
    order: ClassVar[int] = 80

    def missing(self) -> str:
        return "" if find_spec("onnxruntime") else "pip install onnxruntime"

    def version(self) -> str:
        from onnxruntime import __version__

        return f"onnxruntime {__version__}"

    def answer(self, subject: Subject, feeds: Sequence[Feeds], mode: str = "") -> Answer:
        del mode
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        source = subject.onnx if isinstance(subject.onnx, bytes) else str(subject.onnx)
        try:
            session = onnxruntime.InferenceSession(
                source, options, providers=["CPUExecutionProvider"]
            )
            names = [one.name for one in session.get_outputs()]
            made = [session.run(names, {**subject.given, **one}) for one in feeds]
        except Exception as error:  # noqa: BLE001 — its exceptions have no common base
            raise LikewiseError("onnxruntime failed", given=str(error).splitlines()[0]) from None
        return Answer([dict(zip(names, one, strict=True)) for one in made])


ENGINE = _Onnxruntime()
