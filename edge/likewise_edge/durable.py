"""Changes to the disk that are whole after a loss of power: every one the agent makes is here."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from typing import TYPE_CHECKING

from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["append", "disk_errors", "make_folder", "publish", "remove", "replace", "write"]


def make_folder(path: Path) -> None:
    """Make the folder and those above it."""
    path.mkdir(parents=True, exist_ok=True)
    _sync_folder(path.parent)


def write(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file that nobody looks at yet; its name is durable once its folder is published."""
    _write(path, "wb", chunks)


def append(path: Path, chunks: Iterable[bytes]) -> None:
    """Add to a file, which need not exist yet; what comes before a failure stays."""
    _write(path, "ab", chunks)


def _write(path: Path, mode: str, chunks: Iterable[bytes]) -> None:
    with path.open(mode) as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def replace(path: Path, content: bytes) -> None:
    """Put `content` in the place of the file: afterwards it is whole, the old one or the new."""
    beside = path.with_name(f".{path.name}.new")
    write(beside, [content])
    beside.replace(path)
    _sync_folder(path.parent)


def publish(source: Path, target: Path) -> None:
    """Give a complete file or folder its final name."""
    if source.is_dir():
        _sync_folder(source)
    source.rename(target)
    _sync_folder(target.parent)


def remove(path: Path) -> None:
    """Remove a file or folder; nothing happens where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def disk_errors(doing: str) -> Iterator[None]:
    """Say in words what the disk refuses: full, read-only, not permitted."""
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        what = "the disk is full" if full else str(error.strerror or error)
        raise LikewiseError(
            f"{doing} failed: {what}",
            given=error.filename,
            hint="free some space and try again" if full else None,
        ) from None


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
