"""Watched folders: images and arrays that appear there are answered, what is wrong is put aside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from likewise.errors import LikewiseError
from likewise.ir import DType, TensorType, symbol
from likewise.targets.ports import Port
from likewise_edge.config import Images
from likewise_edge.images import read_image

if TYPE_CHECKING:
    from pathlib import Path

    from tests.edge.devices import Device, Running


def watching(device: Device, more: str = "") -> Path:
    """The folder that the device watches, with settings for images."""
    device.configure(f'[watch.door]\nfolder = "in"\nmodel = "m"\nanswers = "answers.jsonl"\n{more}')
    folder = device.folder / "in"
    folder.mkdir()
    return folder


def answers(device: Device, agent: Running, count: int) -> dict[str, Any]:
    """The answers by file, once so many are there."""
    path = device.folder / "answers.jsonl"
    agent.wait_for(lambda: path.exists() and path.read_bytes().count(b"\n") == count)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return {line["file"]: line for line in lines}


def test_arrays(device: Device) -> None:
    folder = watching(device)
    device.install(device.bundle(2, shape=("n", 3)))
    np.save(folder / "a.npy", np.ones((2, 3), np.float32))
    np.save(folder / "long.npy", np.ones((2000, 3), np.float32))
    np.save(folder / "nan.npy", np.full((1, 3), np.nan, np.float32))
    np.save(folder / "wrong.npy", np.ones((2, 4), np.float32))
    (folder / "text.npy").write_text("hello")
    (folder / "notes.txt").write_text("nobody's business")
    with device.serving() as agent:
        found = answers(device, agent, 5)
        agent.wait_for(lambda: len(list(folder.glob("*.npy"))) == 0)
        counted = 'likewise_files_total{outcome="failed",watch="door"} 2.0'
        agent.wait_for(lambda: counted in agent.request("/metrics")[1].decode())
    good = found["a.npy"]
    assert (good["model"], good["version"], good["engine"]) == ("m", 1, "numpy")
    assert good["outputs"]["y"] == {"dtype": "float", "shape": [2, 3], "data": [2.0] * 6}
    long = found["long.npy"]["outputs"]["y"]
    np.testing.assert_array_equal(np.load(folder / long["file"]), np.full((2000, 3), 2))
    assert np.isnan(np.load(folder / found["nan.npy"]["outputs"]["y"]["file"])).all()
    assert found["wrong.npy"]["error"].startswith("m: input 'x' has the wrong shape; given: [2, 4]")
    assert found["text.npy"]["error"].startswith("the file cannot be read")
    assert {path.name for path in (folder / "failed").iterdir()} == {"wrong.npy", "text.npy"}
    assert (folder / "done" / "a.npy").exists()
    assert (folder / "notes.txt").exists()


def test_images(device: Device) -> None:
    folder = watching(device, "[watch.door.images]\nmean = [0.5]\nstd = [0.5]\n")
    device.install(device.bundle(1, shape=(1, 3, 2, 2)))
    Image.new("RGB", (4, 6), (255, 0, 51)).save(folder / "red.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    with device.serving() as agent:
        found = answers(device, agent, 2)
    data = np.array(found["red.png"]["outputs"]["y"]["data"]).reshape(3, 4)
    np.testing.assert_allclose(data, np.repeat([[1.0], [-1.0], [-0.6]], 4, axis=1), rtol=1e-6)
    assert found["broken.jpg"]["error"].startswith("this is no image that can be read")


def port(*shape: Any, kind: DType = DType.FLOAT) -> Port:
    return Port("x", TensorType(kind, tuple(symbol(n) if isinstance(n, str) else n for n in shape)))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "i.png"
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize(
    ("given", "shape"),
    [
        (port(1, 3, 4, 6), (1, 3, 4, 6)),
        (port("n", 3, "h", "w"), (1, 3, 4, 6)),
        (port(1, 8, 12, 3), (1, 8, 12, 3)),
        (port(3, 2, 3), (3, 2, 3)),
        (port(5, 6, 1), (5, 6, 1)),
        (port(1, 1, 4, 6), (1, 1, 4, 6)),
    ],
    ids=str,
)
def test_layouts(image: Path, given: Port, shape: tuple[int, ...]) -> None:
    made = read_image(image, given, Images())
    assert made.shape == shape
    assert made.dtype == np.float32
    assert 0 <= made.min() <= made.max() <= 1


def test_8_bit_values_are_kept(image: Path) -> None:
    made = read_image(image, port(4, 6, 3, kind=DType.UINT8), Images(bgr=True))
    np.testing.assert_array_equal(made[0, 0], [2, 1, 0])


@pytest.mark.parametrize("given", [port(2, 3), port(2, 3, 4, 4), port(1, 4, 4, 4)], ids=str)
def test_an_input_that_is_no_image(image: Path, given: Port) -> None:
    with pytest.raises(LikewiseError, match="the input 'x' is no image; given: float"):
        read_image(image, given, Images())


def test_an_image_that_asks_for_much(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (20_000, 20_000)).save(path)
    assert path.stat().st_size < 100_000
    with pytest.raises(LikewiseError, match="the image is too large; given: 20000 × 20000"):
        read_image(path, port(1, 3, 4, 4), Images())
