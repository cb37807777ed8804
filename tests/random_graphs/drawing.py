"""Random valid models: `models()` is a strategy, and what fails shrinks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from likewise.ir import DType, TensorType, Value
from likewise.ir.text import to_text
from likewise.onnx.encode import encode_chunks
from likewise.onnx.exporter import export_model
from tests.random_graphs.control import CONTROL
from tests.random_graphs.elementwise import ELEMENTWISE, REDUCTIONS
from tests.random_graphs.networks import CONVOLUTIONS, NETWORKS
from tests.random_graphs.quantized import QUANTIZED
from tests.random_graphs.views import VIEWS
from tests.random_graphs.writer import FLOATS, HALVES, Step, Writer, dtype_of, shape_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from likewise.ir import Graph

__all__ = ["FAMILIES", "Drawn", "models"]

FAMILIES: Mapping[str, Sequence[Step]] = {
    "views": VIEWS,
    "elementwise": ELEMENTWISE,
    "reductions": REDUCTIONS,
    "convolutions": CONVOLUTIONS,
    "networks": NETWORKS,
    "quantized": QUANTIZED,
    "control": CONTROL,
}
SIZES = (1, 2, 3, 4, 5, 6, 8, 12, 17, 33, 300)
DTYPES = (*[DType.FLOAT] * 9, DType.DOUBLE, *HALVES, DType.INT32, DType.INT64, DType.INT8)
RANKS = (2, 4, 4, 3, 3, 1, 0)
SPECIALS = (np.nan, np.inf, -np.inf, -0.0, 1e-40)


@dataclass(frozen=True)
class Drawn:
    """A model as `.onnx` bytes, and inputs for it.

    `exact` names the floats in it that have the same bits everywhere, `special` says that inputs
    hold NaNs and infinities. `graph` is what was drawn, before it was written.
    """

    graph: Graph
    onnx: bytes
    feeds: Mapping[str, Any]
    exact: frozenset[str]
    special: bool
    symbols: Mapping[str, int] = field(default_factory=dict)

    def __repr__(self) -> str:
        """The graph as text, which hypothesis shows of what fails."""
        shapes = ", ".join(f"{n}: {one.dtype}{list(one.shape)}" for n, one in self.feeds.items())
        kind = " with NaNs and infinities" if self.special else ""
        return f"for {shapes}{kind}, symbols {dict(self.symbols)}:\n{to_text(self.graph)}"

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        """What hypothesis prints with."""
        printer.text(repr(self))


@st.composite
def models(draw: Any, families: Sequence[str] = tuple(FAMILIES), most: int = 10) -> Drawn:
    """Models of up to `most` steps from the families named."""
    writer = Writer(draw, special=draw(st.integers(0, 7)) == 7)
    inputs = [_input(writer, f"x{at}") for at in range(draw(st.integers(1, 2)))]
    exact = {one for one, whole in inputs if whole and dtype_of(one) not in HALVES}
    writer.exact |= exact
    writer.values += [one for one, _ in inputs]
    for _ in range(draw(st.integers(1, most))):
        recent = draw(st.integers(0, 3))
        x = writer.values[-1] if recent else writer.pick(writer.values)
        steps = FAMILIES[writer.pick(families)]
        fitting = [step for step in steps if step.fits(writer, x)]
        if fitting:
            writer.take(writer.pick(fitting), x)
    made = [value for value in writer.values if value not in {one for one, _ in inputs}]
    made = made or [writer.b.Identity(inputs[0][0])]
    outputs = list(dict.fromkeys([made[-1], writer.pick(made), writer.pick(made)]))
    graph = writer.b.graph("drawn", [one for one, _ in inputs], outputs)
    feeds = {one.name: _content(writer, one, whole=whole) for one, whole in inputs}
    content, symbols = _written(writer, graph)
    names = frozenset(one.name for one in writer.exact)
    return Drawn(graph, content, feeds, names, writer.special, symbols)


def _input(w: Writer, name: str) -> tuple[Value, bool]:
    """An input, and whether it is to hold whole numbers."""
    dtype = w.pick(DTYPES)
    shape = tuple(w.pick(SIZES) for _ in range(w.pick(RANKS)))
    while np.prod(shape) > 3000:
        shape = shape[1:]
    return Value(name, TensorType(dtype, shape)), w.flag() or dtype not in FLOATS


def _content(w: Writer, x: Value, *, whole: bool) -> Any:
    array = w.array(shape_of(x), dtype_of(x), exact=whole)
    if w.special and dtype_of(x) in FLOATS and array.size:
        places = [w.whole(0, array.size - 1) for _ in range(w.whole(1, 4))]
        with np.errstate(all="ignore"):
            array.reshape(-1)[places] = [w.pick(SPECIALS) for _ in places]
    return array


def _written(w: Writer, graph: Graph) -> tuple[bytes, dict[str, int]]:
    """The graph as a file in which some dims of inputs are symbols, and what these stand for."""
    message = export_model(graph)
    symbols: dict[str, int] = {}
    assert message.graph is not None
    for value, info in zip(graph.inputs, message.graph.input, strict=True):
        for axis, size in enumerate(shape_of(value)):
            if size > 1 and w.whole(0, 3) == 3:
                symbol = f"N{size}"
                symbols[symbol] = size
                dim = info.type.tensor_type.shape.dim[axis]  # type: ignore[union-attr]
                dim.dim_param, dim.dim_value = symbol, None
    return b"".join(bytes(one) for one in encode_chunks(message)), symbols
