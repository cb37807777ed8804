"""Branches and loops: what If, Loop and Scan are lowered with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from likewise.errors import UnsupportedError
from likewise.ir import DType
from likewise.loop import FunctionBuilder
from likewise.loop.types import BOOL, I32, I64
from likewise.lower.sequences import Held, each, tensors
from likewise.lower.view import TensorView

if TYPE_CHECKING:
    from likewise.ir import Graph
    from likewise.ir import Value as GraphValue
    from likewise.loop.nodes import Buffer
    from likewise.loop.values import Value
    from likewise.lower.kernel import Kernel
    from likewise.lower.lowering import Lowering

__all__ = ["MOST_UNROLLED", "Repeated", "Step", "choose", "repeat"]

MOST_UNROLLED: Final = 256
"""Rounds of a loop that are written out one by one where its shapes change from round to round."""


Step = Callable[
    [TensorView, Sequence[Held]], tuple[Sequence[Held], Sequence[TensorView], TensorView | None]
]
"""Lowers one round from its number (a 0-d int64) and the states before it.

Gives the states after it, values to be collected from every round, and whether another round may
follow (None: it may).
"""


@dataclass(frozen=True, slots=True)
class Repeated:
    """The states after a loop, and what it collected along a new first axis."""

    states: list[Held]
    collected: list[TensorView]


_BRANCHES: Final = "only a run can tell which branch is taken: it gives"


def choose(lowering: Lowering, condition: TensorView, yes: Graph, no: Graph) -> tuple[Held, ...]:
    """The outputs of one of two graphs, by a condition of one element.

    Where the condition is not known now both are lowered, and each writes its outputs into memory
    that they share: their shapes must be equal.
    """
    if condition.data is not None:
        return tuple(lowering.graph(yes if condition.data.item() else no))
    _settle_captures(lowering, (*yes.captures, *no.captures))
    entry = lowering.entry
    flag = _memory(lowering, condition)
    targets: list[TensorView] = []
    with entry.if_(entry.load(flag, 0)):
        for view in tensors(lowering.graph(yes), _BRANCHES):
            targets.append(lowering.empty(view.dtype, view.shape))
            lowering.write(view, targets[-1])
    with entry.otherwise():
        for view, target in zip(tensors(lowering.graph(no), _BRANCHES), targets, strict=True):
            if view.shape != target.shape:
                raise UnsupportedError(
                    "the branches make different shapes, and only a run can tell which it is",
                    given=f"{list(target.shape)} and {list(view.shape)}",
                    hint="make the condition a constant",
                )
            lowering.write(view, target)
    return tuple(targets)


def repeat(
    lowering: Lowering,
    step: Step,
    states: Sequence[Held],
    *,
    trips: int | TensorView | None,
    going: TensorView | None = None,
    captures: Sequence[GraphValue] = (),
) -> Repeated:
    """Run `step` up to `trips` times, as long as `going` holds (None: no such bound).

    `captures` are the values around that the step reads: they are computed once, before. Values
    can be collected only where the number of rounds is known now. States keep their shapes, or
    the rounds must be known and not many: then they are written out one by one.
    """
    _settle_captures(lowering, captures)
    states = [each(lowering.settle, one) for one in states]
    number = lowering.empty(DType.INT64, ())
    try:
        with _rehearsal(lowering):
            after, made, follows = step(number, states)
            examples = tensors(made, "the loop collects")
    except UnsupportedError:
        if not isinstance(trips, int) or not 0 < trips <= MOST_UNROLLED:
            raise
        return _unrolled(lowering, step, states, trips, going)  # each round knows its number
    if isinstance(trips, int) and _certain(going) and _certain(follows):
        going = None
    tensor_states = [one for one in states if isinstance(one, TensorView)]
    fits = [_shape(one) for one in after] == [one.shape for one in tensor_states]
    if not fits or (going is not None and examples):
        if trips is not None and not isinstance(trips, int):
            raise UnsupportedError(
                "the loop changes the shape of what it carries", hint="make M a constant"
            )
        return _unrolled(lowering, step, states, trips, going, examples=examples)
    if examples and not isinstance(trips, int):
        raise UnsupportedError(
            "how many values the loop collects is known only when it has run",
            hint="make the trip count a constant, with no condition",
        )
    loop = _Loop(lowering, step, tensor_states, number)
    if isinstance(trips, int) and going is None:
        loop.collect(examples, trips)
        with lowering.entry.loop(trips) as at:
            loop.round(at.cast(I64))
    else:
        loop.run_while(trips, going)
    return Repeated(list(loop.states), loop.collected)


def _settle_captures(lowering: Lowering, captures: Sequence[GraphValue]) -> None:
    """Compute what a subgraph reads before it: inside, it might not run, or run again."""
    for value in captures:
        view = lowering.values.get(value)
        if view is not None:
            lowering.values[value] = each(lowering.settle, view)


def _shape(value: Held) -> tuple[int, ...] | None:
    return value.shape if isinstance(value, TensorView) else None


def _certain(going: TensorView | None) -> bool:
    """Whether a condition is known to hold."""
    return going is None or (going.data is not None and bool(going.data.item()))


def _memory(lowering: Lowering, view: TensorView) -> Buffer:
    """Where the elements of a view stand."""
    return cast("Buffer", lowering.materialise(view).buffer)


@contextmanager
def _rehearsal(lowering: Lowering) -> Iterator[None]:
    """What is lowered inside is thrown away: it only shows shapes."""
    entry, lowering.entry = lowering.entry, FunctionBuilder("rehearsal")
    try:
        yield
    finally:
        lowering.entry = entry


class _Loop:
    """A loop of `run`: its states in memory of their own, changed at the end of each round."""

    def __init__(
        self, lowering: Lowering, step: Step, states: Sequence[TensorView], number: TensorView
    ) -> None:
        self.lowering, self.step, self.number = lowering, step, number
        self.states = [self._copy(one) for one in states]
        self.collected: list[TensorView] = []

    def _copy(self, view: TensorView) -> TensorView:
        made = self.lowering.empty(view.dtype, view.shape)
        self.lowering.write(view, made)
        return made

    def collect(self, examples: Sequence[TensorView], trips: int) -> None:
        """Memory for what every round keeps."""
        self.collected = [self.lowering.empty(one.dtype, (trips, *one.shape)) for one in examples]

    def round(self, number: Value) -> TensorView | None:
        """Write one round; gives its condition."""
        lowering = self.lowering
        lowering.entry.store(_memory(lowering, self.number), 0, number)
        after, collected, going = self.step(self.number, self.states)
        states = tensors(after, "the loop carries")
        for view, whole in zip(collected, self.collected, strict=True):
            lowering.write(view, self._row(whole))
        if going is not None and going.data is None:
            going = self._copy(going)
        # All new states are computed before the first of the old ones is overwritten.
        kept = {one.buffer for one in self.states}
        pairs = []
        for old, new in zip(self.states, states, strict=True):
            if new.buffer is None or new.buffer is not old.buffer:
                safe = new.buffer is not None and new.buffer not in kept
                pairs.append((old, new if safe else self._copy(new)))
        for old, new in pairs:
            lowering.write(new, old)
        return going

    def _row(self, whole: TensorView) -> TensorView:
        """The part of a collection that belongs to the round that runs."""
        return whole.viewed(whole.shape[1:], lambda k, index: (self._now(k), *index))

    def _now(self, k: Kernel) -> Value:
        with k.without_lanes():
            return self.number.read(k, ()).cast(I32)

    def run_while(self, trips: int | TensorView | None, going: TensorView | None) -> None:
        """Rounds until the trip count, unknown now, or the condition ends them."""
        lowering, entry = self.lowering, self.lowering.entry
        count = entry.var(0, I64)
        limit = None
        if isinstance(trips, int):
            limit = entry.const(trips, I64)
        elif trips is not None:
            limit = entry.load(_memory(lowering, trips), 0)
        flag = None
        if going is not None:
            flag = lowering.empty(DType.BOOL, ())
            lowering.write(going.reshape(()), flag)

        def condition() -> Value:
            more = entry.const(True, BOOL) if limit is None else count.get() < limit
            return more if flag is None else more & entry.load(_memory(lowering, flag), 0)

        with entry.while_(condition):
            now = count.get()
            after = self.round(now)
            if flag is not None and after is not None:
                lowering.write(after.reshape(()), flag)
            count.set(now + 1)


def _unrolled(
    lowering: Lowering,
    step: Step,
    states: Sequence[Held],
    trips: int | None,
    going: TensorView | None,
    *,
    examples: Sequence[TensorView] = (),
) -> Repeated:
    """The rounds one by one: every shape and every condition must be known by now.

    `examples` are like the values that a round collects, should there be no round.
    """

    def _read_twice(view: TensorView) -> TensorView:
        return lowering.shared(view, 2)

    rows: list[list[TensorView]] = []
    while trips is None or len(rows) < trips:
        if going is not None and going.data is None:
            raise UnsupportedError(
                "how many values the loop makes is known only when it has run",
                hint="make the trip count a constant, with no condition",
            )
        if not _certain(going):
            break
        if len(rows) == MOST_UNROLLED:
            raise UnsupportedError(
                "the loop changes the shape of what it carries, and does not end soon",
                allowed=f"up to {MOST_UNROLLED} rounds, their number known when compiled",
            )
        number = lowering.constant(np.array(len(rows), np.int64))
        after, made, follows = step(number, states)
        states = [each(_read_twice, one) for one in after]
        rows.append([lowering.materialise(one) for one in made])
        going = going and follows
    if not rows:
        return Repeated(
            list(states), [lowering.empty(one.dtype, (0, *one.shape)) for one in examples]
        )
    collected = []
    for column in zip(*rows, strict=True):
        if len({one.shape for one in column}) > 1:
            raise UnsupportedError("the loop collects values of different shapes")
        collected.append(lowering.concat([one.reshape((1, *one.shape)) for one in column], 0))
    return Repeated(list(states), collected)
