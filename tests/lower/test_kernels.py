"""Convolutions, products and poolings of odd sizes, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from likewise.ir import DType, Graph, Node, TensorType, Value
from likewise.loop import interpret
from likewise.loop.nodes import Call
from likewise.lower.graph import lower_graph
from likewise.ops import find_operator
from likewise.ops.build import GraphBuilder
from likewise.targets.numpy.plan import Plan
from likewise.targets.wasm import emit_lowered, load

Array = np.ndarray[Any, Any]
GENERATOR = np.random.default_rng(7)


def draw(*shape: int) -> Array:
    return GENERATOR.standard_normal(shape).astype(np.float32)


def value(name: str, array: Array) -> Value:
    return Value(name, TensorType(DType.of(array.dtype), array.shape))


class Chain:
    """A graph of operators one after the other; weights are constants."""

    def __init__(self, x: Array) -> None:
        self.array, self.x = x, x
        self.input = self.last = value("x", x)
        self.nodes: list[Node] = []
        self.constants: dict[Value, Array] = {}

    def then(self, name: str, *others: Array | None, **attributes: Any) -> Chain:
        kind = find_operator(name)
        assert kind is not None
        operator = kind(**attributes)
        given: list[Value | None] = [self.last]
        for other in others:
            if other is None:
                given.append(None)
                continue
            given.append(value(f"c{len(self.constants)}", other))
            self.constants[given[-1]] = other  # type: ignore[index]
        made = operator.evaluate(self.array, *others)
        self.array = made[0] if isinstance(made, tuple) else made
        self.last = value(f"y{len(self.nodes)}", self.array)
        self.nodes.append(Node(operator, tuple(given), (self.last,)))
        return self

    def functions(self) -> list[str]:
        return [one.name for one in self._lowered().program.functions]

    def graph(self) -> Graph:
        return Graph("chain", (self.input,), (self.last,), tuple(self.nodes), self.constants)

    def _lowered(self) -> Any:
        return lower_graph(self.graph())

    def check(self) -> None:
        lowered = self._lowered()
        for numerics in ("strict", "fast"):
            made = load(emit_lowered(lowered, numerics=numerics)).run({"x": self.x})
            scale = np.abs(self.array).max(initial=1e-6)
            np.testing.assert_allclose(
                made[self.last.name], self.array, rtol=1e-4, atol=1e-5 * scale
            )


CONVOLUTIONS = [
    # N, C, spatial, M, kernel, group, strides, dilations, pads
    (1, 3, (9, 11), 8, (3, 3), 1, (2, 2), (1, 1), (1, 1, 1, 1)),
    (2, 4, (7, 7), 13, (1, 1), 1, (1, 1), (1, 1), (0, 0, 0, 0)),
    (1, 5, (8, 6), 3, (1, 1), 1, (2, 2), (1, 1), (0, 0, 0, 0)),
    (1, 4, (12, 13), 17, (3, 2), 1, (1, 1), (2, 3), (2, 0, 1, 3)),
    (1, 6, (10, 10), 9, (3, 3), 3, (1, 1), (1, 1), (1, 1, 1, 1)),
    (2, 7, (9, 9), 7, (3, 3), 7, (1, 1), (1, 1), (1, 1, 1, 1)),
    (1, 8, (9, 23), 8, (5, 5), 8, (2, 2), (1, 1), (2, 2, 2, 2)),
    (1, 5, (31, 31), 5, (9, 9), 5, (1, 1), (2, 2), (8, 8, 8, 8)),
    (2, 13, (2, 19), 13, (5, 5), 13, (1, 1), (1, 1), (2, 2, 2, 2)),
    (1, 8, (60, 9), 8, (3, 3), 8, (1, 1), (1, 1), (1, 1, 1, 1)),
    (1, 9, (7, 8), 9, (5, 3), 9, (2, 1), (1, 3), (4, 0, 1, 3)),
    (1, 4, (5, 12), 4, (3, 4), 4, (2, 3), (3, 2), (5, 2, 7, 4)),
    (1, 4, (3, 5), 4, (2, 2), 4, (1, 1), (1, 1), (4, 0, 3, 1)),
    (1, 6, (1, 11), 6, (3, 3), 6, (1, 1), (1, 1), (1, 1, 1, 1)),
    (1, 5, (3, 2, 9), 5, (3, 3, 3), 5, (1, 1, 2), (1, 1, 1), (1, 1, 1, 1, 2, 0)),
    (1, 6, (9,), 6, (7,), 6, (1,), (1,), (3, 3)),
    (1, 4, (40,), 6, (5,), 1, (3,), (1,), (2, 2)),
    (1, 3, (20, 1), 9, (5, 1), 1, (1, 1), (1, 1), (0, 0, 0, 0)),
    (1, 2, (5, 6, 7), 5, (2, 3, 2), 1, (1, 2, 1), (1, 1, 2), (1, 0, 1, 0, 1, 2)),
    (1, 300, (40, 3), 8, (1, 1), 1, (1, 1), (1, 1), (0, 0, 0, 0)),
    (2, 3, (35, 30), 10, (7, 9), 1, (7, 9), (1, 1), (0, 0, 0, 0)),
    (1, 5, (17, 29), 9, (3, 8), 1, (2, 3), (2, 1), (0, 0, 0, 0)),
    (2, 4, (50,), 7, (11,), 1, (4,), (1,), (0, 0)),
    (1, 2, (7, 8, 20), 8, (2, 1, 8), 1, (2, 3, 8), (1, 1, 1), (0, 0, 0, 0, 0, 0)),
]


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolution(case: tuple[Any, ...]) -> None:
    batch, channels, spatial, made, kernel, group, strides, dilations, pads = case
    Chain(draw(batch, channels, *spatial)).then(
        "Conv",
        draw(made, channels // group, *kernel),
        draw(made),
        group=group,
        strides=strides,
        dilations=dilations,
        pads=pads,
    ).check()


@pytest.mark.parametrize("height", [1, 2, 7])
def test_few_rows_are_not_padded(height: int) -> None:
    chain = Chain(draw(1, 8, height, 12)).then("Conv", draw(8, 8, 1, 1))
    chain.then("Conv", draw(8, 1, 5, 5), group=8, pads=(2, 2, 2, 2)).check()
    sizes = [one.size for one in chain._lowered().program.buffers if one.kind == "scratch"]
    assert 8 * height * (12 + 4) in sizes
    assert max(sizes) == 8 * height * (12 + 4)


def test_taps_that_are_left_out_are_so_in_the_interpreter() -> None:
    chain = Chain(draw(1, 5, 3, 6))
    chain.then("Conv", draw(5, 1, 5, 3), group=5, strides=(2, 1), pads=(2, 1, 3, 0))
    lowered = chain._lowered()
    made = interpret(lowered.program, {"in.x": chain.x})[f"out.{chain.last.name}"]
    found = load(emit_lowered(lowered, numerics="strict")).run({"x": chain.x})
    np.testing.assert_array_equal(made.reshape(chain.array.shape), found[chain.last.name])


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_padding_times_what_is_not_finite_is_nan(number: float) -> None:
    w = draw(4, 1, 3, 3)
    w[2, 0, 0, 1] = number
    with np.errstate(invalid="ignore"):
        chain = Chain(draw(1, 4, 2, 6)).then("Conv", w, group=4, pads=(1, 1, 1, 1))
    made = load(emit_lowered(chain._lowered())).run({"x": chain.x})[chain.last.name]
    np.testing.assert_array_equal(np.isnan(made), np.isnan(chain.array))
    assert np.isnan(made).any()


@pytest.mark.parametrize("last", [False, True])
def test_patches_are_read_where_the_image_stands(*, last: bool) -> None:
    image = draw(2, 32, 45, 3) if last else draw(2, 3, 32, 45)
    chain = Chain(image)
    if last:
        chain.then("Transpose", perm=(0, 3, 1, 2))
    chain.then("Conv", draw(12, 3, 16, 15), draw(12), strides=(16, 15)).check()
    assert not any(one.startswith("pack") for one in chain.functions())


@pytest.mark.parametrize("channels", [16, 20, 260])
@pytest.mark.parametrize("made", [16, 40])
@pytest.mark.parametrize("spatial", [(2, 3), (7, 7), (14, 9), (40, 42)])
@pytest.mark.parametrize("pads", [(1, 1, 1, 1), (0, 2, 1, 0)])
def test_winograd(
    channels: int, made: int, spatial: tuple[int, int], pads: tuple[int, int, int, int]
) -> None:
    """Odd and even numbers of places, one and several parts of the tiles and of the weights."""
    chain = Chain(draw(2, channels, *spatial))
    chain.then("Conv", draw(made, channels, 3, 3), draw(made), pads=pads).then("Relu").check()
    least = min(size + a + b - 2 for size, a, b in zip(spatial, pads[:2], pads[2:], strict=True))
    assert any("winograd" in name for name in chain.functions()) == (least > 1)


def test_winograd_keeps_an_infinity_where_it_is_read() -> None:
    x = draw(1, 16, 12, 12)
    x[0, 3, 4, 5] = np.inf
    chain = Chain(x).then("Conv", draw(16, 16, 3, 3), pads=(1, 1, 1, 1))
    made = load(emit_lowered(chain._lowered())).run({"x": x})[chain.last.name]
    np.testing.assert_array_equal(np.isfinite(made), np.isfinite(chain.array))
    away = np.isfinite(made)
    np.testing.assert_allclose(made[away], chain.array[away], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (3, 2)])
@pytest.mark.parametrize("kernel", [(2, 2), (3, 4), (1, 5)])
@pytest.mark.parametrize("dilations", [(1, 1), (2, 3)])
def test_transposed_convolution(
    strides: tuple[int, int], kernel: tuple[int, int], dilations: tuple[int, int]
) -> None:
    Chain(draw(2, 4, 5, 6)).then(
        "ConvTranspose",
        draw(4, 5, *kernel),
        draw(10),
        group=2,
        strides=strides,
        dilations=dilations,
        pads=(0, 1, 0, 0),
    ).check()


@pytest.mark.parametrize("rows", [1, 2, 5, 7, 50])
@pytest.mark.parametrize("columns", [1, 3, 8, 13, 45])
@pytest.mark.parametrize("depth", [1, 300])
def test_product_with_weights(rows: int, columns: int, depth: int) -> None:
    Chain(draw(2, rows, depth)).then("MatMul", draw(depth, columns)).check()


@pytest.mark.parametrize("columns", [1, 3, 5, 8, 13, 20])
def test_product_of_two_inputs(columns: int) -> None:
    a, b = draw(2, 7, 9), draw(9, columns)
    product = find_operator("MatMul")
    assert product is not None
    inputs, made = (value("a", a), value("b", b)), value("y", a @ b)
    graph = Graph("product", inputs, (made,), (Node(product(), inputs, (made,)),), {})
    for numerics in ("strict", "fast"):
        module = emit_lowered(lower_graph(graph), numerics=numerics)
        (found,) = load(module).run({"a": a, "b": b}).values()
        np.testing.assert_allclose(found, a @ b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 23, 24, 50])
@pytest.mark.parametrize("columns", [3, 8, 13, 45])
@pytest.mark.parametrize("depth", [1, 300])
def test_batched_product(rows: int, columns: int, depth: int) -> None:
    """Both sides as a run would know them, the right one turned."""
    chain = Chain(draw(2, rows, 3, depth)).then("Transpose", perm=(0, 2, 1, 3))
    chain.then("MatMul", draw(2, 1, depth, columns)).then("Relu").check()


@pytest.mark.parametrize("rows", [1, 24, 31, 400])
@pytest.mark.parametrize("columns", [1, 7, 45, 300])
def test_softmax_and_attention(rows: int, columns: int) -> None:
    chain = Chain(draw(2, 3, rows, 10)).then("MatMul", draw(2, 3, 10, columns))
    chain.then("Add", draw(1, 1, 1, columns)).then("Softmax").check()
    assert not any(name.startswith("map") for name in chain.functions())
    chain.then("MatMul", draw(3, columns, 21)).then("Relu").check()
    names = chain.functions()
    assert any("attention" in name for name in names) == (rows >= 24)


def test_rows_that_softmax_cannot_weigh() -> None:
    x = draw(5, 9)
    x[0, 3], x[1, 8], x[2, 2], x[3], x[4, ::2] = np.nan, np.inf, -np.inf, -np.inf, -1e30
    with np.errstate(invalid="ignore"):
        chain = Chain(x).then("Softmax")
    made = load(emit_lowered(chain._lowered())).run({"x": x})[chain.last.name]
    np.testing.assert_allclose(made, chain.array, rtol=1e-6)
    assert not made[4, ::2].any()


def test_epilogues_are_part_of_the_convolution() -> None:
    chain = Chain(draw(1, 8, 6, 6)).then("Conv", draw(8, 8, 3, 3), draw(8), pads=(1, 1, 1, 1))
    chain.then("Relu").then("Conv", draw(9, 8, 3, 3), pads=(1, 1, 1, 1)).then("Relu").check()
    names = chain.functions()
    assert sum("conv" in name for name in names) == 2
    assert not any(name.startswith("pad_2") for name in names)


def test_a_concatenation_is_made_where_it_is_padded() -> None:
    chain = Chain(draw(1, 4, 9, 9)).then("Concat", draw(1, 3, 9, 9), axis=1)
    chain.then("Conv", draw(8, 7, 3, 3), pads=(1, 1, 1, 1)).check()
    functions = chain.functions()
    assert any(one.startswith("concat") for one in functions)
    assert not any(one.startswith(("pad", "pack")) for one in functions)


def test_what_is_done_with_a_concatenation_is_a_kernel_of_its_own() -> None:
    chain = Chain(draw(1, 4, 9)).then("Concat", draw(1, 3, 9), axis=1).then("Exp").then("Relu")
    chain.then("Transpose", perm=(2, 0, 1)).check()


@pytest.mark.parametrize("name", ["Conv", "MatMul"])
def test_what_is_scattered_into_stays_as_it_was(name: str) -> None:
    x, w = draw(2, 3, 8, 8), draw(4, 3, 3, 3) if name == "Conv" else draw(8, 8)
    b, given = GraphBuilder(), value("x", x)
    y = b.op(name, given, b.constant(w))
    zeros = b.constant(np.zeros((1, *b.type(y).shape[1:]), np.float32))
    rows = b.ScatterND(y, b.constant(np.array([[1]])), zeros)
    graph = b.graph("g", [given], [rows, y])
    made = load(emit_lowered(lower_graph(graph), numerics="strict")).run({"x": x})
    for output, expected in zip(graph.outputs, Plan(graph).run([x]), strict=True):
        np.testing.assert_allclose(made[output.name], expected, rtol=1e-4, atol=1e-5)


def test_a_softmax_for_channels_last() -> None:
    chain = Chain(draw(8, 9, 17)).then("Softmax").then("Conv", draw(3, 9, 1), pads=(2, 0))
    chain.then("Relu").check()


def test_layouts_meet() -> None:
    """Channels last through pooling and resizing, rows at the end."""
    chain = Chain(draw(1, 5, 12, 10)).then("Conv", draw(6, 5, 3, 3), pads=(1, 1, 1, 1))
    chain.then("MaxPool", kernel_shape=(3, 3), strides=(2, 2), pads=(1, 1, 1, 1))
    chain.then("Resize", None, np.array([1, 1, 2, 2], np.float32), mode="linear")
    chain.then("AveragePool", kernel_shape=(2, 3), pads=(1, 1, 0, 1))
    chain.then("Transpose", perm=(0, 2, 3, 1)).check()


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize(("kind", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
@pytest.mark.parametrize("steps", [1, 4, 12])
def test_recurrent_layers(steps: int, kind: str, gates: int, direction: str) -> None:
    ways, hidden = 2 if direction == "bidirectional" else 1, 5
    weights = [draw(ways, gates * hidden, n) for n in (3, hidden)]
    chain = Chain(draw(steps, 2, 3))
    chain.then(
        kind, *weights, draw(ways, 2 * gates * hidden), hidden_size=hidden, direction=direction
    ).check()


def test_to_move_axes_of_size_one_copies_nothing() -> None:
    chain = Chain(draw(9, 4)).then("MatMul", draw(4, 8)).then("Reshape", np.array([9, 1, 2, 4]))
    chain.then("Transpose", perm=(1, 0, 2, 3)).then("MatMul", draw(4, 3)).check()
    assert not any("map" in one for one in chain.functions())


def test_a_recurrent_layer_takes_a_few_inputs_at_a_time() -> None:
    """Unless threads share the work: then it takes all at once."""
    chain = Chain(draw(40, 1, 32)).then("LSTM", draw(1, 64, 32), draw(1, 64, 16), hidden_size=16)
    for threads, portions in ((1, 8), (2, 1)):
        *_, run = lower_graph(chain.graph(), threads=threads).program.functions
        calls = [one.function for one in run.body if isinstance(one, Call)]
        for kernel in ("f32_gemm_6x8", "f32_lstm"):
            assert calls.count(kernel) == portions


@pytest.mark.parametrize("length", [1, 3, 8, 11, 130])
@pytest.mark.parametrize("axis", [0, 1])
def test_sums_of_all_lengths(length: int, axis: int) -> None:
    x = draw(3, length) if axis else draw(length, 3)
    Chain(x).then("ReduceSum", np.array([axis])).check()


@pytest.mark.parametrize("axes", [(1,), (2,), (0, 2), (1, 2), (0, 1, 2)])
def test_sums_are_as_exact_as_those_of_numpy(axes: tuple[int, ...]) -> None:
    x = (GENERATOR.random((3, 70, 1000)) + 1).astype(np.float32)
    chain = Chain(x).then("ReduceSum", np.array(axes))
    made = load(emit_lowered(chain._lowered(), numerics="strict")).run({"x": x})
    exact = x.astype(np.float64).sum(axes, keepdims=True)
    floor = np.finfo(np.float32).eps * np.abs(exact).max()
    error = np.abs(made[chain.last.name] - exact).max()
    assert error <= 4 * max(np.abs(chain.array - exact).max(), floor)


def test_an_order_in_memory_outlives_a_reshape() -> None:
    """Tokens that become an image are channels last already: nothing is turned around."""
    chain = Chain(draw(1, 48, 16)).then("MatMul", draw(16, 32)).then("Transpose", perm=(0, 2, 1))
    chain.then("Reshape", np.array([1, 32, 6, 8])).then("Conv", draw(16, 32, 1, 1)).check()
    assert "pack" not in chain.functions()
