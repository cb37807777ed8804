"""What a bundle says of itself, and the check of everything that it says."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from likewise.errors import ModelError, UnsupportedError
from likewise.ir import DType, TensorType, symbol
from likewise.targets.ports import Port

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["FORMAT", "Manifest", "Part", "valid_name"]

FORMAT: Final = "likewise-bundle/1"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def valid_name(name: object) -> bool:
    """Whether `name` may call a model or a part: it is a file's name and stands in a URL."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the bundle; `engine` is what runs it, '' for one that none runs."""

    name: str
    engine: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`version` counts up; `source_sha256` is that of the `.onnx` file it was all made from."""

    name: str
    version: int
    source_sha256: str
    made_by: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    parts: tuple[Part, ...]

    def to_bytes(self) -> bytes:
        """The JSON that is signed."""
        content = {
            "format": FORMAT,
            "name": self.name,
            "version": self.version,
            "source_sha256": self.source_sha256,
            "made_by": self.made_by,
            "inputs": [_described(port) for port in self.inputs],
            "outputs": [_described(port) for port in self.outputs],
            "parts": [
                {"name": one.name, "engine": one.engine, "bytes": one.size, "sha256": one.sha256}
                for one in self.parts
            ],
        }
        return json.dumps(content, indent=1).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Raises `ModelError` for anything that `to_bytes` would not write."""
        try:
            found = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ModelError("the manifest is no JSON", given=error) from None
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            given = found.get("format") if isinstance(found, dict) else type(found).__name__
            raise ModelError("the manifest is of another format", given=given, allowed=FORMAT)
        made = cls(
            name=_checked(found, "name", valid_name, "letters, digits, '.', '_' and '-'"),
            version=_checked(found, "version", _is_count, "a whole number from 0"),
            source_sha256=_checked(found, "source_sha256", _is_text, "text"),
            made_by=_checked(found, "made_by", _is_text, "text"),
            inputs=_ports(found, "inputs"),
            outputs=_ports(found, "outputs"),
            parts=tuple(map(_part, _checked(found, "parts", _is_list, "a list"))),
        )
        names = [part.name.lower() for part in made.parts]
        if len(set(names)) < len(names):
            raise ModelError("the manifest names a part twice", given=names)
        return made

    def part_of(self, engine: str) -> Part | None:
        """The part that `engine` runs."""
        return next((part for part in self.parts if part.engine == engine), None)


def _described(port: Port) -> dict[str, Any]:
    """A port as JSON, open dims as null."""
    if port.shape is None or port.dtype is None:
        raise UnsupportedError(
            f"{port.name!r} cannot be served", given=port.type, allowed="a tensor of known rank"
        )
    shape = [dim if isinstance(dim, int) else None for dim in port.shape]
    return {"name": port.name, "dtype": str(port.dtype), "shape": shape}


def _ports(found: Mapping[str, Any], field: str) -> tuple[Port, ...]:
    return tuple(map(_port, _checked(found, field, _is_list, "a list")))


def _port(entry: Any) -> Port:
    if not isinstance(entry, dict):
        raise ModelError("the manifest has an input or output that is none", given=entry)
    name = _checked(entry, "name", _is_text, "text")
    kinds = {str(kind): kind for kind in DType}
    kind = _checked(entry, "dtype", lambda it: _is_text(it) and it in kinds, "an element type")
    shape = _checked(entry, "shape", _is_shape, "a list of sizes and nulls")
    dims = tuple(symbol(f"{name}_{axis}") if dim is None else dim for axis, dim in enumerate(shape))
    return Port(name, TensorType(kinds[kind], dims))


def _part(entry: Any) -> Part:
    if not isinstance(entry, dict):
        raise ModelError("the manifest has a part that is none", given=entry)
    return Part(
        _checked(entry, "name", valid_name, "letters, digits, '.', '_' and '-'"),
        _checked(entry, "engine", _is_text, "text"),
        _checked(entry, "bytes", _is_count, "a whole number from 0"),
        _checked(entry, "sha256", _is_sha256, "64 hexadecimal digits"),
    )


def _checked(found: Mapping[str, Any], field: str, right: Any, allowed: str) -> Any:
    value = found.get(field)
    if not right(value):
        raise ModelError(f"the manifest has a wrong {field!r}", given=repr(value), allowed=allowed)
    return value


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_sha256(value: object) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def _is_shape(value: Sequence[object]) -> bool:
    return _is_list(value) and len(value) <= 64 and all(x is None or _is_count(x) for x in value)
