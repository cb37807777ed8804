"""The signature of a compiled model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from likewise.ir import symbol

if TYPE_CHECKING:
    from likewise.ir import Dim, DType

__all__ = ["Length", "Port"]


@dataclass(frozen=True, slots=True)
class Length:
    """The name of a buffer of one int32 that is, after a run, the real size of an axis."""

    buffer: str
    axis: int


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of the model, and the name of its buffer in the program.

    Where an output's size depends on data it has a `length`, and `shape` is the largest possible.
    """

    name: str
    dtype: DType
    shape: tuple[int, ...]
    buffer: str
    length: Length | None = None

    @property
    def dims(self) -> tuple[Dim, ...]:
        """The shape, with a symbol for a size that depends on data."""
        if self.length is None:
            return self.shape
        axis = self.length.axis
        return (*self.shape[:axis], symbol(f"{self.name}_{axis}"), *self.shape[axis + 1 :])
