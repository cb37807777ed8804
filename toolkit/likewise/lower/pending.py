"""Kernels that wait for what is done with their result, so that they do it themselves.

A convolution or product is not written when its node is lowered. Its view carries a `Stem`: an
elementwise operator on such a view extends the stem instead of reading memory, as long as nobody
else needs the result itself. The kernel is written, with all of that in its epilogue, when the
result is read, or straight into the place where it is wanted (a padded input, a part of a
concatenation, an output).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from likewise.ir import DType
from likewise.loop.types import LoopError
from likewise.loop.values import Value
from likewise.lower.kernel import Kernel
from likewise.lower.view import Index, TensorView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.lower.workshop import Workshop

__all__ = ["Epilogue", "Pending", "Put", "Rows", "Stem", "extend"]

Epilogue = Callable[[Kernel, Value, Index], Value]
Emit = Callable[[TensorView, Epilogue], None]
Put = Callable[[Kernel, Value, Index, Value], None]
"""put(k, row, index, value): `row` counts from the first of those that are computed together."""
Rows = Callable[[Kernel, Index, Value, int, Put], None]
"""rows(k, lead, first, count, put) computes some rows of the matrix at `lead` in a kernel."""


def _keep(_k: Kernel, value: Value, _index: Index) -> Value:
    return value


@dataclass(eq=False)
class Pending:
    """A kernel to be written: `emit(target, epilogue)` fills a target of this dtype and shape.

    `readers` says how many nodes read the result; `memory` is where it stands once it is written.
    `by_rows`, where it is known, prepares what another kernel needs to compute rows for itself.
    What is computed from exact sums, `of_integers`, may change its dtype on the way. What only
    `copies` has no epilogue.
    """

    workshop: Workshop
    dtype: DType
    shape: tuple[int, ...]
    order: tuple[int, ...] | None
    emit: Emit
    by_rows: Callable[[], Rows] | None = None
    readers: int = 1
    memory: TensorView | None = None
    of_integers: bool = False
    copies: bool = False

    def __post_init__(self) -> None:
        self.of_integers = self.of_integers or self.dtype is DType.INT32

    def view(self) -> TensorView:
        """The result, unwritten."""

        def read(k: Kernel, index: Index) -> Value:
            return self.settled().read(k, index)

        stem = Stem(self, _keep, 1)
        return TensorView(self.dtype, self.shape, read, None, 1, order=self.order, stem=stem)

    def settled(self) -> TensorView:
        """The result in memory, written now if it is not yet."""
        if self.memory is None:
            return self.write(self.workshop.empty(self.dtype, self.shape, self.order))
        return self.memory

    def write(self, target: TensorView) -> TensorView:
        """Write the result into a target, which is then where it is read."""
        self.emit(target, _keep)
        self.memory = target
        return target


@dataclass(frozen=True, eq=False)
class Stem:
    """compute(result of `base`) at every index; it stands for `uses` of the base's readers."""

    base: Pending
    compute: Epilogue = field(default=_keep)
    uses: int = 1

    @property
    def whole(self) -> bool:
        """Whether this is the result itself."""
        return self.compute is _keep

    def settled(self) -> TensorView | None:
        """The memory of the result, where this is that and nothing else."""
        return self.base.settled() if self.whole else None


def extend(
    workshop: Workshop,
    compute: Callable[..., Value],
    dtype: DType,
    inputs: Sequence[TensorView],
    shape: tuple[int, ...],
) -> Stem | Pending | None:
    """compute(k, *inputs) as a part of the kernel that makes one of the inputs, if one can.

    A `Pending` where every reader of that kernel's result is accounted for, else a `Stem`.
    """
    bases = [
        one.stem.base
        for one in inputs
        if one.stem is not None
        and one.stem.base.memory is None
        and not one.stem.base.copies
        and one.shape == shape
        and (one.stem.base.dtype is dtype or one.stem.base.of_integers)
    ]
    if not bases:
        return None

    def uses_of(base: Pending) -> int:
        stems = (one.stem for one in inputs if _grows(one, base))
        return sum(stem.uses for stem in stems if stem is not None)

    # The last kernel whose result nobody else reads: others are written before, and read here.
    base = next((one for one in reversed(bases) if uses_of(one) >= one.readers), bases[-1])
    wide = [one if _grows(one, base) else one.broadcast(shape) for one in inputs]

    def both(k: Kernel, value: Value, index: Index) -> Value:
        given = [
            one.stem.compute(k, value, index)
            if one.stem is not None and one.stem.base is base
            else one.read(k, index)
            for one in wide
        ]
        return compute(k, *given)

    uses = uses_of(base)
    if uses < base.readers:
        return Stem(base, both, uses)

    def emit(target: TensorView, epilogue: Epilogue) -> None:
        def all_of_it(k: Kernel, value: Value, index: Index) -> Value:
            return epilogue(k, both(k, value, index), index)

        if base.memory is None:
            try:
                base.emit(target, all_of_it)
            except LoopError:
                pass  # vectors cannot do the epilogue: it becomes a kernel of its own
            else:
                return
        memory = base.settled()

        def read(k: Kernel, index: Index) -> Value:
            return all_of_it(k, memory.read(k, index), index)

        workshop.write(TensorView(dtype, shape, read, None, 2, order=memory.order), target)

    by_rows = _rows_with(base.by_rows, both)
    return Pending(workshop, dtype, shape, base.order, emit, by_rows, of_integers=base.of_integers)


def _rows_with(by_rows: Callable[[], Rows] | None, compute: Epilogue) -> Callable[[], Rows] | None:
    """The same rows with what is computed from them."""
    if by_rows is None:
        return None

    def prepare() -> Rows:
        plain = by_rows()

        def rows(k: Kernel, lead: Index, first: Value, count: int, put: Put) -> None:
            def put_computed(k: Kernel, row: Value, index: Index, value: Value) -> None:
                put(k, row, index, compute(k, value, index))

            plain(k, lead, first, count, put_computed)

        return rows

    return prepare


def _grows(view: TensorView, base: Pending) -> bool:
    return view.stem is not None and view.stem.base is base and view.shape == base.shape
