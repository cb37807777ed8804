"""A server of a folder, for pages that tests open."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from likewise.conform.engines import outside
from likewise.conform.engines.outside import ISOLATED, Handler

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

__all__ = ["served"]


class _Isolated(Handler):
    added: ClassVar[dict[str, str]] = {**Handler.added, **ISOLATED}


def served(folder: Path, *, isolated: bool = False) -> AbstractContextManager[str]:
    """The address of a server of that folder; an `isolated` page can have threads."""
    return outside.served(folder, _Isolated if isolated else Handler)
