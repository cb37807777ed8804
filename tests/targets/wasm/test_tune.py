"""Trying tiles: what is chosen from times that are dictated, and what a real search leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import likewise
from likewise.errors import InputError
from likewise.ir import DType, Graph, TensorType, Value
from likewise.lower.tiles import Shape, Tiles, TileSize, default_tiles
from likewise.model import Model
from likewise.ops.build import GraphBuilder
from likewise.targets.wasm import load

if TYPE_CHECKING:
    from pathlib import Path

CONVOLUTION, PRODUCT = (
    Shape.read(one) for one in ("f32_conv_3x3 1x6x7x9x108", "f32_gemm 1x42x24x9")
)


def network() -> Graph:
    """A convolution twice, with equal shapes, and one of single places."""
    rng = np.random.default_rng(2)
    b, x = GraphBuilder(), Value("x", TensorType(DType.FLOAT, (1, 12, 6, 7)))
    weights = [b.constant(rng.standard_normal((9, 12, 3, 3)).astype(np.float32)) for _ in "ab"]
    sums = b.Sum(*(b.Conv(x, one, pads=(1, 1, 1, 1)) for one in weights))
    last = b.constant(rng.standard_normal((24, 9, 1, 1)).astype(np.float32))
    return b.graph("net", [x], [b.Conv(sums, last)])


@pytest.fixture(autouse=True)
def no_longer_than_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("likewise.targets.wasm.tune.SECONDS", 0.0)


@pytest.fixture
def dictated(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> dict[tuple[Shape, str], float]:
    """Milliseconds by shape and tile, 1 for the others; a whole run takes their sum, and with
    chosen tiles so much longer as the parameter says.
    """
    table: dict[tuple[Shape, str], float] = {}

    def times(module: Any) -> dict[Shape, float]:
        return {
            shape: table.get((shape, str(module.tiles.of(shape))), 1.0) for shape in module.calls
        }

    def run(module: Any) -> dict[None, float]:
        return {None: sum(times(module).values()) + (slower if module.tiles.chosen else 0)}

    slower = getattr(request, "param", 0.0)
    monkeypatch.setattr("likewise.targets.wasm.tune._Module.times", times)
    monkeypatch.setattr("likewise.targets.wasm.tune._Module.run", run)
    return table


def test_the_fastest_tile_is_chosen_where_that_is_worth_it(
    dictated: dict[tuple[Shape, str], float],
) -> None:
    dictated |= {(CONVOLUTION, "4x16"): 0.5, (CONVOLUTION, "2x16"): 0.4, (PRODUCT, "4x8"): 0.98}
    made = likewise.compile(Model(network()), tune=True, golden=False)
    assert made.tuning is not None
    choices = {one.shape: one for one in made.tuning.choices}
    assert choices.keys() == {CONVOLUTION, PRODUCT}
    first, second = choices[CONVOLUTION], choices[PRODUCT]
    assert (first.calls, str(first.before), str(first.tile)) == (2, "6x8", "2x16")
    assert (first.milliseconds_before, first.milliseconds) == (1.0, 0.4)
    assert (second.calls, second.tile, second.milliseconds) == (1, TileSize(6, 8), 1.0)
    assert (made.tuning.milliseconds_before, made.tuning.milliseconds) == (2.0, 1.4)
    assert made.tuning.tiles.of(CONVOLUTION) == TileSize(2, 16)
    assert made.tuning.tiles.engine.startswith("wasmtime ")


@pytest.mark.parametrize("dictated", [0.7], indirect=True)
def test_tiles_stay_where_the_whole_is_slower_with_others(
    dictated: dict[tuple[Shape, str], float],
) -> None:
    dictated[CONVOLUTION, "4x16"] = 0.5
    made = likewise.compile(Model(network()), tune=True, golden=False)
    assert made.tuning is not None
    assert (made.tuning.milliseconds_before, made.tuning.milliseconds) == (2.0, 2.0)
    assert {str(one.tile) for one in made.tuning.choices} == {"6x8"}
    assert made.data == likewise.compile(Model(network()), golden=False).data


def test_a_search_starts_from_the_tiles_given(dictated: dict[tuple[Shape, str], float]) -> None:
    start = default_tiles().choosing({PRODUCT: TileSize(4, 16)})
    dictated[PRODUCT, "5x8"] = 0.1
    made = likewise.compile(Model(network()), tiles=start, tune=True, golden=False)
    assert made.tuning is not None
    found = {one.shape: (str(one.before), str(one.tile)) for one in made.tuning.choices}
    assert found == {CONVOLUTION: ("6x8", "6x8"), PRODUCT: ("4x16", "5x8")}


@pytest.mark.parametrize("numerics", ["fast", "strict"])
def test_a_module_is_built_again_from_its_file(tmp_path: Path, numerics: Any) -> None:
    model, steps = Model(network()), []
    made = likewise.compile(
        model, numerics=numerics, tune=True, progress=lambda step, _: steps.append(step)
    )
    assert "trying tiles" in steps
    assert made.tuning is not None
    assert min(made.tuning.milliseconds_before, made.tuning.milliseconds) > 0
    files = made.save(tmp_path / "net.wasm")
    assert files[-1].name == "net.tiles.json"
    assert Tiles.read(files[-1]).under(numerics) == made.tuning.tiles
    again = likewise.compile(model, numerics=numerics, tiles=files[-1])
    assert (again.data, again.plain) == (made.data, made.plain)
    assert again.tuning is None
    x = np.random.default_rng(1).standard_normal((1, 12, 6, 7)).astype(np.float32)
    untouched = likewise.compile(model, numerics=numerics)
    (one,), (other,) = (load(each.data).run({"x": x}).values() for each in (made, untouched))
    np.testing.assert_array_equal(one.view(np.uint32), other.view(np.uint32))


def test_a_network_without_such_kernels_has_nothing_to_choose() -> None:
    b, x = GraphBuilder(), Value("x", TensorType(DType.FLOAT, (3,)))
    made = likewise.compile(Model(b.graph("net", [x], [b.Relu(x)])), tune=True)
    assert made.tuning is not None
    assert not made.tuning.choices


@pytest.mark.parametrize("given", [{"tiles": "t.json"}, {"tune": True}])
def test_other_targets_have_no_tiles(given: dict[str, Any]) -> None:
    untyped: Any = likewise.compile
    with pytest.raises(InputError, match="the target 'litert' has no tiles; given: t"):
        untyped(Model(network()), "litert", **given)
