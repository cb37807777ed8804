"""Selecting in compiled code: how many elements are chosen is known only when it has run."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from likewise.ir import DType
from likewise.loop import I32

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.loop import Value, Var
    from likewise.lower import Kernel, Lowering, TensorView

__all__ = ["chosen", "counting", "zeros"]


@contextmanager
def counting(lowering: Lowering, name: str) -> Iterator[tuple[Kernel, Var, TensorView]]:
    """A kernel with a number that starts at 0, and the int32 in memory that it becomes."""
    count = lowering.empty(DType.INT32, (1,))
    with lowering.kernel(name) as k:
        number = k.var(0, I32)
        yield k, number, count
        k.write(*count.address(k, (k.index(0),)), number.get())


def zeros(k: Kernel, view: TensorView) -> None:
    """Fill what `lowering.empty` gave with zeros."""
    if view.size:
        buffer, position = view.address(k, tuple(k.index(0) for _ in view.shape))
        k.fill(k.pointer(buffer), position, view.size)


def chosen(value: Value) -> Value:
    """Whether a value is not zero."""
    return value if value.type.is_bool else value.ne(0)
