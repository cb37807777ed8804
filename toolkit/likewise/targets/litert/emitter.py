"""Writing TFLite operations for values whose layout is known: what every rule is given.

A rule gets its inputs as `Laid` tensors, asks for the layout that a builtin needs, and says in
which layout the outputs are. Transposes arise only where a reader wants another order than what
there is, and once for all readers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import LikewiseError, UnsupportedError
from likewise.ir import DType
from likewise.passes.layout import Layout
from likewise.targets.litert.program import Operation, Quantization, Tensor
from likewise.targets.litert.support import WIDER, check_supported, supports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ir import Array

__all__ = ["Emitter", "Laid", "common", "require"]


@dataclass(frozen=True, eq=False, slots=True)
class Laid:
    """A tensor of the model: how it is stored, and in which layout."""

    tensor: Tensor
    layout: Layout

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of its axes, as the model has them."""
        sizes = self.tensor.shape
        return tuple(sizes[self.layout.order.index(axis)] for axis in range(len(sizes)))

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self.tensor.dtype

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.tensor.shape)

    @property
    def data(self) -> Array | None:
        """The content where it is constant, axes as the model has them."""
        data = self.tensor.data
        return None if data is None else data.transpose(np.argsort(self.layout.order))

    def transposed(self, perm: Sequence[int]) -> Laid:
        """The same storage as the tensor transposed by `perm`."""
        return Laid(self.tensor, self.layout.transposed(perm))

    def __str__(self) -> str:
        return f"{self.tensor} in order {self.layout.order}"


