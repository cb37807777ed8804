from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from likewise.errors import ModelError
from likewise.onnx.external import ExternalData
from likewise.onnx.messages import StringStringEntryProto, TensorProto
from likewise.onnx.source import read_model
from likewise.onnx.tensors import to_array

if TYPE_CHECKING:
    from pathlib import Path


def external(location: str | None = None, **entries: object) -> TensorProto:
    if location is not None:
        entries = {"location": location, **entries}
    return TensorProto(
        name="w",
        dims=[2],
        data_type=6,
        data_location=1,
        external_data=[
            StringStringEntryProto(key=key, value=str(value)) for key, value in entries.items()
        ],
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of data, with a secret beside it."""
    inside = tmp_path / "model"
    (inside / "sub").mkdir(parents=True)
    (inside / "w.bin").write_bytes(np.arange(4, dtype="<i4").tobytes())
    (inside / "sub" / "w.bin").write_bytes(np.arange(10, 12, dtype="<i4").tobytes())
    (tmp_path / "secret.bin").write_bytes(bytes(8))
    return inside


@pytest.mark.parametrize(
    ("location", "entries", "expected"),
    [
        ("w.bin", {"length": 8}, [0, 1]),
        ("w.bin", {"offset": 8}, [2, 3]),
        ("w.bin", {"offset": 4, "length": 8, "checksum": "x"}, [1, 2]),
        ("sub/w.bin", {}, [10, 11]),
        ("./sub/./w.bin", {}, [10, 11]),
    ],
)
def test_reads_a_span(
    folder: Path, location: str, entries: dict[str, int], expected: list[int]
) -> None:
    assert to_array(external(location, **entries), ExternalData(folder)).tolist() == expected


def test_an_offset_need_not_be_aligned(folder: Path) -> None:
    array = to_array(external("w.bin", offset=1, length=8), ExternalData(folder))
    assert array.tolist() == [0x01000000, 0x02000000]
    assert not array.flags.owndata


def test_a_file_is_mapped_once(folder: Path) -> None:
    data = ExternalData(folder)
    first, second = (data.read(external(name, length=8)) for name in ("w.bin", "./w.bin"))
    assert first.obj is second.obj


def test_links_inside_the_folder_are_followed(folder: Path) -> None:
    (folder / "link.bin").symlink_to(folder / "sub" / "w.bin")
    assert to_array(external("link.bin"), ExternalData(folder)).tolist() == [10, 11]


def test_the_folder_itself_may_be_a_link(folder: Path) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder)
    assert to_array(external("sub/w.bin"), ExternalData(link)).tolist() == [10, 11]


@pytest.mark.parametrize(
    "location",
    [
        "../secret.bin",
        "sub/../../secret.bin",
        "sub/../w.bin",
        "..\\secret.bin",
        "/etc/hostname",
        "\\\\host\\share\\w.bin",
        "C:\\w.bin",
        "c:w.bin",
        "w.bin\0",
        "..",
    ],
)
def test_locations_outside_the_folder_are_refused(folder: Path, location: str) -> None:
    with pytest.raises(ModelError, match=r"tensor 'w': .*is refused: it must be a relative path"):
        to_array(external(location), ExternalData(folder))


@pytest.mark.parametrize("location", ["link.bin", "linked/secret.bin"])
def test_links_out_of_the_folder_are_refused(folder: Path, location: str) -> None:
    (folder / "link.bin").symlink_to(folder.parent / "secret.bin")
    (folder / "linked").symlink_to(folder.parent)
    with pytest.raises(ModelError, match="is refused: a link leads out of the model's folder"):
        to_array(external(location), ExternalData(folder))


@pytest.mark.parametrize(
    ("location", "entries", "message"),
    [
        (None, {}, "external data without a location"),
        ("", {}, "external data without a location"),
        ("absent.bin", {}, "'absent.bin' cannot be read: No such file or directory; put it beside"),
        ("w.bin/x", {}, "cannot be read: Not a directory"),
        ("x" * 300, {}, "cannot be read: File name too long"),
        ("sub", {}, "it is not a regular file"),
        ("pipe", {}, "it is not a regular file"),
        ("loop", {}, "cannot be read"),
        ("w.bin", {"offset": 17}, "external data 'w.bin': offset 17 lies beyond the file (16 byte"),
        ("w.bin", {"offset": 12, "length": 8}, "8 bytes from offset 12 go beyond the file (16 b"),
        ("w.bin", {"offset": 2**63}, "lies beyond the file"),
        ("w.bin", {"offset": -1}, "offset is no number of bytes; given: '-1'"),
        ("w.bin", {"length": ""}, "length is no number of bytes; given: ''"),
        ("w.bin", {"length": "9" * 5000}, "length is no number of bytes"),
        ("w.bin", {"length": "٣"}, "length is no number of bytes"),
        ("w.bin", {}, "2 elements of int32 take 8 bytes; given: 16 bytes"),
    ],
)
def test_broken_external_data(
    folder: Path, location: str | None, entries: dict[str, object], message: str
) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to(folder / "loop")
    with pytest.raises(ModelError, match=re.escape(message)) as caught:
        to_array(external(location, **entries), ExternalData(folder))
    assert str(caught.value).startswith("tensor 'w': ")


def test_without_a_folder() -> None:
    with pytest.raises(ModelError, match="given without a folder; load the model from its path"):
        to_array(external("w.bin"), ExternalData(None))


def test_reads_what_onnx_saves(tmp_path: Path) -> None:
    arrays = {f"w{index}": np.full((10, index), index, np.float32) for index in range(5)}
    graph = onnx.helper.make_graph(
        [], "g", [], [], [numpy_helper.from_array(value, name) for name, value in arrays.items()]
    )
    path = tmp_path / "model.onnx"
    onnx.save(
        onnx.helper.make_model(graph),
        path,
        save_as_external_data=True,
        location="model.onnx.data",
        size_threshold=0,
    )
    model, source = read_model(path)
    assert model.graph is not None
    data = ExternalData(source.folder)
    for tensor in model.graph.initializer:
        np.testing.assert_array_equal(to_array(tensor, data), arrays[tensor.name])
