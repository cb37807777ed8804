"""Where a model comes from: a path (mapped into memory), bytes, or an open binary file."""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, TypeAlias

from likewise.errors import InputError, ModelError
from likewise.onnx.decode import decode
from likewise.onnx.messages import ModelProto

__all__ = ["ModelSource", "Source", "map_file", "open_source", "parse_model", "read_model"]

ModelSource: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]
"""What a model can be read from."""


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of a model, the name for errors, and the folder of its external data if any."""

    data: memoryview
    name: str
    folder: Path | None

    def let_go(self) -> None:
        """Tell the system that pages of a mapped file need not stay in memory.

        Views stay valid: what is read again comes from the file again.
        """
        mapped = self.data.obj
        if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)


def read_model(source: ModelSource) -> tuple[ModelProto, Source]:
    """The model message of a path, of bytes or of a binary file, and where it came from.

    Nothing is checked beyond the form of the file: it decodes and has a graph. Raises `InputError`
    where there is no such file, `ModelError` where it is no ONNX model.
    """
    opened = open_source(source)
    return parse_model(opened), opened


def open_source(source: ModelSource) -> Source:
    """The bytes of `source`; a path is mapped into memory, not read.

    Raises `InputError` for a path that cannot be read and for a file object that is not binary.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        # A copy of what the caller may change, so that the model cannot change under way.
        data = source if isinstance(source, bytes) else bytes(source)
        return Source(memoryview(data), "<bytes>", None)
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return Source(_map(path), str(path), path.parent)
    if not hasattr(source, "read"):
        message = hasattr(source, "SerializeToString")
        raise InputError(
            "a model is read from a path, bytes or a binary file",
            given=type(source).__name__,
            hint="pass its SerializeToString()" if message else None,
        )
    content = source.read()
    if not isinstance(content, bytes):
        raise InputError("the model's file object gives text", allowed="a file opened with 'rb'")
    return Source(memoryview(content), *_origin(source))


def _origin(file: IO[bytes]) -> tuple[str, Path | None]:
    """The name of an open file, and its folder where the name is a path that exists."""
    name = getattr(file, "name", None)
    if isinstance(name, str) and Path(name).exists():
        return name, Path(name).parent
    return "<file>", None


def _map(path: Path) -> memoryview:
    try:
        if path.is_dir():
            inside = sorted(item.name for item in path.glob("*.onnx"))
            hint = f"it holds {', '.join(inside)}" if inside else None
            raise InputError(f"{str(path)!r} is a folder, not a model", hint=hint)
        return map_file(path)
    except FileNotFoundError:
        raise InputError(f"there is no file {str(path)!r}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{str(path)!r} cannot be read: {error}") from None


def map_file(path: Path) -> memoryview:
    """The content of a file, mapped read-only (read where the system cannot map).

    Raises `OSError`.
    """
    with path.open("rb") as file:
        try:
            # An empty file, a pipe or a system without mmap ends in the exception.
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except (OSError, ValueError):
            return memoryview(file.read())


def parse_model(source: Source) -> ModelProto:
    """The model message in the bytes of `source`; see `read_model`."""
    if not len(source.data):
        raise ModelError("the file is empty").at(source.name)
    try:
        model = decode(ModelProto, source.data)
        if model.graph is None:
            raise ModelError(
                "the file holds no graph",
                hint="a tensor (.pb) or another framework's file is no ONNX model",
            ).at("model")
    except ModelError as error:
        guess = looks_like(source.data)
        if guess is None:
            raise error.at(source.name) from None
        raise ModelError(f"this is not an ONNX model but {guess}").at(source.name) from None
    return model


_MAGIC: Final[tuple[tuple[int, bytes, str], ...]] = (
    (
        0,
        b"version https://git-lfs",
        "a Git LFS pointer: the model itself was not fetched (run `git lfs pull`)",
    ),
    (0, b"PK\x03\x04", "a ZIP archive, such as PyTorch and Keras save (export it to ONNX first)"),
    (0, b"\x80\x02", "a Python pickle, such as old PyTorch saves (export it to ONNX first)"),
    (0, b"\x80\x03", "a Python pickle (export the model in it to ONNX first)"),
    (0, b"\x80\x04", "a Python pickle (export the model in it to ONNX first)"),
    (0, b"\x80\x05", "a Python pickle (export the model in it to ONNX first)"),
    (0, b"\x89HDF", "an HDF5 file, such as Keras saves (export it to ONNX first)"),
    (4, b"TFL3", "a TFLite model"),
    (4, b"ORTM", "a model in onnxruntime's own ORT format (use the .onnx that it was made from)"),
    (0, b"GGUF", "a GGUF file"),
    (8, b"{", "a safetensors file: weights without a graph"),
    (0, b"\x93NUMPY", "a NumPy .npy file"),
    (0, b"\x1f\x8b", "a gzip archive (unpack it first)"),
    (0, b"\xfd7zXZ", "an xz archive (unpack it first)"),
    (0, b"7z\xbc\xaf", "a 7-Zip archive (unpack it first)"),
    (257, b"ustar", "a tar archive (unpack it first)"),
    (0, b"\0asm", "a WebAssembly module"),
    (0, b"\x7fELF", "a program (ELF)"),
    (0, b"\x89PNG", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"%PDF", "a PDF document"),
)


def looks_like(data: memoryview) -> str | None:
    """What the first bytes of a file that is not a model say it is; None: no idea."""
    head = bytes(data[:512])
    for offset, magic, meaning in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return meaning
    text = head.lstrip()
    if text[:1] == b"<":
        return "an HTML or XML page: the download gave a page instead of the file"
    if text[:1] in {b"{", b"["}:
        return "JSON text"
    if text and all(byte >= 32 or byte in b"\t\n\r\f" for byte in head) and head.isascii():
        return "plain text"
    return None
