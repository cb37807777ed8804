"""LabelEncoder: keys to values."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InferenceError, UnsupportedError
from likewise.ir import DType, TensorType
from likewise.loop import I32
from likewise.ops.case import Case, f32, i16, i64, strings
from likewise.ops.checks import check_dtype
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.loop import Value
    from likewise.lower import Kernel, Lowering, TensorView
    from likewise.ops.build import OldForm


class LabelEncoder(Operator, versions=(1, 2, 4)):
    """The value that stands where the element stands among the keys, or a default.

    Of equal keys the last counts; a NaN key stands for every NaN. In opset 1 the keys or the
    values were the places in `classes_strings`.
    """

    default_float: float = -0.0
    default_int64: int = -1
    default_string: str = "_Unused"
    default_tensor: np.ndarray | None = None
    keys_floats: tuple[float, ...] | None = None
    keys_int64s: tuple[int, ...] | None = None
    keys_strings: tuple[str, ...] | None = None
    keys_tensor: np.ndarray | None = None
    values_floats: tuple[float, ...] | None = None
    values_int64s: tuple[int, ...] | None = None
    values_strings: tuple[str, ...] | None = None
    values_tensor: np.ndarray | None = None

    def infer(self, x: TensorType) -> TensorType:
        keys, values = self._side("keys"), self._side("values")
        check_dtype(x, {DType.of(keys.dtype)}, "X")
        if len(keys) != len(values):
            raise InferenceError(
                "keys and values differ in length", given=f"{len(keys)} and {len(values)}"
            )
        return TensorType(DType.of(values.dtype), x.dims)

    def _side(self, name: str) -> Array:
        """The keys or the values, 1-d."""
        kinds = {"floats": np.float32, "int64s": np.int64, "strings": object}
        given = {
            kind: self.__dict__[f"{name}_{kind}"]
            for kind in (*kinds, "tensor")
            if self.__dict__[f"{name}_{kind}"] is not None
        }
        if len(given) != 1:
            raise InferenceError(
                f"exactly one of the attributes {name}_* must be given", given=", ".join(given)
            )
        ((kind, values),) = given.items()
        return values.ravel() if kind == "tensor" else np.array(values, kinds[kind])

    @cached_property
    def _default(self) -> Any:
        if self.default_tensor is not None:
            return self.default_tensor.ravel()[0]
        kind = self._side("values").dtype.kind
        return {"f": self.default_float, "O": self.default_string}.get(kind, self.default_int64)

    @cached_property
    def _mapping(self) -> dict[Any, Any]:
        pairs = zip(self._side("keys").tolist(), self._side("values").tolist(), strict=True)
        return dict(pairs)

    @cached_property
    def _sorted(self) -> tuple[Array, Array]:
        """The numeric keys in ascending order, each once, with their values."""
        keys, values = self._side("keys"), self._side("values")
        # The last of equal keys: the first from behind.
        found, first = np.unique(keys[::-1], return_index=True)
        return found, values[::-1][first]

    def evaluate(self, x: Array) -> Array:
        values = self._side("values")
        if x.dtype == object:
            get, default = self._mapping.get, self._default
            made = [get(item, default) for item in x.ravel().tolist()]
            return np.array(made, values.dtype).reshape(x.shape)
        keys, ordered = self._sorted
        default = np.array(self._default, values.dtype)
        if not len(keys):
            return np.full(x.shape, default)
        # NaN is sorted last, and np.unique leaves one.
        place = np.minimum(np.searchsorted(keys, x), len(keys) - 1)
        found = keys[place] == x
        if x.dtype.kind == "f":
            found |= np.isnan(keys[place]) & np.isnan(x)
        return np.where(found, ordered[place], default)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        """A binary search among the sorted keys."""
        values = self._side("values")
        if values.dtype == object or self._side("keys").dtype == object:
            raise UnsupportedError("keys or values are strings: compiled code has numbers only")
        keys, ordered = self._sorted
        count = len(keys)
        # The default stands behind the values, the place of what is not found.
        results = lowering.constant(np.append(ordered, np.array(self._default, values.dtype)))
        table = lowering.constant(keys if count else np.zeros(1, keys.dtype))
        nan = count > 0 and keys.dtype.kind == "f" and bool(np.isnan(keys[-1]))
        x = lowering.materialise(x)

        def search(k: Kernel, value: Value) -> Value:
            low, high = k.var(k.index(0)), k.var(k.index(count))
            with k.while_(lambda: low.get() < high.get()):
                middle = (low.get() + high.get()) // 2
                less = table.read(k, (middle,)) < value
                low.set(k.select(less, middle + 1, low.get()))
                high.set(k.select(less, high.get(), middle))
            place = k.min(low.get(), max(count - 1, 0))
            same = table.read(k, (place,)).eq(value)
            place = k.select(same & (low.get() < count), place, k.const(count, I32))
            return k.select(value.ne(value), k.const(count - 1, I32), place) if nan else place

        made = lowering.empty(DType.of(values.dtype), x.shape)
        flat, target = x.reshape((x.size,)), made.reshape((x.size,))
        with lowering.kernel(f"{x.storage}_label") as k, k.loop(x.size) as at:
            found = results.read(k, (search(k, flat.read(k, (at,))),))
            buffer, position = target.address(k, (at,))
            k.write(buffer, position, found)
        return made

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        """Opset 1: strings become their places in `classes_strings`, integers the strings."""
        classes = old.attributes.pop("classes_strings", None)
        x = old.type(0)
        if classes is None or x is None:
            return
        places = tuple(range(len(classes)))
        text = x.dtype is DType.STRING
        old.attributes["keys_strings" if text else "keys_int64s"] = classes if text else places
        old.attributes["values_int64s" if text else "values_strings"] = places if text else classes

    @classmethod
    def cases(cls) -> Iterator[Case]:
        words = cls(keys_strings=("a", "b", "a"), values_int64s=(5, 6, 7))
        yield Case(words, [strings([["b", "a", "z"]])], [i64([[6, 7, -1]])])
        nan = float("nan")
        floats = cls(keys_floats=(1.0, nan, 0.5), values_strings=("one", "none", "half"))
        made = strings(["none", "half", "_Unused", "one"])
        yield Case(floats, [f32([nan, 0.5, 0.7, 1])], [made])
        tensors = cls(
            keys_tensor=i16([3, 1]), values_tensor=i16([30, 10]), default_tensor=i16([42])
        )
        yield Case(tensors, [i16([1, 2, 3])], [i16([10, 42, 30])])
        same = cls(keys_int64s=(2, 2), values_floats=(1.0, 2.0))
        yield Case(same, [i64(2)], [f32(2)])
        yield Case(words, [i64([1])], error="X has an element type")
        yield Case(cls(keys_int64s=(1,)), [i64([1])], error="one of the attributes values_*")
        wrong = cls(keys_int64s=(1,), values_int64s=(1, 2))
        yield Case(wrong, [i64([1])], error="keys and values differ in length; given: 1 and 2")
