"""The Open Inference Protocol, version 2, over HTTP: tensors as JSON and as binary data."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.errors import InputError
from likewise.ir import DType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from likewise.bundle.manifest import Manifest
    from likewise.ir import Array
    from likewise.targets.ports import Port

__all__ = ["HEADER_LENGTH", "Request", "model_metadata", "read_request", "write_response"]

HEADER_LENGTH: Final = "Inference-Header-Content-Length"
_JSON: Final = "application/json"

DATATYPES: Final[Mapping[str, DType]] = {
    "BOOL": DType.BOOL,
    "UINT8": DType.UINT8,
    "UINT16": DType.UINT16,
    "UINT32": DType.UINT32,
    "UINT64": DType.UINT64,
    "INT8": DType.INT8,
    "INT16": DType.INT16,
    "INT32": DType.INT32,
    "INT64": DType.INT64,
    "FP16": DType.FLOAT16,
    "FP32": DType.FLOAT,
    "FP64": DType.DOUBLE,
    "BF16": DType.BFLOAT16,
    "BYTES": DType.STRING,
}
_NAMES: Final = {kind: name for name, kind in DATATYPES.items()}


@dataclass(frozen=True, slots=True)
class Request:
    """`wanted` says of each output that is to be sent whether it goes as binary data.

    `seconds` is how long the client waits; None where it does not say.
    """

    id: str | None
    feeds: dict[str, Array]
    wanted: dict[str, bool]
    seconds: float | None = field(default=None)


def model_metadata(manifest: Manifest) -> dict[str, Any]:
    """What the protocol tells of a model."""
    return {
        "name": manifest.name,
        "versions": [str(manifest.version)],
        "platform": "likewise",
        "inputs": [_tensor_metadata(port) for port in manifest.inputs],
        "outputs": [_tensor_metadata(port) for port in manifest.outputs],
    }


def _tensor_metadata(port: Port) -> dict[str, Any]:
    shape = [dim if isinstance(dim, int) else -1 for dim in port.shape or ()]
    return {"name": port.name, "datatype": _datatype(port), "shape": shape}


def _datatype(port: Port) -> str:
    return _NAMES.get(port.dtype, str(port.dtype).upper()) if port.dtype else "?"


def read_request(body: bytes, header_length: str | None, outputs: Sequence[str]) -> Request:
    """The request in a body whose JSON ends where `header_length` says, binary data after it.

    `outputs` are those of the model. Raises `InputError` for what the protocol does not allow.
    """
    head, tail = body, memoryview(b"")
    if header_length is not None:
        right = header_length.isdecimal() and len(header_length) < 16
        if not right or int(header_length) > len(body):
            raise InputError(
                f"the header {HEADER_LENGTH} is wrong",
                given=header_length,
                allowed=f"a number up to {len(body)}, the bytes of the body",
            )
        head, tail = body[: int(header_length)], memoryview(body)[int(header_length) :]
    try:
        found = json.loads(head)
    except (ValueError, RecursionError) as error:
        raise InputError("the request is no JSON", given=error) from None
    _check(isinstance(found, dict), "the request is no JSON object", type(found).__name__)
    given = found.get("inputs")
    _check(isinstance(given, list), "'inputs' is no list", type(given).__name__)
    feeds: dict[str, Array] = {}
    for entry in given:
        name, array, tail = _read_tensor(entry, tail)
        _check(name not in feeds, f"the input {name!r} is given twice")
        feeds[name] = array
    _check(not len(tail), "there is more binary data than inputs take", f"{len(tail)} bytes left")
    parameters = _parameters(found)
    request_id = found.get("id")
    _check(request_id is None or isinstance(request_id, str), "'id' is no text", request_id)
    return Request(request_id, feeds, _wanted(found, parameters, outputs), _seconds(parameters))


def _wanted(
    found: dict[str, Any], parameters: dict[str, Any], outputs: Sequence[str]
) -> dict[str, bool]:
    binary = parameters.get("binary_data_output", False) is True
    if not found.get("outputs"):
        return dict.fromkeys(outputs, binary)
    _check(isinstance(found["outputs"], list), "'outputs' is no list")
    wanted = {}
    for entry in found["outputs"]:
        _check(isinstance(entry, dict), "an entry of 'outputs' is no object", entry)
        name = entry.get("name")
        _check(name in outputs, f"the model has no output {name!r}", None, ", ".join(outputs))
        wanted[name] = _parameters(entry).get("binary_data", binary) is True
    return wanted


def _seconds(parameters: dict[str, Any]) -> float | None:
    microseconds = parameters.get("timeout")
    if microseconds is None:
        return None
    right = isinstance(microseconds, int) and not isinstance(microseconds, bool)
    _check(right and microseconds >= 0, "'timeout' is wrong", microseconds, "microseconds")
    return microseconds / 1e6 or None


def _parameters(entry: dict[str, Any]) -> dict[str, Any]:
    found = entry.get("parameters", {})
    _check(isinstance(found, dict), "'parameters' is no object", found)
    return found


def _read_tensor(entry: Any, tail: memoryview) -> tuple[str, Array, memoryview]:
    """Name and content of an input, and the binary data after its own."""
    _check(isinstance(entry, dict), "an entry of 'inputs' is no object", entry)
    name, datatype, shape = (entry.get(key) for key in ("name", "datatype", "shape"))
    _check(isinstance(name, str), "an input's 'name' is no text", name)
    try:
        kind = DATATYPES.get(datatype) if isinstance(datatype, str) else None
        _check(kind is not None, "there is no such 'datatype'", datatype, ", ".join(DATATYPES))
        right = isinstance(shape, list) and all(type(n) is int and 0 <= n < 2**40 for n in shape)
        _check(right and len(shape) <= 32, "'shape' is wrong", shape, "a list of sizes")
        size = _parameters(entry).get("binary_data_size")
        if size is None:
            return name, _from_json(entry.get("data"), kind, shape), tail
        right = type(size) is int and 0 <= size <= len(tail)
        _check(right, "'binary_data_size' is wrong", size, f"up to {len(tail)} bytes")
        return name, _from_bytes(tail[:size], kind, shape), tail[size:]
    except InputError as error:
        raise error.at(f"input {name!r}") from None


_KINDS: Final = {"b": "b", "f": "iuf", "i": "iu", "u": "iu"}
"""The NumPy kinds of JSON numbers that become an array of a kind without loss."""


def _from_json(data: Any, kind: Any, shape: list[int]) -> Array:
    _check(isinstance(data, list), "'data' is no list", type(data).__name__)
    try:
        if kind is DType.STRING:
            array = np.array(data, object)
            _check(all(isinstance(x, str) for x in array.flat), "'data' holds more than text")
        else:
            array = np.array(data)
            wanted = kind.numpy.kind if kind is not DType.BFLOAT16 else "f"
            fits = array.size == 0 or array.dtype.kind in _KINDS[wanted]
            _check(fits, "'data' holds other values than its 'datatype'", array.dtype)
            if wanted == "f":
                with np.errstate(over="raise"):
                    array = array.astype(kind.numpy)
            elif array.dtype != kind.numpy:
                array = np.array(data, kind.numpy)  # raises for what does not fit
    except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise InputError("'data' is wrong", given=error) from None
    _check(array.size == prod(shape), "'data' has another size than 'shape'", array.size, shape)
    return array.reshape(shape)


def _from_bytes(raw: memoryview, kind: Any, shape: list[int]) -> Array:
    if kind is DType.STRING:
        return _texts(raw, shape)
    wanted = prod(shape) * kind.numpy.itemsize
    _check(len(raw) == wanted, "'binary_data_size' does not fit 'shape'", len(raw), wanted)
    return np.frombuffer(raw, kind.numpy.newbyteorder("<")).astype(kind.numpy).reshape(shape)


def _texts(raw: memoryview, shape: list[int]) -> Array:
    """Strings, each after its length in four bytes."""
    found: list[str | bytes] = []
    while len(raw):
        size = struct.unpack("<I", raw[:4])[0] if len(raw) >= 4 else len(raw)
        _check(len(raw) >= 4 + size, "the binary data ends within a string", len(raw))
        piece = bytes(raw[4 : 4 + size])
        try:
            found.append(piece.decode())
        except UnicodeDecodeError:
            found.append(piece)
        raw = raw[4 + size :]
    _check(len(found) == prod(shape), "the strings do not fit 'shape'", len(found), shape)
    array = np.empty(len(found), object)
    array[:] = found
    return array.reshape(shape)


def write_response(
    request: Request, manifest: Manifest, outputs: Mapping[str, Array]
) -> tuple[bytes, dict[str, str]]:
    """The body of the answer and its headers.

    Raises `InputError` where JSON cannot hold an output that was asked for without binary data.
    """
    described, chunks = [], []
    for name, binary in request.wanted.items():
        array = outputs[name]
        kind = DType.of(array.dtype)
        entry: dict[str, Any] = {
            "name": name,
            "datatype": _NAMES[kind],
            "shape": list(array.shape),
        }
        if binary:
            chunks.append(_to_bytes(array, kind))
            entry["parameters"] = {"binary_data_size": len(chunks[-1])}
        else:
            entry["data"] = _to_json(name, array, kind)
        described.append(entry)
    content: dict[str, Any] = {
        "model_name": manifest.name,
        "model_version": str(manifest.version),
        "outputs": described,
    }
    if request.id is not None:
        content["id"] = request.id
    head = json.dumps(content).encode()
    if not chunks:
        return head, {"content-type": _JSON}
    headers = {"content-type": "application/octet-stream", HEADER_LENGTH: str(len(head))}
    return b"".join([head, *chunks]), headers


def _to_bytes(array: Array, kind: DType) -> bytes:
    if kind is not DType.STRING:
        return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    pieces = [x if isinstance(x, bytes) else str(x).encode() for x in array.flat]
    return b"".join(struct.pack("<I", len(piece)) + piece for piece in pieces)


def _to_json(name: str, array: Array, kind: DType) -> list[Any]:
    if kind is DType.STRING:
        return [x.decode(errors="replace") if isinstance(x, bytes) else str(x) for x in array.flat]
    if kind in {DType.BFLOAT16, DType.FLOAT16}:
        array = array.astype(np.float32)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(
            f"the output {name!r} holds NaN or infinity, which JSON does not have",
            hint="ask for it with the parameter binary_data",
        )
    return array.reshape(-1).tolist()


def _check(right: Any, what: str, given: Any = None, allowed: Any = None) -> None:
    if not right:
        raise InputError(what, given=None if given is None else repr(given), allowed=allowed)
