"""Weights in a file of their own: one range of a module's memory, which the host fills once."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeAlias

import numpy as np

from likewise.errors import InputError, ModelError
from likewise.targets.wasm.encoder import Data

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from likewise.loop.nodes import Program
    from likewise.lower.plan import MemoryPlan
    from likewise.targets.wasm.instance import Instance
    from likewise.targets.wasm.page import PageInstance

__all__ = ["PART", "Placement", "StoredWeights", "WeightsSource", "constants_of", "weights_of"]

Placement = Literal["inside", "separate"]
"""Weights stand in the module, or in a file beside it."""

WeightsSource: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview"
"""What weights can be read from: a path, or the bytes themselves."""

NAME: Final = "model.weights"
PART: Final = 4 << 20
"""Bytes that are read at once and have a hash of their own: parts can be hashed as they come."""
_SEPARATORS: Final = frozenset("/\\:")


@dataclass(frozen=True, slots=True)
class StoredWeights:
    """A file's name, without a folder, its size in bytes, the SHA-256 of every `PART` of it, and
    where in the memory of the module its bytes belong. A module says it in its section, as
    `weights`.
    """

    name: str
    offset: int
    size: int
    sha256: tuple[str, ...]

    @classmethod
    def read(cls, entry: Any) -> Self:
        """From what the section says; raises `ModelError` where that cannot be."""
        found = entry if isinstance(entry, dict) else {}
        kinds = {"name": str, "offset": int, "bytes": int, "sha256": list}
        right = all(isinstance(found.get(field), kind) for field, kind in kinds.items())
        right = right and len(found["sha256"]) == -(-found["bytes"] // PART)
        if not right or not _SEPARATORS.isdisjoint(found["name"]) or found["offset"] < 0:
            raise ModelError("the section `likewise` says nonsense of the weights", given=entry)
        return cls(found["name"], found["offset"], found["bytes"], tuple(found["sha256"]))

    def entry(self) -> dict[str, Any]:
        """What the section says."""
        # The size comes first: a download that has just begun can tell how long it will be.
        return {
            "bytes": self.size,
            "name": self.name,
            "offset": self.offset,
            "sha256": list(self.sha256),
        }

    def fill(self, instance: Instance | PageInstance, source: WeightsSource) -> None:
        """Read `source` into its place in the memory of a module's instance.

        Raises `InputError` where it cannot be read, `ModelError` where these are other bytes.
        """
        if self.size < 0 or self.offset + self.size > instance.size:
            raise ModelError(
                "the weights lie outside the module's memory",
                given=f"{self.size} bytes at {self.offset}",
                allowed=f"{instance.size} bytes in all",
            )
        end = 0
        hashes: list[str] = []
        for part in _parts(source):
            if end + len(part) > self.size:
                raise self._wrong(f"more than {self.size} bytes", f"{self.size} bytes")
            instance.write(self.offset + end, np.frombuffer(part, np.uint8))
            hashes.append(sha256(part).hexdigest())
            end += len(part)
        if end < self.size:
            raise self._wrong(f"{end} bytes", f"{self.size} bytes")
        for at, (given, allowed) in enumerate(zip(hashes, self.sha256, strict=True)):
            if given != allowed:
                raise self._wrong(f"SHA-256 {given} from byte {at * PART} on", allowed)

    def _wrong(self, given: str, allowed: str) -> ModelError:
        return ModelError(
            f"these are not the module's weights, {self.name!r}",
            given=given,
            allowed=allowed,
            hint="take both from one `likewise compile`",
        )


def constants_of(program: Program, plan: MemoryPlan) -> Data | None:
    """The constants of a program, laid out as in memory, as one segment; None where there are none.

    It is the last thing in a module that has them inside: a host may read it past the engine.
    """
    constants = [one for one in program.buffers if one.data is not None and one.size]
    if not constants:
        return None
    constants.sort(key=plan.addresses.__getitem__)
    start = end = plan.addresses[constants[0]]
    pieces: list[bytes | memoryview] = []
    for one in constants:
        raw = np.ascontiguousarray(one.data).reshape(-1).view(np.uint8)
        pieces += [bytes(plan.addresses[one] - end), raw.data]
        end = plan.addresses[one] + one.bytes
    return Data(start, tuple(pieces))


def weights_of(program: Program, plan: MemoryPlan) -> tuple[StoredWeights, bytes] | None:
    """The constants of a program as one file; None where there are none."""
    constants = constants_of(program, plan)
    if constants is None:
        return None
    data = b"".join(constants.pieces)
    hashes = tuple(sha256(one).hexdigest() for one in _parts(data))
    return StoredWeights(NAME, constants.offset, len(data), hashes), data


def _parts(source: WeightsSource) -> Iterator[bytes | memoryview]:
    """The bytes, `PART` at a time."""
    if isinstance(source, bytes | bytearray | memoryview):
        whole = memoryview(source).cast("B")
        yield from (whole[at : at + PART] for at in range(0, len(whole), PART))
        return
    path = Path(source)
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(
            f"the module's weights cannot be read from {str(path)!r}: {error.strerror}",
            hint="put the file that `likewise compile` wrote there, or pass `weights`",
        ) from None
    with file:
        while part := file.read(PART):
            yield part
