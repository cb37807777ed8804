"""What the engines share that run compiled modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import numpy as np

from likewise.errors import LikewiseError
from likewise.ir import DType
from likewise.targets.ports import check_feeds
from likewise.targets.wasm import Artefact, compile_graph
from likewise.targets.wasm.sections import read_section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.conform.subject import Feeds, Outputs, Subject

__all__ = ["MODES", "Exchange", "compiled", "module_of"]

MODES: Final = ("fast", "strict")

_ARTEFACTS: WeakKeyDictionary[Subject, Artefact] = WeakKeyDictionary()


def compiled(subject: Subject) -> Artefact:
    """The subject's artefact in fast numerics, made once for all engines."""
    found = _ARTEFACTS.get(subject)
    if found is None:
        try:
            found = compile_graph(
                subject.graph,
                name=subject.model.name,
                source_sha256=subject.model.source_sha256,
            )
        except LikewiseError as error:
            raise error.at(subject.model.name) from None
        _ARTEFACTS[subject] = found
    return found


def module_of(artefact: Artefact, mode: str) -> bytes:
    """Its module in fast numerics, or the twin, which is strict."""
    return artefact.data if mode == "fast" else artefact.plain or artefact.data


class Exchange:
    """What goes to an engine outside Python as bytes, and what comes back.

    `plan` says for JavaScript where inputs go and where outputs are: offsets and sizes in the
    module's memory. All inputs of a run stand behind each other in `packed`.
    """

    def __init__(self, artefact: Artefact) -> None:
        self._ports = artefact.signature.inputs
        section = read_section(artefact.data)
        self._inputs = section["inputs"]
        self._outputs = section["outputs"]
        fetched = [[one["offset"], _size(one)] for one in self._outputs]
        fetched += [
            [one["length"]["offset"], 4] for one in self._outputs if one.get("length") is not None
        ]
        self.plan: dict[str, Any] = {
            "inputs": [[one["offset"], _size(one)] for one in self._inputs],
            "outputs": fetched,
        }

    def packed(self, feeds: Sequence[Feeds]) -> bytes:
        """The inputs of every run, checked, as the module's memory has them."""
        parts = []
        for one in feeds:
            arrays = check_feeds(self._ports, one)
            parts += [np.ascontiguousarray(array).tobytes() for array in arrays]
        return b"".join(parts)

    def unpacked(self, answer: bytes, runs: int) -> list[Outputs]:
        """The outputs of every run."""
        stride = sum(size for _, size in self.plan["outputs"])
        return [self._run(answer[at * stride :][:stride]) for at in range(runs)]

    def _run(self, part: bytes) -> Outputs:
        found: Outputs = {}
        at = 0
        for one in self._outputs:
            kind = DType[one["dtype"].upper()].numpy
            size = _size(one)
            found[one["name"]] = np.frombuffer(part[at : at + size], kind).reshape(one["shape"])
            at += size
        for one in self._outputs:
            if (length := one.get("length")) is not None:
                count = int.from_bytes(part[at : at + 4], "little")
                cut = (*[slice(None)] * length["axis"], slice(count))
                found[one["name"]] = found[one["name"]][cut]
                at += 4
        return found


def _size(entry: dict[str, Any]) -> int:
    count = 1
    for size in entry["shape"]:
        count *= size
    return int(count * DType[entry["dtype"].upper()].numpy.itemsize)
