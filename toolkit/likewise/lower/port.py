"""The signature of a compiled model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from likewise.ir import DType

__all__ = ["Port"]


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of the model, and the name of its buffer in the program."""

    name: str
    dtype: DType
    shape: tuple[int, ...]
    buffer: str
