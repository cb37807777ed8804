"""Steps that move data: views, gathers, scatters, joins and cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from likewise.ir import DType
from tests.random_graphs.writer import FLOATS, INTEGERS, Step, dtype_of, shape_of

if TYPE_CHECKING:
    from likewise.ir import Value
    from tests.random_graphs.writer import Writer

__all__ = ["VIEWS"]

ANY = (*FLOATS, *INTEGERS, DType.BOOL)
NUMBERS = (*FLOATS, *INTEGERS)


def transpose(w: Writer, x: Value) -> Any:
    return w.b.Transpose(x, perm=w.draw(st.permutations(range(len(shape_of(x))))))


def reshape(w: Writer, x: Value) -> Any:
    """Every dim is cut into two factors, and some neighbours are joined."""
    parts: list[int] = []
    for size in shape_of(x):
        factor = w.pick([n for n in range(1, size + 1) if size % n == 0])
        parts += [factor, size // factor]
    while len(parts) > 5 or (len(parts) > 1 and w.flag()):
        at = w.whole(0, len(parts) - 2)
        parts[at : at + 2] = [parts[at] * parts[at + 1]]
    return w.b.Reshape(x, w.b.ints(*parts))


def reshape_by_shape(w: Writer, x: Value) -> Any:
    """To a shape that is computed from the value's own, as exporters write it."""
    first = w.b.Slice(w.b.Shape(x), w.b.ints(0), w.b.ints(w.whole(0, len(shape_of(x)) - 1)))
    return w.b.Reshape(x, w.b.Concat(first, w.b.ints(-1), axis=0))


def gather_nd(w: Writer, x: Value) -> Any:
    shape = shape_of(x)
    depth = w.whole(1, len(shape))
    rng = np.random.default_rng(w.whole(0, 99))
    rows = [w.whole(1, 4) for _ in range(w.whole(1, 2))]
    sizes = np.array(shape[:depth])
    return w.b.GatherND(x, w.b.constant(rng.integers(-sizes, sizes, (*rows, depth))))


def scatter_nd(w: Writer, x: Value) -> Any:
    """Whole rows, each but once."""
    rows, *rest = shape_of(x)
    rng = np.random.default_rng(w.whole(0, 99))
    places = rng.permutation(rows)[: w.whole(1, rows)].reshape(-1, 1)
    updates = w.array((len(places), *rest), dtype_of(x), exact=w.is_exact(x))
    return w.b.ScatterND(x, w.b.constant(places), w.b.constant(updates))


def crop(w: Writer, x: Value) -> Any:
    """Negative pads take away."""
    pads = [w.whole(-1, 1) if size > 2 else 0 for size in shape_of(x)]
    ends = [w.whole(-1, 1) if size > 2 else 0 for size in shape_of(x)]
    return w.b.Pad(x, w.b.ints(*pads, *ends))


def unsqueeze(w: Writer, x: Value) -> Any:
    return w.b.Unsqueeze(x, w.b.ints(w.whole(-1, len(shape_of(x)))))


def squeeze(w: Writer, x: Value) -> Any:
    axes = [axis for axis, size in enumerate(shape_of(x)) if size == 1]
    return w.b.Squeeze(x, w.b.ints(*axes)) if axes else w.b.Flatten(x, axis=1)


def cut(w: Writer, x: Value) -> Any:
    axis = w.axis(x)
    size, step = shape_of(x)[axis], w.pick([1, 2, 3, -1, -2])
    start, end = w.whole(0, size - 1), (size if step > 0 else -size - 1)
    return w.b.Slice(x, w.b.ints(start), w.b.ints(end), w.b.ints(axis), w.b.ints(step))


def concat(w: Writer, x: Value) -> Any:
    parts = [x, *(w.like(x) for _ in range(w.whole(1, 2)))]
    return w.b.Concat(*parts, axis=w.axis(x))


def split(w: Writer, x: Value) -> Any:
    axis = w.axis(x)
    size = shape_of(x)[axis]
    first = w.whole(1, max(1, size - 1))
    sizes = [first, size - first] if size > first else [size]
    made = w.b.Split(x, w.b.ints(*sizes), axis=axis, outputs=len(sizes))
    return made if len(sizes) > 1 else [made]


