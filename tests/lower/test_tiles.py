"""The table of tiles: what it says, what files of it may say, and that no bit depends on it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from likewise.errors import InputError
from likewise.ir import DType, Graph, TensorType, Value
from likewise.lower.graph import lower_graph
from likewise.lower.tiles import FORMAT, Shape, Tiles, TileSize, default_tiles
from likewise.ops.build import GraphBuilder
from likewise.targets.wasm import Numerics, emit_lowered, load

if TYPE_CHECKING:
    from pathlib import Path

    from likewise.ir import Array

TABLE = default_tiles()


@pytest.mark.parametrize(
    ("shape", "tile"),
    [
        ("f32_gemm 1x3136x64x256", "6x8"),
        ("i16_conv_3x3 1x56x56x64x288", "2x16"),
        ("f32_gemv 1x1000x512", "1x32"),
        ("f32_gemv 2x1000x512", "2x16"),
        ("f32_dwconv_3x3 1x56x56x96x9", "4x4"),
        ("f32_dwconv_3x3s2 1x56x56x96x9", "2x4"),
    ],
)
def test_the_first_rule_that_fits_says_the_tile(shape: str, tile: str) -> None:
    read = Shape.read(shape)
    assert str(read) == shape
    assert str(TABLE.of(read)) == tile
    assert TABLE.candidates(read)[0] == TABLE.of(read)
    assert len(set(TABLE.candidates(read))) == len(TABLE.candidates(read))


def test_strict_numerics_has_tiles_of_its_own() -> None:
    strict = TABLE.under("strict")
    for kernel in ("f32_gemm", "f32_conv_3x3", "f32_winograd_4x4", "f32_batched", "f32_attention"):
        shape = Shape(kernel, (1, 3136, 64, 256))
        assert (str(TABLE.of(shape)), str(strict.of(shape))) == ("6x8", "5x8")
        assert set(strict.candidates(shape)) - {TileSize(5, 8)} <= set(TABLE.candidates(shape))
    for kernel in ("i16_conv_3x3", "i16_winograd_4x4", "f32_gemv", "f32_dwconv_3x3"):
        shape = Shape(kernel, (1, 3136, 64, 256))
        assert strict.of(shape) == TABLE.of(shape)


def written(folder: Path, content: Any) -> Path:
    path = folder / "model.tiles.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_file_says_the_tiles_of_its_shapes(tmp_path: Path) -> None:
    shape, other = Shape.read("f32_gemm 9x8x7"), Shape.read("f32_gemm 9x8x6")
    table = TABLE.choosing({shape: TileSize(2, 16)}, "an engine")
    made = Tiles.read(table.save(tmp_path / "tiles.json"))
    assert made == table
    assert made.engine == "an engine"
    assert (made.of(shape), made.of(other)) == (TileSize(2, 16), TABLE.of(other))
    assert made.candidates(shape) == TABLE.candidates(shape)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "the file is not JSON; given: "),
        ("[" * 100_000, "the file is not JSON; given: "),
        ([], f"the file holds no tiles; given: list; allowed: {FORMAT}; `likewise compile --tune`"),
        ({"format": "likewise.tiles/9"}, "the file holds no tiles; given: likewise.tiles/9"),
        ({"format": FORMAT}, "'tiles' is no object of shapes; given: NoneType"),
        (
            {"format": FORMAT, "tiles": {"gemm": "6x8"}},
            "this is no shape of a kernel; given: 'gemm'; allowed: such as 'f32_gemm 9x8x7'",
        ),
        (
            {"format": FORMAT, "tiles": {"f32_gemm 9x8x7": [6, 8]}},
            "f32_gemm 9x8x7: this is no tile; given: [6, 8]; allowed: such as '6x8'",
        ),
        (
            {"format": FORMAT, "tiles": {"f32_gemv 1x8x7": "6x8"}},
            "f32_gemv 1x8x7: the kernel has no such tile; given: 6x8; allowed: 1x32, 1x8, 1x16",
        ),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: Any, message: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(InputError) as caught:
        Tiles.read(path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read '.*none\.json': No such file"):
        Tiles.read(tmp_path / "none.json")
    with pytest.raises(InputError, match=r"cannot write '.*tiles\.json': No such file"):
        TABLE.save(tmp_path / "none" / "tiles.json")


def draw(dtype: Any, *shape: int) -> Array:
    rng = np.random.default_rng(5)
    if np.dtype(dtype).kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    return rng.integers(0, 100, shape).astype(dtype)


KERNELS: dict[str, tuple[Array, Any]] = {
    # By what the kernel is called: an input, and what is written behind it.
    "f32_gemm": (
        draw("f4", 29, 300),
        lambda b, x: b.Erf(b.MatMul(x, b.constant(draw("f4", 300, 45)))),
    ),
    "f32_gemv": (draw("f4", 2, 300), lambda b, x: b.MatMul(x, b.constant(draw("f4", 300, 45)))),
    "f32_gemm of places": (
        draw("f4", 2, 13, 11, 7),
        lambda b, x: b.Conv(x, b.constant(draw("f4", 21, 13, 1, 1)), b.constant(draw("f4", 21))),
    ),
    "f32_conv_3x2": (
        draw("f4", 1, 12, 11, 17),
        lambda b, x: b.Sigmoid(
            b.Conv(x, b.constant(draw("f4", 38, 6, 3, 2)), group=2, strides=(1, 2))
        ),
    ),
    "f32_winograd_3x3": (
        draw("f4", 1, 16, 13, 12),
        lambda b, x: b.Conv(x, b.constant(draw("f4", 24, 16, 3, 3)), pads=(1, 1, 1, 1)),
    ),
    "f32_dwconv_3x3": (
        draw("f4", 1, 10, 9, 13),
        lambda b, x: b.Conv(x, b.constant(draw("f4", 10, 1, 3, 3)), group=10),
    ),
    "f32_dwconv_3x3s2": (
        draw("f4", 1, 10, 9, 13),
        lambda b, x: b.Conv(x, b.constant(draw("f4", 10, 1, 3, 3)), group=10, strides=(1, 2)),
    ),
    "i16_gemm": (
        draw("u1", 29, 31),
        lambda b, x: b.MatMulInteger(x, b.constant(draw("i1", 31, 27))),
    ),
    "i16_conv_3x3": (
        draw("u1", 1, 5, 11, 17),
        lambda b, x: b.ConvInteger(x, b.constant(draw("i1", 20, 5, 3, 3)), pads=(1, 1, 1, 1)),
    ),
    "i16_winograd4_3x3": (
        draw("u1", 1, 16, 13, 18),
        lambda b, x: b.ConvInteger(x, b.constant(draw("i1", 24, 16, 3, 3)), pads=(1, 1, 1, 1)),
    ),
    "i16_winograd_3x3": (
        draw("u1", 1, 16, 9, 12),
        lambda b, x: b.ConvInteger(x, b.constant(draw("i1", 24, 16, 3, 3)), pads=(1, 1, 1, 1)),
    ),
}


def graph_of(name: str) -> Graph:
    array, write = KERNELS[name]
    b, x = GraphBuilder(), Value("x", TensorType(DType.of(array.dtype), array.shape))
    return b.graph("one", [x], [write(b, x)])


@pytest.mark.parametrize("name", KERNELS)
def test_every_tile_gives_the_same_bits(name: str) -> None:
    graph, feeds = graph_of(name), {"x": KERNELS[name][0]}
    first = lower_graph(graph)
    (shape,) = set(first.shapes.values())
    assert shape.kernel == name.split(maxsplit=1)[0]
    modes: tuple[Numerics, Numerics] = ("strict", "fast")
    for mode in modes:
        (expected,) = load(emit_lowered(first, numerics=mode)).run(feeds).values()
        modules = {emit_lowered(first, numerics=mode)}
        for tile in TABLE.candidates(shape)[1:]:
            lowered = lower_graph(graph, tiles=TABLE.choosing({shape: tile}))
            assert any(one.name.endswith(f"_{tile}") for one in lowered.program.functions)
            module = emit_lowered(lowered, numerics=mode)
            modules.add(module)
            (made,) = load(module).run(feeds).values()
            np.testing.assert_array_equal(made.view("u4"), expected.view("u4"), str(tile))
        assert len(modules) > 1
