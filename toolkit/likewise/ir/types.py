"""What a value can be: element types, tensor types, and the containers of ONNX."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

import numpy as np

from likewise.errors import UnsupportedError
from likewise.ir.dims import Dim, Expression, checked_rank, fresh, product

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

__all__ = [
    "Array",
    "DType",
    "MapType",
    "OptionalType",
    "SequenceType",
    "Shape",
    "TensorType",
    "Type",
    "UnknownRankError",
    "type_of",
]

Array: TypeAlias = "NDArray[Any]"
Shape: TypeAlias = tuple[Dim, ...]


class DType(Enum):
    """The element types of ONNX; the value is the number that the file format gives them."""

    FLOAT = 1
    UINT8 = 2
    INT8 = 3
    UINT16 = 4
    INT16 = 5
    INT32 = 6
    INT64 = 7
    STRING = 8
    BOOL = 9
    FLOAT16 = 10
    DOUBLE = 11
    UINT32 = 12
    UINT64 = 13
    COMPLEX64 = 14
    COMPLEX128 = 15
    BFLOAT16 = 16
    FLOAT8E4M3FN = 17
    FLOAT8E4M3FNUZ = 18
    FLOAT8E5M2 = 19
    FLOAT8E5M2FNUZ = 20
    UINT4 = 21
    INT4 = 22
    FLOAT4E2M1 = 23
    FLOAT8E8M0 = 24
    UINT2 = 25
    INT2 = 26
    FLOAT6E2M3 = 27
    FLOAT6E3M2 = 28

    def __repr__(self) -> str:
        return f"DType.{self.name}"

    def __str__(self) -> str:
        return self.name.lower()

    @classmethod
    def of(cls, dtype: np.dtype[Any] | type) -> DType:
        """The element type of a NumPy dtype; strings are object arrays or `<U`/`S` arrays.

        Raises `UnsupportedError` for a dtype that ONNX does not have (datetime64, longdouble, …).
        """
        dtype = np.dtype(dtype)
        found = _BY_RECORD.get(dtype) if dtype.names else _BY_NUMPY_NAME.get(dtype.name)
        if found is not None:
            return found
        if dtype.kind in "OUST":
            return cls.STRING
        raise UnsupportedError(
            "ONNX has no element type for this NumPy dtype",
            given=dtype,
            allowed=", ".join(_BY_NUMPY_NAME),
        )

    @cached_property
    def numpy(self) -> np.dtype[Any]:
        """The NumPy dtype; strings are `object`.

        NumPy lacks bfloat16 and the types of 8 bits and less: an array of them holds bits that
        its dtype names, that of `ml_dtypes` where it is installed, else `record`.
        """
        name = _NUMPY_NAMES[self]
        if not self.is_narrow:
            return np.dtype(name)
        try:
            import ml_dtypes
        except ImportError:
            return self.record
        found: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
        return found

    @property
    def is_narrow(self) -> bool:
        """Whether it is one of those that NumPy lacks."""
        return self.value >= DType.BFLOAT16.value

    @property
    def record(self) -> np.dtype[Any]:
        """A record of one field, named for the type: what holds its bits without `ml_dtypes`."""
        return np.dtype([(_NUMPY_NAMES[self], f"V{-(-self.bits // 8)}")])

    @property
    def bits(self) -> int:
        """Bits an element takes in a file; 0 for strings, whose length varies."""
        return _BITS[self]

    @property
    def is_float(self) -> bool:
        """Whether it is a real floating-point type, the 8-, 6- and 4-bit ones included."""
        return "FLOAT" in self.name or self is DType.DOUBLE

    @property
    def is_integer(self) -> bool:
        """Whether it is a signed or unsigned integer; bool is not."""
        return "INT" in self.name

    @property
    def is_signed(self) -> bool:
        """Whether it has negative values: signed integers and every float but float8e8m0."""
        return not (self.name.startswith("UINT") or self in _UNSIGNED)

    @property
    def is_complex(self) -> bool:
        """Whether it is one of the two complex types."""
        return "COMPLEX" in self.name


_UNSIGNED: Final = frozenset({DType.BOOL, DType.STRING, DType.FLOAT8E8M0})

_NUMPY_NAMES: Final[Mapping[DType, str]] = {
    DType.FLOAT: "float32",
    DType.UINT8: "uint8",
    DType.INT8: "int8",
    DType.UINT16: "uint16",
    DType.INT16: "int16",
    DType.INT32: "int32",
    DType.INT64: "int64",
    DType.STRING: "object",
    DType.BOOL: "bool",
    DType.FLOAT16: "float16",
    DType.DOUBLE: "float64",
    DType.UINT32: "uint32",
    DType.UINT64: "uint64",
    DType.COMPLEX64: "complex64",
    DType.COMPLEX128: "complex128",
    DType.BFLOAT16: "bfloat16",
    DType.FLOAT8E4M3FN: "float8_e4m3fn",
    DType.FLOAT8E4M3FNUZ: "float8_e4m3fnuz",
    DType.FLOAT8E5M2: "float8_e5m2",
    DType.FLOAT8E5M2FNUZ: "float8_e5m2fnuz",
    DType.UINT4: "uint4",
    DType.INT4: "int4",
    DType.FLOAT4E2M1: "float4_e2m1fn",
    DType.FLOAT8E8M0: "float8_e8m0fnu",
    DType.UINT2: "uint2",
    DType.INT2: "int2",
    DType.FLOAT6E2M3: "float6_e2m3fn",
    DType.FLOAT6E3M2: "float6_e3m2fn",
}
_BY_NUMPY_NAME: Final = {name: dtype for dtype, name in _NUMPY_NAMES.items()}
_BITS: Final[Mapping[DType, int]] = {
    DType.STRING: 0,
    DType.BOOL: 8,
    DType.FLOAT: 32,
    DType.DOUBLE: 64,
    DType.COMPLEX64: 64,
    DType.COMPLEX128: 128,
    DType.BFLOAT16: 16,
    DType.FLOAT16: 16,
    DType.FLOAT4E2M1: 4,
    DType.FLOAT6E2M3: 6,
    DType.FLOAT6E3M2: 6,
    **{dtype: 8 for dtype in DType if "FLOAT8" in dtype.name},
    **{dtype: int(dtype.name.split("INT")[1]) for dtype in DType if "INT" in dtype.name},
}


_BY_RECORD: Final = {dtype.record: dtype for dtype in DType if dtype.is_narrow}


class UnknownRankError(Exception):
    """A shape was asked for where not even the rank is known.

    Internal: the caller of an operator's `infer` turns it into an output of unknown rank.
    """


@dataclass(frozen=True)
class TensorType:
    """Element type and shape of a tensor, and its content where that is known.

    `dims` is None while the rank is unknown; each dim is an int or a symbolic expression.
    `value` is an array of `dtype`, or, for integers, an object array of dims (what `Shape` of a
    tensor with symbolic dims gives). Content takes no part in equality.
    """

    dtype: DType
    dims: Shape | None
    value: Array | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.dims is not None:
            checked_rank(len(self.dims))
        if any(isinstance(dim, Expression) and _is_long(dim) for dim in self.dims or ()):
            # A size that only a run can tell says less, and is as true.
            dims = (fresh("size") if _is_long(dim) else dim for dim in self.dims or ())
            object.__setattr__(self, "dims", tuple(dims))

    @property
    def shape(self) -> Shape:
        """The dims; raises `UnknownRankError` while the rank is unknown."""
        if self.dims is None:
            raise UnknownRankError
        return self.dims

    @property
    def rank(self) -> int:
        """The number of dims; raises `UnknownRankError` while it is unknown."""
        return len(self.shape)

    @property
    def size(self) -> Dim:
        """The number of elements; raises `UnknownRankError` while the rank is unknown."""
        return product(self.shape)

    @property
    def is_static(self) -> bool:
        """Whether every dim is a known number."""
        return self.dims is not None and all(isinstance(dim, int) for dim in self.dims)

    @property
    def constant(self) -> Array | None:
        """The content as an array of `dtype`, or None where any of it is symbolic or unknown."""
        value = self.value
        if value is None or (value.dtype == object and self.dtype is not DType.STRING):
            return None
        return value

    def with_shape(self, shape: Iterable[Dim]) -> Self:
        """The same element type with another shape and no content."""
        return replace(self, dims=tuple(shape), value=None)

    def with_dtype(self, dtype: DType) -> Self:
        """The same shape with another element type and no content."""
        return replace(self, dtype=dtype, value=None)

    def with_value(self, value: Array) -> Self:
        """The same type with known content; integers that hold symbols become an object array."""
        if value.dtype == object and self.dtype is not DType.STRING:
            if any(_is_long(item) for item in value.flat):
                return replace(self, value=None)
            value = _concrete(value, self.dtype)
        return replace(self, value=value)

    def substitute(self, bindings: Mapping[str, int]) -> TensorType:
        """The type with symbols replaced by numbers, where `bindings` names them."""
        if self.dims is None:
            return self
        shape = tuple(
            dim.substitute(bindings) if isinstance(dim, Expression) else dim for dim in self.dims
        )
        return TensorType(self.dtype, shape, self.constant)

    def __str__(self) -> str:
        if self.dims is None:
            return f"{self.dtype}[…]"
        return f"{self.dtype}[{', '.join(map(str, self.dims))}]"


_LONGEST: Final = 256
_DEEPEST: Final = 30


def _is_long(dim: Dim) -> bool:
    """Whether `dim` is an expression so long that working with it costs more than it tells."""
    return isinstance(dim, Expression) and (dim.weight > _LONGEST or dim.depth > _DEEPEST)


def _concrete(value: Array, dtype: DType) -> Array:
    """`value` as numbers of `dtype` when no symbol is left in it."""
    if any(isinstance(item, Expression) for item in value.flat):
        return value
    return value.astype(dtype.numpy)


@dataclass(frozen=True)
class SequenceType:
    """A list of values of one type; `element` of None: not known yet."""

    element: Type | None

    def __str__(self) -> str:
        return f"seq({self.element or '?'})"


@dataclass(frozen=True)
class OptionalType:
    """A value that may be absent; `element` of None: not known yet."""

    element: Type | None

    def __str__(self) -> str:
        return f"optional({self.element or '?'})"


@dataclass(frozen=True)
class MapType:
    """A dict from integers or strings to values of one type (`ai.onnx.ml`)."""

    key: DType
    value: Type

    def __str__(self) -> str:
        return f"map({self.key}, {self.value})"


Type: TypeAlias = TensorType | SequenceType | OptionalType | MapType


def type_of(value: Any) -> Type:
    """The type of a run-time value: an array, a list (sequence), a dict (map) or None (absent)."""
    if value is None:
        return OptionalType(None)
    if isinstance(value, list):
        return SequenceType(_type_of_elements([type_of(item) for item in value]))
    if isinstance(value, dict):
        keys = DType.STRING if any(isinstance(key, str) for key in value) else DType.INT64
        first = next(iter(value.values()), np.float32(0))
        return MapType(keys, type_of(np.asarray(first)))
    return TensorType(DType.of(value.dtype), value.shape, value)


def _type_of_elements(types: list[Type]) -> Type | None:
    """What all elements of a sequence have in common; None for an empty one."""
    first = next(iter(types), None)
    if not isinstance(first, TensorType):
        return first
    same = all(isinstance(x, TensorType) and x.dims == first.dims for x in types)
    return TensorType(first.dtype, first.dims if same else None)