class Emitter:
    """Collects operations; names tensors after the value being emitted."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.name = ""
        self._converted: dict[tuple[Tensor, tuple[int, ...]], Tensor] = {}
        self._names: dict[str, int] = {}
        self._reshaped: dict[Tensor, Tensor] = {}
        self._dequantized: dict[Tensor, Tensor] = {}
        self.signed: dict[Tensor, Tensor] = {}
        """The signed bytes that hold the same numbers as bytes without sign."""
        self.biases: dict[Tensor, Array] = {}
        """The int32 numbers that constants were made from."""

    def constant(self, array: Array, layout: Layout | None = None) -> Laid:
        """A constant, axes as the model has them, stored in a layout."""
        layout = layout or Layout.plain(array.ndim)
        stored = np.ascontiguousarray(array.transpose(layout.order)).reshape(
            layout.stored(array.shape)
        )
        return Laid(self.parameter(stored), layout)

    def parameter(self, array: Array, quantization: Quantization | None = None) -> Tensor:
        """A constant as a builtin takes it: axes, pads, packed weights."""
        dtype = DType.of(array.dtype)
        return Tensor(self.fresh("constant"), dtype, array.shape, array, quantization)

    def ints(self, values: Sequence[int] | int) -> Tensor:
        """int32 parameters: a vector, or a scalar for a number."""
        return self.parameter(np.array(values, np.int32))

    def fresh(self, hint: str) -> str:
        """A name that no other tensor has."""
        base = f"{self.name}/{hint}" if self.name else hint
        count = self._names[base] = self._names.get(base, -1) + 1
        return f"{base}_{count}" if count else base

    def op(
        self,
        builtin: str,
        inputs: Sequence[Tensor | None],
        shape: Sequence[int],
        dtype: DType | None = None,
        kind: str = "",
        **options: Any,
    ) -> Tensor:
        """The one output, stored with `shape`, of a builtin; its element type is the first input's.

        Raises `UnsupportedError` where no interpreter's builtin takes the types.
        """
        first = next((one for one in inputs if one is not None), None)
        if dtype is None:
            if first is None:
                raise LikewiseError(f"{builtin}: no input tells the element type")
            dtype = first.dtype
        made = Tensor(self.fresh(builtin.lower()), dtype, tuple(shape))
        self.add(builtin, inputs, (made,), kind, **options)
        return made

    def add(
        self,
        builtin: str,
        inputs: Sequence[Tensor | None],
        outputs: Sequence[Tensor],
        kind: str = "",
        **options: Any,
    ) -> None:
        """An operation with outputs that are there already."""
        operation = Operation(builtin, tuple(inputs), tuple(outputs), kind, options)
        check_supported(operation)
        self.operations.append(operation)

    def laid(self, x: Laid, layout: Layout) -> Tensor:
        """The tensor stored in this layout; transposed where it is not yet."""
        if x.layout == layout:
            return x.tensor
        known = self._converted.get((x.tensor, x.layout.permutation(layout)))
        if known is not None:
            return known
        stored = layout.stored(x.shape)
        packed = self._dequantized.get(x.tensor)
        if packed is not None and packed.data is not None:
            made = self.dequantize(_transposed(packed, x.layout.permutation(layout)))
        elif packed is not None:
            made = self.dequantize(self.laid(Laid(packed, x.layout), layout))
        elif x.tensor.data is not None and x.tensor.quantization is None:
            made = self.constant(x.data, layout).tensor  # type: ignore[arg-type]  # it has data
        elif x.layout.is_same_storage(layout, x.shape):
            made = self.reshape(x.tensor, stored)
        else:
            made = self._transpose(x.tensor, x.layout.permutation(layout), stored)
        self._converted[x.tensor, x.layout.permutation(layout)] = made
        return made

    def _transpose(self, x: Tensor, perm: Sequence[int], shape: Sequence[int]) -> Tensor:
        """TRANSPOSE, in a wider type where it does not take this one.

        Neighbouring axes that stay together are taken as one where there are more than four.
        """
        if not supports("TRANSPOSE", x.dtype) and x.dtype in WIDER:
            moved_wide = self._transpose(self.cast(x, WIDER[x.dtype]), perm, shape)
            return self.cast(moved_wide, x.dtype)
        groups: list[list[int]] = []
        for axis in perm:
            if groups and groups[-1][-1] == axis - 1:
                groups[-1].append(axis)
            else:
                groups.append([axis])
        ordered = sorted(groups)
        if len(ordered) == len(x.shape) or len(x.shape) <= 4:
            made = self.op("TRANSPOSE", [x, self.ints(perm)], shape, kind="TransposeOptions")
            made.quantization = x.quantization
            return made
        sizes = [int(np.prod([x.shape[axis] for axis in group])) for group in ordered]
        moved = [ordered.index(group) for group in groups]
        flat = self.op(
            "TRANSPOSE",
            [self.reshape(x, sizes), self.ints(moved)],
            [sizes[at] for at in moved],
            kind="TransposeOptions",
        )
        return self.reshape(flat, shape)

    def dequantize(self, x: Tensor) -> Tensor:
        """Floats from signed bytes that say their scale."""
        made = self.op("DEQUANTIZE", [x], x.shape, DType.FLOAT, "DequantizeOptions")
        self._dequantized[made] = x
        return made

    def is_known(self, x: Laid) -> bool:
        """Whether it is a constant, or floats from one of signed bytes."""
        packed = self._dequantized.get(x.tensor)
        return x.data is not None or (packed is not None and packed.data is not None)

    def plain(self, x: Laid) -> Tensor:
        """The tensor with its axes stored in their own order."""
        return self.laid(x, Layout.plain(x.rank))

    def reshape(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        """The same elements with other sizes."""
        if x.shape == tuple(shape):
            return x
        packed = self._dequantized.get(x)
        if packed is not None and packed.data is None:
            return self.dequantize(self.reshape(packed, shape))
        if x.data is not None and x.quantization is None:
            return self.parameter(x.data.reshape(tuple(shape)))
        source = self._reshaped.get(x, x)
        return source if source.shape == tuple(shape) else self.copy(x, shape)

    def copy(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        """The same elements as another tensor.

        Never a RESHAPE of a RESHAPE: interpreters let all of them share memory, and then compute
        in place what others still read.
        """
        source = self._reshaped.get(x, x)
        made = self.op("RESHAPE", [source, self.ints(list(shape))], shape, kind="ReshapeOptions")
        made.quantization = x.quantization
        self._reshaped[made] = source
        return made

    def cast(self, x: Tensor, dtype: DType) -> Tensor:
        """Converted to another element type."""
        if x.dtype == dtype:
            return x
        return self.op("CAST", [x], x.shape, dtype, kind="CastOptions")

    def broadcast(self, x: Laid, layout: Layout) -> Tensor:
        """The tensor stored as one of this layout's rank, axes of one element put before."""
        if x.rank < layout.rank:
            own = Layout(
                tuple(a - layout.rank + x.rank for a in layout.order if a >= layout.rank - x.rank)
            )
            stored = self.laid(x, own)
            whole = (1,) * (layout.rank - x.rank) + x.shape
            return self.reshape(stored, layout.stored(whole))
        return self.laid(x, layout)


def _transposed(x: Tensor, perm: Sequence[int]) -> Tensor:
    """A quantized constant with its stored axes in another order."""
    assert x.data is not None  # noqa: S101 — it is a constant
    data, quantization = x.data.transpose(perm), x.quantization
    if quantization is not None and len(quantization.scales) > 1:
        axis = list(perm).index(quantization.axis)
        quantization = Quantization(quantization.scales, quantization.zero_points, axis)
    return Tensor(f"{x.name}/packed", x.dtype, data.shape, data, quantization)


def common(tensors: Sequence[Laid], rank: int) -> Layout:
    """The layout that most of what is computed is in: the first of the largest, of full rank."""
    live = [one for one in tensors if one.tensor.data is None] or list(tensors)
    full = [one for one in live if one.rank == rank]
    if not full:
        largest = max(live, key=lambda one: int(np.prod(one.shape)))
        return largest.layout.extended(rank)
    return max(full, key=lambda one: int(np.prod(one.shape))).layout


def require(condition: object, reason: str, given: object = None) -> None:
    """Refuse a form that no builtin computes."""
    if not condition:
        raise UnsupportedError(reason, given=given)
