"""What the steps of a random graph write with: a builder, the values so far, and draws."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from likewise.ir import DType, TensorType, Value
from likewise.ops.build import GraphBuilder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["FLOATS", "HALVES", "INTEGERS", "LARGEST", "Step", "Writer", "shape_of"]

HALVES = (DType.FLOAT16, DType.BFLOAT16)
FLOATS = (DType.FLOAT, DType.DOUBLE, *HALVES)
INTEGERS = (DType.INT8, DType.UINT8, DType.INT32, DType.INT64)
LARGEST = 4000
"""Elements of a value."""


@dataclass(frozen=True)
class Step:
    """One way to make new values from one that is there.

    `write` is given the writer and a value of one of `dtypes` and of a rank from `ranks`.
    `exact` says what becomes of exact floats: they stay so (`keeps`), are rounded (`loses`), or
    nothing else will do, since the operator jumps: what it makes is exact again (`needs`) or is
    not (`spends`).
    `numbers`: not for graphs in which NaNs and infinities are about.
    """

    write: Callable[[Writer, Value], Any]
    dtypes: tuple[DType, ...] = (DType.FLOAT,)
    ranks: tuple[int, int] = (0, 5)
    exact: str = "loses"
    numbers: bool = False

    def fits(self, writer: Writer, x: Value) -> bool:
        """Whether the step can be written behind `x`."""
        return (
            dtype_of(x) in self.dtypes
            and self.ranks[0] <= len(shape_of(x)) <= self.ranks[1]
            and (self.exact in ("keeps", "loses") or writer.is_exact(x))
            and not (self.numbers and writer.special)
        )


@dataclass
class Writer:
    """A graph being drawn.

    Floats in `exact` are whole numbers that float32 and float64 compute alike, so that an operator
    that jumps (rounding, comparing, sorting) gives the same everywhere. `special`: inputs hold NaNs
    and infinities too.
    """

    draw: Any
    special: bool = False
    b: GraphBuilder = field(default_factory=GraphBuilder)
    values: list[Value] = field(default_factory=list)
    exact: set[Value] = field(default_factory=set)

    def pick(self, options: Sequence[Any]) -> Any:
        """One of the options; the first is the simplest."""
        return self.draw(st.sampled_from(options))

    def whole(self, low: int, high: int) -> int:
        """A number from `low` to `high`, both included."""
        found: int = self.draw(st.integers(low, high))
        return found

    def flag(self) -> bool:
        """Yes or no."""
        found: bool = self.draw(st.booleans())
        return found

    def axis(self, x: Value, first: int = 0) -> int:
        """An axis of `x`, counted from either end."""
        rank = len(shape_of(x))
        at = self.whole(first, rank - 1)
        return at - rank if self.flag() else at

    def axes(self, x: Value) -> list[int]:
        """Some axes of `x`, at least one."""
        rank = len(shape_of(x))
        return sorted(self.draw(st.sets(st.integers(0, rank - 1), min_size=1)))

    def array(self, shape: Sequence[int], dtype: DType, *, exact: bool = False) -> Any:
        """Numbers of a seed that is drawn: small whole ones, or normal ones."""
        rng = np.random.default_rng(self.whole(0, 999))
        if dtype is DType.BOOL:
            return rng.random(shape) < 0.5
        if dtype in INTEGERS:
            return rng.integers(0 if dtype is DType.UINT8 else -9, 10, shape).astype(dtype.numpy)
        made = rng.integers(-3, 4, shape) if exact else rng.standard_normal(shape)
        return np.asarray(made, dtype.numpy)

    def weights(self, *shape: int, dtype: DType = DType.FLOAT, exact: bool = False) -> Value:
        """A constant of that shape, scaled so that sums over all axes but the first stay small."""
        array = self.array(shape, dtype, exact=exact)
        if dtype in FLOATS and not exact and len(shape) > 1:
            array = (array / np.sqrt(prod(shape[1:]))).astype(dtype.numpy)
        return self.b.constant(array)

    def other(self, x: Value) -> Value:
        """A second operand for `x`: a value that is there, or a constant, that broadcasts."""
        shape = shape_of(x)
        there = [
            value
            for value in self.values
            if dtype_of(value) is dtype_of(x)
            and (not self.is_exact(x) or self.is_exact(value))
            and fits_into(shape_of(value), shape)
        ]
        if there and self.whole(0, 2):
            found: Value = self.pick(there)
            return found
        kept = [size if self.flag() else 1 for size in shape]
        while kept and kept[0] == 1 and self.flag():
            kept = kept[1:]
        return self.b.constant(self.array(kept, dtype_of(x), exact=self.is_exact(x)))

    def like(self, x: Value) -> Value:
        """A value of the very type of `x`, exact if that is."""
        there = [v for v in self.values if same_type(v, x)]
        found: Value = self.pick([v for v in there if self.is_exact(v) or not self.is_exact(x)])
        return found

    def is_exact(self, x: Value) -> bool:
        """Whether all targets must have the same bits in it."""
        return dtype_of(x) not in FLOATS or x in self.exact

    def take(self, step: Step, x: Value) -> None:
        """Write a step behind `x`, unless what it makes is too large."""
        before = len(self.b.nodes)
        read_exact = self.is_exact(x)
        made = step.write(self, x)
        made = [made] if isinstance(made, Value) else list(made)
        if max((prod(shape_of(value)) for value in made), default=0) > LARGEST:
            del self.b.nodes[before:]
            return
        self.values += made
        if step.exact == "needs" or (step.exact == "keeps" and read_exact):
            new = [one for node in self.b.nodes[before:] for one in node.outputs if one is not None]
            self.exact |= {one for one in new if dtype_of(one) not in HALVES}


def shape_of(x: Value) -> tuple[int, ...]:
    """The shape of a value, all sizes known."""
    assert isinstance(x.type, TensorType)
    return tuple(int(str(dim)) for dim in x.type.shape)


def dtype_of(x: Value) -> DType:
    """The element type of a tensor."""
    assert isinstance(x.type, TensorType)
    return x.type.dtype


def same_type(a: Value, b: Value) -> bool:
    """Whether both have the element type and the shape of the other."""
    return dtype_of(a) is dtype_of(b) and shape_of(a) == shape_of(b)


def fits_into(shape: Sequence[int], full: Sequence[int]) -> bool:
    """Whether `shape` broadcasts to `full` without making it larger."""
    if len(shape) > len(full):
        return False
    tail = full[len(full) - len(shape) :]
    return all(one in (1, size) for one, size in zip(shape, tail, strict=True))
