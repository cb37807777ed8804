from __future__ import annotations

import io
import os
import pickle
import re
import threading
import time
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from likewise.errors import InputError, ModelError
from likewise.onnx.encode import encode
from likewise.onnx.messages import GraphProto, ModelProto
from likewise.onnx.source import read_model
from likewise.onnx.tensors import from_array, to_array
from tests.onnx.protobuf import GRAPHS

if TYPE_CHECKING:
    from pathlib import Path

MODEL = encode(ModelProto(ir_version=10, graph=GraphProto(name="g")))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "m.onnx"
    file.write_bytes(MODEL)
    return file


def test_from_a_path(path: Path) -> None:
    for given in (path, str(path)):
        model, source = read_model(given)
        assert model.ir_version == 10
        assert (source.name, source.folder) == (str(path), path.parent)


def test_from_bytes() -> None:
    for data in (MODEL, bytearray(MODEL), memoryview(MODEL)):
        model, source = read_model(data)
        assert model.ir_version == 10
        assert (source.name, source.folder) == ("<bytes>", None)


def test_from_a_binary_file(path: Path) -> None:
    assert read_model(io.BytesIO(MODEL))[1].folder is None
    with path.open("rb") as file:
        model, source = read_model(file)
    assert model.ir_version == 10
    assert source.folder == path.parent


def test_from_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(MODEL,))
    writer.start()
    assert read_model(pipe)[0].ir_version == 10
    writer.join()


def test_bytes_that_change_later_do_not_change_the_model() -> None:
    graph = GraphProto(initializer=[from_array(np.array([7], np.uint8))])
    data = bytearray(encode(ModelProto(graph=graph)))
    model, _ = read_model(data)
    data[:] = bytes(len(data))
    assert model.graph is not None
    assert to_array(model.graph.initializer[0]).tolist() == [7]


def test_a_large_model_opens_at_once(tmp_path: Path) -> None:
    """100 MB: weights are mapped, neither read nor copied."""
    array = np.zeros(100 << 20, np.uint8)
    path = tmp_path / "large.onnx"
    path.write_bytes(encode(ModelProto(graph=GraphProto(initializer=[from_array(array)]))))
    start = time.process_time()
    model, _ = read_model(path)
    assert model.graph is not None
    weights = to_array(model.graph.initializer[0])
    assert time.process_time() - start < 0.1
    assert weights.shape == array.shape
    assert not weights.flags.owndata


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=re.escape(f"there is no file '{tmp_path / 'x.onnx'}'")):
        read_model(tmp_path / "x.onnx")


def test_a_path_that_no_system_has() -> None:
    with pytest.raises(InputError, match="cannot be read: embedded null byte"):
        read_model("a\0b")


def test_a_folder(path: Path) -> None:
    with pytest.raises(InputError, match=r"is a folder, not a model; it holds m\.onnx"):
        read_model(path.parent)


def test_no_source_at_all() -> None:
    with pytest.raises(InputError, match="from a path, bytes or a binary file; given: int"):
        read_model(3)  # type: ignore[arg-type]


def test_a_text_file() -> None:
    with pytest.raises(InputError, match="gives text; allowed: a file opened with 'rb'"):
        read_model(io.StringIO("text"))  # type: ignore[arg-type]


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("data.pkl", b"x")
    return file.getvalue()


def _npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.arange(3))
    return file.getvalue()


LOOKALIKES = {
    "a ZIP archive": _zip(),
    "a Python pickle": pickle.dumps({"a": 1}),
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n",
    "an HTML or XML page": b"\n<!DOCTYPE html><html><head></head></html>",
    "JSON text": b'{"error": "not found"}',
    "plain text": b"# Model card\n\nThis model does nothing.\n",
    "a TFLite model": b"\x1c\0\0\0TFL3\0\0",
    "a model in onnxruntime's own ORT format": b"\x1c\0\0\0ORTM\0\0",
    "a safetensors file": b"\x40\0\0\0\0\0\0\0" + b'{"__metadata__":{}}',
    "a GGUF file": b"GGUF\x03\0\0\0",
    "a NumPy .npy file": _npy(),
    "an HDF5 file": b"\x89HDF\r\n\x1a\n",
    "a gzip archive": b"\x1f\x8b\x08\0",
    "a WebAssembly module": b"\0asm\x01\0\0\0",
    "a PNG image": b"\x89PNG\r\n\x1a\n",
}


@pytest.mark.parametrize("meaning", LOOKALIKES)
def test_other_formats_are_named(tmp_path: Path, meaning: str) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(LOOKALIKES[meaning])
    message = f"{path}: this is not an ONNX model but {meaning}"
    with pytest.raises(ModelError, match=re.escape(message)):
        read_model(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "<bytes>: the file is empty"),
        (MODEL[:-1], "<bytes>: model: length 3 at byte 3 goes past the end of the file (6 bytes)"),
        (
            b"\x08\x0a",
            "<bytes>: model: the file holds no graph; a tensor (.pb) or another framework",
        ),
        (b"\x00" * 64, "the field tag before byte 1 has the invalid number 0"),
    ],
)
def test_broken_models(data: bytes, message: str) -> None:
    with pytest.raises(ModelError, match=re.escape(message)):
        read_model(data)


@pytest.mark.parametrize("size", [1, 100, 5000, -1])
def test_truncated_models(size: int) -> None:
    with pytest.raises(ModelError):
        read_model(GRAPHS[0].read_bytes()[:size])