def gather(w: Writer, x: Value) -> Any:
    axis = w.axis(x)
    size = shape_of(x)[axis]
    indices = w.draw(st.lists(st.integers(-size, size - 1), min_size=1, max_size=5))
    return w.b.Gather(x, w.b.ints(*indices), axis=axis)


def gather_elements(w: Writer, x: Value) -> Any:
    axis = w.axis(x)
    size = shape_of(x)[axis]
    rng = np.random.default_rng(w.whole(0, 99))
    return w.b.GatherElements(x, w.b.constant(rng.integers(-size, size, shape_of(x))), axis=axis)


def pad(w: Writer, x: Value) -> Any:
    pads = [w.whole(0, 2) for _ in range(2 * len(shape_of(x)))]
    return w.b.Pad(x, w.b.ints(*pads), mode=w.pick(["constant", "edge", "reflect", "wrap"]))


def tile(w: Writer, x: Value) -> Any:
    return w.b.Tile(x, w.b.ints(*(w.whole(1, 2) for _ in shape_of(x))))


def expand(w: Writer, x: Value) -> Any:
    sizes = [w.whole(2, 3) if size == 1 else size for size in shape_of(x)]
    return w.b.Expand(x, w.b.ints(w.whole(1, 2), *sizes))


def scatter(w: Writer, x: Value) -> Any:
    """Some places are hit twice, which only a sum may be."""
    axis = w.axis(x)
    rng = np.random.default_rng(w.whole(0, 99))
    size = shape_of(x)[axis]
    indices = w.b.constant(rng.integers(-size, size, shape_of(x)))
    return w.b.ScatterElements(x, indices, w.like(x), axis=axis, reduction=w.pick(["add", "max"]))


def triangle(w: Writer, x: Value) -> Any:
    return w.b.Trilu(x, w.b.constant(np.array(w.whole(-2, 2))), upper=int(w.flag()))


def depth_to_space(w: Writer, x: Value) -> Any:
    channels, *sizes = shape_of(x)[1:]
    if channels % 4 == 0:
        return w.b.DepthToSpace(x, blocksize=2, mode=w.pick(["DCR", "CRD"]))
    if all(size % 2 == 0 for size in sizes):
        return w.b.SpaceToDepth(x, blocksize=2)
    return w.b.Identity(x)


def where(w: Writer, x: Value) -> Any:
    conditions = [v for v in w.values if dtype_of(v) is DType.BOOL and shape_of(v) == shape_of(x)]
    if conditions and w.flag():
        return w.b.Where(w.pick(conditions), x, w.other(x))
    return w.b.Where(w.b.constant(w.array(shape_of(x), DType.BOOL)), x, w.other(x))


VIEWS = (
    Step(transpose, ANY, (1, 5), "keeps"),
    Step(reshape, ANY, (1, 5), "keeps"),
    Step(reshape_by_shape, ANY, (1, 5), "keeps"),
    Step(gather_nd, ANY, (1, 4), "keeps"),
    Step(scatter_nd, NUMBERS, (1, 4), "keeps"),
    Step(crop, NUMBERS, (1, 4), "keeps"),
    Step(unsqueeze, ANY, (0, 4), "keeps"),
    Step(squeeze, ANY, (1, 5), "keeps"),
    Step(cut, ANY, (1, 5), "keeps"),
    Step(concat, ANY, (1, 5), "keeps"),
    Step(split, ANY, (1, 5), "keeps"),
    Step(gather, ANY, (1, 4), "keeps"),
    Step(gather_elements, ANY, (1, 4), "keeps"),
    Step(pad, NUMBERS, (1, 4), "keeps"),
    Step(tile, ANY, (1, 5), "keeps"),
    Step(expand, ANY, (0, 3), "keeps"),
    Step(scatter, NUMBERS, (1, 4), "loses"),
    Step(triangle, NUMBERS, (2, 4), "keeps"),
    Step(depth_to_space, FLOATS, (4, 4), "keeps"),
    Step(where, ANY, (0, 5), "keeps"),
)
