"""Tensor data in files beside the model: found, checked and mapped into memory.

A location must lie inside the model's folder, whatever it says and whatever links it passes.
A mapped file must keep its length while arrays on it live.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from likewise.errors import ModelError
from likewise.onnx.source import map_file

if TYPE_CHECKING:
    from likewise.onnx.messages import TensorProto

__all__ = ["ExternalData"]

_DRIVE: Final = re.compile(r"[A-Za-z]:")
_NUMBER: Final = re.compile(r"[0-9]{1,19}")


class ExternalData:
    """The data files in one folder, each mapped into memory once.

    `folder` of None: the model came without a folder, so any external data is an error.
    """

    def __init__(self, folder: str | os.PathLike[str] | None) -> None:
        self.folder = None if folder is None else Path(folder)
        self._files: dict[Path, memoryview] = {}

    def read(self, tensor: TensorProto) -> memoryview:
        """The bytes that `tensor.external_data` points to, as a view of the mapped file.

        Raises `ModelError` for a location that is missing or leaves the folder, and for an offset
        or length that goes beyond the file.
        """
        entries = {entry.key: entry.value for entry in tensor.external_data}
        location = entries.get("location", "")
        data = self._open(location)
        try:
            return _span(data, entries)
        except ModelError as error:
            raise error.at(f"external data {location!r}") from None

    def _open(self, location: str) -> memoryview:
        try:
            path = self._resolve(location)
            if path not in self._files:
                if not stat.S_ISREG(path.stat().st_mode):
                    raise _refused(location, "it is not a regular file")
                self._files[path] = map_file(path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ModelError(
                f"the external data {location!r} cannot be read: {reason}",
                hint=f"put it beside the model, into {self.folder}",
            ) from None
        return self._files[path]

    def _resolve(self, location: str) -> Path:
        """The real path of a location; raises `ModelError` where it is not inside the folder."""
        if not location:
            raise ModelError("external data without a location")
        if self.folder is None:
            raise ModelError(
                f"the data lies in the file {location!r}, but the model was given without a folder",
                hint="load the model from its path",
            )
        if "\0" in location or _is_absolute(location) or ".." in re.split(r"[/\\]", location):
            raise _refused(location, "it must be a relative path without '..'")
        folder = Path(os.path.realpath(self.folder))
        path = Path(os.path.realpath(folder / location))
        if not path.is_relative_to(folder):
            raise _refused(location, "a link leads out of the model's folder (copy the file there)")
        return path


def _is_absolute(location: str) -> bool:
    return location[0] in "/\\" or _DRIVE.match(location) is not None


def _refused(location: str, reason: str) -> ModelError:
    return ModelError(f"the external data {location!r} is refused: {reason}")


def _span(data: memoryview, entries: dict[str, str]) -> memoryview:
    offset = _number(entries, "offset", 0)
    if offset > len(data):
        raise ModelError(f"offset {offset} lies beyond the file ({len(data)} bytes)")
    length = _number(entries, "length", len(data) - offset)
    if offset + length > len(data):
        raise ModelError(
            f"{length} bytes from offset {offset} go beyond the file ({len(data)} bytes)"
        )
    return data[offset : offset + length]


def _number(entries: dict[str, str], key: str, default: int) -> int:
    text = entries.get(key)
    if text is None:
        return default
    if _NUMBER.fullmatch(text) is None:
        raise ModelError(f"{key} is no number of bytes", given=repr(text), allowed="0, 1, 2, …")
    return int(text)
