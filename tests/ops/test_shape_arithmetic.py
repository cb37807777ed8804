"""Sizes that only a run can tell, through the chains of shape arithmetic that exporters write.

Every expected dim is checked twice: as the expression that must come out, and against what NumPy
computes once numbers stand for the symbols.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from likewise.errors import InferenceError
from likewise.ir import DType, Expression, TensorType, Value, symbol
from likewise.ops.build import GraphBuilder
from likewise.targets.numpy.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

N, S = symbol("N"), symbol("S")


def known(dim: Any) -> bool:
    return not isinstance(dim, Expression) or not any(s.startswith("_") for s in dim.symbols)


def made_of(build: Any, dims: Sequence[Any]) -> tuple[GraphBuilder, Value, Any]:
    builder = GraphBuilder()
    x = Value("x", TensorType(DType.FLOAT, tuple(dims)))
    return builder, x, build(builder, x)


def part(b: GraphBuilder, x: Any, axis: int) -> Any:
    """Size `axis` of `x` as 1-d, the way exporters take it."""
    return b.Unsqueeze(b.Gather(b.Shape(x), b.constant(axis, DType.INT64)), b.ints(0))


def scalar(b: GraphBuilder, x: Any, axis: int) -> Any:
    return b.Gather(b.Shape(x), b.constant(axis, DType.INT64))


def one(b: GraphBuilder) -> Any:
    return b.constant(1, DType.INT64)


def zero(b: GraphBuilder) -> Any:
    return b.constant(0, DType.INT64)


def heads(b: GraphBuilder, x: Any) -> Any:
    shape = b.Concat(part(b, x, 0), part(b, x, 1), b.ints(4, 16), axis=0)
    return b.Transpose(b.Reshape(x, shape), perm=(0, 2, 1, 3))


def flat(b: GraphBuilder, x: Any) -> Any:
    return b.Reshape(x, b.Concat(part(b, x, 0), b.ints(-1), axis=0))


def expanded(b: GraphBuilder, x: Any) -> Any:
    shape = b.Concat(part(b, x, 0), b.ints(1), part(b, x, 1), part(b, x, 1), axis=0)
    return b.Expand(b.constant(0, DType.FLOAT), shape)


def counted(b: GraphBuilder, x: Any) -> Any:
    return b.Range(zero(b), scalar(b, x, 1), one(b))


def counted_from(b: GraphBuilder, x: Any) -> Any:
    end = b.Add(scalar(b, x, 1), b.constant(2, DType.INT64))
    return b.Range(b.constant(2, DType.INT64), end, one(b))


def counted_by_two(b: GraphBuilder, x: Any) -> Any:
    return b.Range(zero(b), scalar(b, x, 1), b.constant(2, DType.INT64))


def size_of_slice(b: GraphBuilder, x: Any) -> Any:
    middle = b.Slice(b.Shape(x), b.ints(1), b.ints(2**63 - 1), b.ints(0))
    return b.Reshape(x, b.Concat(b.ints(-1), b.ReduceProd(middle, b.ints(0)), axis=0))


def split_sizes(b: GraphBuilder, x: Any) -> Any:
    n, s, c = b.op("Split", b.Shape(x), b.ints(1, 1, 1), outputs=3)
    return b.Reshape(x, b.Concat(b.Mul(n, s), c, axis=0))


def scattered(b: GraphBuilder, x: Any) -> Any:
    changed = b.ScatterND(b.Shape(x), b.constant([[2]]), b.ints(1))
    return b.Expand(b.constant(0, DType.FLOAT), changed)


def replaced_element(b: GraphBuilder, x: Any) -> Any:
    changed = b.ScatterElements(b.Shape(x), b.ints(2), b.ints(1), axis=0)
    return b.Expand(b.constant(0, DType.FLOAT), changed)


def tiled(b: GraphBuilder, x: Any) -> Any:
    times = b.Concat(b.ints(1), part(b, x, 1), b.ints(2), axis=0)
    return b.Tile(b.ReduceSum(x, b.ints(1)), times)


def upto(b: GraphBuilder, x: Any) -> Any:
    table = b.constant(np.zeros((1, 512, 8), np.float32))
    return b.Slice(table, b.ints(0), part(b, x, 1), b.ints(1))


def whole(b: GraphBuilder, x: Any) -> Any:
    return b.Slice(x, b.ints(0), part(b, x, 1), b.ints(1))


def all_but_first(b: GraphBuilder, x: Any) -> Any:
    return b.Slice(x, b.ints(1), b.ints(2**31 - 1), b.ints(1))


def all_but_last(b: GraphBuilder, x: Any) -> Any:
    return b.Slice(x, b.ints(0), b.Sub(part(b, x, 1), b.ints(1)), b.ints(1))


def backwards(b: GraphBuilder, x: Any) -> Any:
    return b.Slice(x, b.ints(-1), b.ints(-(2**63)), b.ints(1), b.ints(-1))


def last_three(b: GraphBuilder, x: Any) -> Any:
    return b.Slice(x, b.ints(-3), b.ints(2**63 - 1), b.ints(1))


def padded(b: GraphBuilder, x: Any) -> Any:
    behind = b.Sub(b.ints(32), part(b, x, 1))
    return b.Pad(x, b.Concat(b.ints(0, 0, 0, 0), behind, b.ints(0), axis=0))


def total(b: GraphBuilder, x: Any) -> Any:
    return b.Reshape(x, b.Unsqueeze(b.Size(x), b.ints(0)))


def flattened(b: GraphBuilder, x: Any) -> Any:
    return b.Flatten(x, axis=2)


def halves(b: GraphBuilder, x: Any) -> Any:
    return b.Concat(*b.op("Split", x, axis=1, num_outputs=2, outputs=2), axis=1)


def multiplied(b: GraphBuilder, x: Any) -> Any:
    return b.MatMul(x, b.Transpose(x, perm=(0, 2, 1)))


def contracted(b: GraphBuilder, x: Any) -> Any:
    return b.Einsum(x, x, equation="nsc,ntc->nst")


def one_hot(b: GraphBuilder, x: Any) -> Any:
    return b.OneHot(counted(b, x), part(b, x, 0), b.constant([0.0, 1.0], DType.FLOAT))


CASES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "heads": (heads, (N, 4, S, 16)),
    "flat": (flat, (N, S * 64)),
    "expanded": (expanded, (N, 1, S, S)),
    "counted": (counted, (S,)),
    "counted_from": (counted_from, (S,)),
    "counted_by_two": (counted_by_two, ((S + 1) // 2,)),
    "size_of_slice": (size_of_slice, (N, S * 64)),
    "split_sizes": (split_sizes, (N * S, 64)),
    "scattered": (scattered, (N, S, 1)),
    "replaced_element": (replaced_element, (N, S, 1)),
    "tiled": (tiled, (N, S, 128)),
    "whole": (whole, (N, S, 64)),
    "backwards": (backwards, (N, S, 64)),
    "padded": (padded, (N, 32, 64)),
    "total": (total, (N * S * 64,)),
    "flattened": (flattened, (N * S, 64)),
    "halves": (halves, (N, S, 64)),
    "multiplied": (multiplied, (N, S, S)),
    "contracted": (contracted, (N, S, S)),
    "one_hot": (one_hot, (S, N)),
}

CLAMPED: dict[str, Any] = {
    "upto": upto,
    "all_but_first": all_but_first,
    "all_but_last": all_but_last,
    "last_three": last_three,
}
"""Slices whose sizes have a `max` in them: only their values are checked."""


@pytest.mark.parametrize(("build", "expected"), CASES.values(), ids=CASES)
def test_the_dims_that_come_out(build: Any, expected: tuple[Any, ...]) -> None:
    _, _, y = made_of(build, (N, S, 64))
    assert y.type.shape == expected


@pytest.mark.parametrize("name", [*CASES, *CLAMPED])
@pytest.mark.parametrize(("n", "s"), [(1, 1), (2, 7), (3, 1), (1, 4)])
def test_bound_to_numbers_they_are_those_of_a_run(name: str, n: int, s: int) -> None:
    build = CLAMPED[name] if name in CLAMPED else CASES[name][0]
    builder, x, y = made_of(build, (N, S, 64))
    (result,) = Plan(builder.graph("g", [x], [y])).run([np.zeros((n, s, 64), np.float32)])
    assert all(known(dim) for dim in y.type.shape)
    assert y.type.substitute({"N": n, "S": s}).shape == result.shape


@pytest.mark.parametrize("name", CLAMPED)
def test_slices_of_nothing_are_right_too(name: str) -> None:
    builder, x, y = made_of(CLAMPED[name], (N, S, 64))
    (result,) = Plan(builder.graph("g", [x], [y])).run([np.zeros((2, 0, 64), np.float32)])
    assert y.type.substitute({"N": 2, "S": 0}).shape == result.shape


def test_a_bound_that_may_be_negative_is_not_trusted() -> None:
    def build(b: GraphBuilder, x: Any) -> Any:
        return b.Slice(x, b.ints(0), b.Sub(part(b, x, 1), b.ints(3)), b.ints(1))

    _, _, y = made_of(build, (N, S, 64))
    assert y.type.shape[0] == N
    assert not known(y.type.shape[1])  # at S = 2 the end is -1, which counts from the back


@pytest.mark.parametrize("size", [2, 5])
def test_fixed_sizes_give_numbers(size: int) -> None:
    for build, expected in CASES.values():
        _, _, y = made_of(build, (3, size, 64))
        bound = {"N": 3, "S": size}
        dims = (d.substitute(bound) if isinstance(d, Expression) else d for d in expected)
        assert y.type.shape == tuple(dims)


def test_sizes_keep_their_content() -> None:
    _, _, y = made_of(lambda b, x: b.Concat(part(b, x, 1), b.ints(2), axis=0), (N, S, 64))
    assert y.type.value.tolist() == [S, 2]
    assert y.type.constant is None


def test_sizes_that_contradict_each_other_are_found_before_a_run() -> None:
    def build(b: GraphBuilder, x: Any) -> Any:
        return b.Concat(x, b.constant(np.zeros((1, 1, 65), np.float32)), axis=1)

    with pytest.raises(InferenceError, match="dims 2 of the inputs differ; given: 64 and 65"):
        made_of(build, (N, S, 64))
