"""Graphs become loop IR: how an operator's `lower` is written.

    def lower(self, lowering: Lowering, *inputs: TensorView | None) -> TensorView | tuple[...]

An operator has either `lower` or `expand`. It gets one view an input (None for an absent one) and
returns one view, or a tuple of them, of the shapes and dtypes that its `infer` says. All shapes
are numbers by now. What cannot be done is refused: `raise UnsupportedError(reason)`; the graph
lowering adds the node and reports all such nodes at once.

Operators stand below this package in the order of imports: they use the objects that they are
given and `likewise.loop` at run time, and import from here for annotations alone.

**Views.** `TensorView` has `dtype`, `shape`, `rank`, `size`, `storage`, and `data`: the array
where it is known at compile time (axes, shapes, weights), else None; require it where ONNX allows
data that you cannot handle. `view.read(k, index)` gives the element at a tuple of i32 values.
Pure views cost nothing: `reshape`, `transpose`, `broadcast`, `slice`, and
`viewed(shape, back)` for any other index arithmetic (`back(k, index)` gives the source index).

    def lower(self, lowering, x):                           # Transpose
        return x.transpose(self.perm or range(x.rank)[::-1])

**Elementwise.** Broadcasts its inputs, is written once for scalars and vectors, and is fused with
what it reads and with what reads it. The result is wrapped to the width of narrow integers and
rounded for float16 and bfloat16, as ONNX says, unless `exact=True`. `cost` is about the number
of operations; give 10 to 30 for a transcendental function (`likewise.loop.math`).

    def lower(self, lowering, a, b):                        # Add
        return lowering.elementwise(lambda k, x, y: x + y, a.dtype, a, b)
    def lower(self, lowering, x):                           # Relu: NaN stays NaN
        return lowering.elementwise(lambda k, v: k.max(v, 0), x.dtype, x, exact=True)

A Python number beside a value takes its type, so a dtype's own constants need no care; a constant
alone is `k.number(1.0, x.storage)`, which has as many lanes as values have here.

**Memory.** `lowering.materialise(view)` gives the view in memory of its own (or itself where it
already is): do it to an input whose elements are read more than about once (both sides of a
product, a window that slides) or whose addresses a kernel needs (`view.buffer`).
`lowering.empty(dtype, shape)` is new memory, `lowering.constant(array)` data made now (packed
weights, tables), `lowering.write(view, target)` evaluates a view into a target, which may be a
slice or transpose of `empty` memory: so Concat and Pad write straight into place
(`lowering.concat(views, axis)`). Memory is reused by lifetime, with nothing to free.

**Reductions and products.** `lowering.matmul(a, b)` is the product with broadcast leading axes.
`lowering.reduce(x, axes, start, combine, finish=…, keepdims=…)` reads its input once and
fuses it. Compute what is summed before as a view (for ReduceSumSquare: elementwise x * x).

**Kernels.** Everything else is a loop nest written by hand:

    y = lowering.empty(x.dtype, shape)
    with lowering.kernel("f32_cumsum") as k:                # named as XNNPACK names them
        with k.loop(rows) as i:
            total = k.var(k.const(0.0, F32))
            with k.loop(columns) as j:
                total.set(total.get() + x.read(k, (i, j)))
                buffer, position = y.address(k, (i, j))
                k.write(buffer, position, total.get())
    return y

`k` is a `FunctionBuilder` (`loop`, `while_`, `if_`/`otherwise`, `var`, `load`, `store`, `fill`,
`copy`, `select`, `min`, `max`, `madd`, `sqrt`, `shuffle`, …; `likewise.loop.operations` lists
what operations mean in the corners). `k.pointer(buffer)` turns a buffer into the parameter that
`load` and `store` take; `read` and `write` do it by themselves. Kernels with equal bodies are kept
once, whatever buffers they run on. How many rows and columns a product computes at a time is asked
of a table, `lowering.tiles.of(shape)` (docs/tiles.md); `lowering.kernel(name, shape)` lets
`--tune` try others. `lowering.nest(name, shape, body, storage)` writes the loops
for a body that runs at every index, joins axes and runs vectors where they can.

**Lanes.** In a vector loop values are vectors along the last axis. `read` then gives vectors:
where an index advances by one a vector load, where it stays a splat, where it advances by more
single loads. Code that cannot be vectors (an operation without such lanes, a conversion to
another width) raises `LoopError` while the vector form is written, and the scalar form is written
instead: nothing need be done about it. Two rules: an index made from data is read with
`with k.without_lanes():`, and an index used as data is `k.index_values(index)`.

    def lower(self, lowering, x, indices):                  # Gather on axis 0
        indices = lowering.materialise(indices)
        def back(k, index):
            with k.without_lanes():
                at = indices.read(k, index[: indices.rank]).cast(I32)
            at = k.select(at < 0, at + x.shape[0], at)
            return (at, *index[indices.rank :])
        return x.viewed((*indices.shape, *x.shape[1:]), back)

**Control flow.** Nodes run in the order of `lowering.entry`, the builder of `run`; `If` and `Loop`
open `lowering.entry.if_(…)` and `while_(…)` around the lowering of their bodies. What a branch
makes and others read must be materialised inside it.

**Sequences** are settled here: one is a Python list of views, an empty optional is None. Which
element is meant, and how many there are, must be known when the graph is lowered.

`lower_graph(graph)` runs all this; `likewise.targets.wasm.emit_lowered` makes the module.
"""

from likewise.lower.dtypes import storage_of
from likewise.lower.kernel import Kernel
from likewise.lower.lowering import DEAR, Lowering
from likewise.lower.plan import MemoryPlan, plan_memory
from likewise.lower.port import Port
from likewise.lower.reduce import reduce
from likewise.lower.sequences import Held
from likewise.lower.view import Index, TensorView, flatten, unflatten

__all__ = [
    "DEAR",
    "Held",
    "Index",
    "Kernel",
    "Lowering",
    "MemoryPlan",
    "Port",
    "TensorView",
    "flatten",
    "plan_memory",
    "reduce",
    "storage_of",
    "unflatten",
]
