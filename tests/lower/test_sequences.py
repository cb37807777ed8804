"""Sequences, settled while a graph is lowered: NumPy, the interpreter and wasmtime agree."""

from __future__ import annotations

import pytest

from likewise.errors import UnsupportedError
from likewise.ir import DType, Graph, SequenceType, TensorType, Value
from likewise.lower.graph import lower_graph
from likewise.ops.build import GraphBuilder
from likewise.ops.case import i64
from tests.lower.test_control import COUNT, FLAG, ROUND, X, array, check


def test_sequences_are_made_changed_and_read() -> None:
    b = GraphBuilder()
    rows = b.SplitToSequence(b.Neg(X), axis=0)
    rows = b.SequenceInsert(rows, b.Abs(b.SequenceAt(rows, b.constant(i64(-1)))))
    rows = b.SequenceErase(rows, b.constant(i64(1)))
    columns = b.SplitToSequence(X, b.ints(1, 3), axis=1)
    made = [
        b.ConcatFromSequence(rows, axis=0),
        b.ConcatFromSequence(rows, axis=-1, new_axis=True),
        b.SequenceLength(rows),
        b.SequenceAt(columns, b.constant(i64(1))),
    ]
    check(b.graph("g", [X], made), [array(1)], [array(2)])


def test_a_graph_runs_over_the_elements() -> None:
    inner = GraphBuilder("inner_")
    row, whole = Value("row", TensorType(DType.FLOAT, (1, 4))), Value("whole", X.type)
    body = inner.graph("body", [row, whole], [inner.Add(row, whole)])
    b = GraphBuilder()
    added = b.SequenceMap(b.SplitToSequence(X, axis=0), X, body=body)
    check(b.graph("g", [X], [b.ConcatFromSequence(added, axis=0)]), [array(1)])


def collecting(trips: Value | None) -> Graph:
    """A loop that carries a sequence, which grows by one element a round."""
    inner = GraphBuilder("inner_")
    state = Value("state", SequenceType(X.type))
    grown = inner.SequenceInsert(state, inner.Mul(X, inner.Cast(ROUND[0], to=1)))
    body = inner.graph("body", [*ROUND, state], [ROUND[1], grown])
    b = GraphBuilder()
    count = b.constant(i64(3)) if trips is None else trips
    made = b.Loop(count, None, b.SequenceConstruct(X), body=body)
    return b.graph("g", [X, *([] if trips is None else [trips])], [b.SequenceLength(made)])


def test_a_loop_that_carries_a_sequence_is_written_out() -> None:
    check(collecting(None), [array(1)])
    with pytest.raises(UnsupportedError, match="the loop changes the shape of what it carries"):
        lower_graph(collecting(COUNT))


def test_optionals_are_settled_too() -> None:
    b = GraphBuilder()
    held = b.Optional(b.Neg(X))
    made = [b.OptionalGetElement(held), b.OptionalHasElement(held)]
    check(b.graph("g", [X], made), [array(1)])


def test_what_only_a_run_can_tell_is_refused() -> None:
    b = GraphBuilder()
    one = b.SequenceAt(b.SplitToSequence(X, axis=0), COUNT)
    with pytest.raises(UnsupportedError, match="which element of the sequence is meant depends"):
        lower_graph(b.graph("g", [X, COUNT], [one]))
    branches = []
    for _ in range(2):
        inner = GraphBuilder()
        branches.append(inner.graph("branch", (), [inner.SequenceConstruct(X)]))
    b = GraphBuilder()
    made = b.If(FLAG, then_branch=branches[0], else_branch=branches[1])
    with pytest.raises(UnsupportedError, match="it gives a sequence or optional"):
        lower_graph(b.graph("g", [X, FLAG], [b.SequenceLength(made)]))


def test_a_sequence_is_no_output() -> None:
    b = GraphBuilder()
    graph = b.graph("g", [X], [b.SequenceConstruct(X)])
    with pytest.raises(UnsupportedError, match="compiled code gives tensors only"):
        lower_graph(graph)
