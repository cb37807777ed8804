"""Sequences and optionals, of which compiled code knows nothing: they are settled while lowering.

A sequence is a Python list of views, an empty optional is None, any other value is its view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from likewise.errors import UnsupportedError
from likewise.lower.view import TensorView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Held", "content", "each", "open_ended", "tensors"]

Held: TypeAlias = TensorView | list[TensorView] | None


def each(change: Callable[[TensorView], TensorView], value: Held) -> Any:
    """The value with every view in it changed."""
    if value is None:
        return None
    return [change(one) for one in value] if isinstance(value, list) else change(value)


def content(value: Held) -> Any:
    """What is known of a value now: None unless that is all of it."""
    if isinstance(value, list):
        known = [one.data for one in value]
        return None if any(data is None for data in known) else known
    return None if value is None else value.data


def open_ended(value: Held) -> bool:
    """Whether only a run can tell the size of a tensor in the value."""
    views = value if isinstance(value, list) else [value]
    return any(one is not None and one.extent is not None for one in views)


def tensors(values: Iterable[Held], what: str) -> list[TensorView]:
    """The values, none of which may be a sequence, an optional, or of a size that data tell.

    `what` says why not.
    """
    views = list(values)
    if any(map(open_ended, views)):
        raise UnsupportedError(f"{what} a tensor whose size depends on data")
    if not all(isinstance(one, TensorView) for one in views):
        raise UnsupportedError(f"{what} a sequence or optional, and compiled code has tensors only")
    return views  # type: ignore[return-value]  # just looked at
