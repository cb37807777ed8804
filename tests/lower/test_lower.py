"""Graphs of example operators, lowered: NumPy, the interpreter and wasmtime agree."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.errors import UnsupportedError
from likewise.loop import interpret, program_text
from likewise.lower.graph import Lowered, lower_graph
from likewise.lower.plan import lifetimes, plan_memory
from likewise.targets.wasm import Numerics, emit_lowered, load
from tests.lower.operators import (
    Add,
    Example,
    Exp,
    Gather,
    MatMul,
    Network,
    Reduce,
    Reshape,
    Softmax,
    Transpose,
)
from tests.targets.wasm.running import assert_same_bits

if TYPE_CHECKING:
    from likewise.ir import Graph

RNG = np.random.default_rng(3)


def draw(*shape: int) -> Any:
    return RNG.standard_normal(shape).astype("f4")


def check(network: Network, graph: Graph, numerics: Numerics) -> Lowered:
    """Run twice, the second time after other inputs, so that nothing may be left over."""
    lowered = lower_graph(graph)
    runner = load(emit_lowered(lowered, numerics=numerics))
    feeds = {one.name: network.arrays[one] for one in graph.inputs}
    runner.run({name: np.full_like(array, 3) for name, array in feeds.items()})
    got = runner.run(feeds)
    flat = {f"in.{name}": array for name, array in feeds.items()}
    want = interpret(lowered.program, flat, fused=numerics == "fast")
    for value in graph.outputs:
        exact = network.arrays[value]
        assert_same_bits(got[value.name].reshape(-1), want[f"out.{value.name}"])
        scale = max(1.0, float(np.abs(exact).max(initial=0)))
        np.testing.assert_allclose(got[value.name], exact, atol=2e-5 * scale)
    return lowered


@pytest.mark.parametrize("numerics", ["strict", "fast"])
def test_a_small_attention(numerics: Numerics) -> None:
    net = Network()
    x, table = net.input(draw(2, 7, 12)), net.value(draw(12, 12))
    mask = net.value(draw(7, 1))
    q = net(MatMul(), x, table)
    scores = net(MatMul(), q, net(Transpose(perm=(0, 2, 1)), x))
    weights = net(Softmax(), net(Add(), scores, mask))
    out = net(MatMul(), weights, x)
    total = net(Reduce(axes=(1,), keepdims=False), out)
    check(net, net.graph(out, total), numerics)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 9, 13, 16, 17])
def test_products_of_every_remainder(size: int) -> None:
    net = Network()
    a, b = net.input(draw(size, 6)), net.input(draw(6, 18 - size))
    check(net, net.graph(net(MatMul(), a, b)), "fast")


def test_gather_by_data() -> None:
    net = Network()
    table, indices = net.input(draw(9, 20)), net.input(np.array([[8, -9], [0, -1], [3, 3]]))
    check(net, net.graph(net(Add(), net(Gather(), table, indices), table_row(net))), "strict")


def table_row(net: Network) -> Any:
    return net.value(draw(20))


def test_views_are_fused_and_joined() -> None:
    net = Network()
    x, y = net.input(draw(4, 6, 10)), net.input(draw(4, 6, 10))
    lowered = check(net, net.graph(net(Exp(), net(Add(), x, y))), "strict")
    text = program_text(lowered.program)
    assert "for %0 = 0 to 240 step 4" in text
    assert len(re.findall(r"^  call", text, re.MULTILINE)) == 1
    assert "scratch" not in text


def test_axes_that_a_reshape_divided_are_not_joined() -> None:
    net = Network()
    x = net.input(draw(2, 6, 24))
    heads = net(Transpose(perm=(0, 2, 1, 3)), net(Reshape(shape=(2, 6, 3, 8)), x))
    columns = net(Reshape(shape=(2, 3, 1, 6, 8)), net(Add(), heads, heads))
    graph = net.graph(net(Transpose(perm=(0, 1, 2, 4, 3)), columns))
    check(net, graph, "strict")


def test_equal_kernels_are_kept_once() -> None:
    net = Network()
    x = net.input(draw(40))
    one = net(Reduce(axes=(0,)), net(Add(), x, x))
    two = net(Reduce(axes=(0,)), net(Add(), x, x))
    lowered = check(net, net.graph(one, two), "strict")
    assert [one.name for one in lowered.program.functions] == ["reduce", "run"]


def test_an_output_that_is_an_input_or_given_twice_is_copied() -> None:
    net = Network()
    x = net.input(draw(5, 8))
    made = net(Reduce(axes=(1,)), x)
    graph = net.graph(x, made)
    check(net, graph, "strict")


def test_constants_are_folded() -> None:
    net = Network()
    x = net.input(draw(3))
    folded = net(Add(), net.value(draw(3)), net.value(draw(3)))
    lowered = check(net, net.graph(net(Add(), x, folded)), "strict")
    assert sum(one.kind == "constant" for one in lowered.program.buffers) == 1


def test_a_constant_that_repeats_is_kept_once() -> None:
    net = Network()
    x = net.input(draw(64, 80))
    row = np.broadcast_to(draw(80), (64, 80))
    lowered = check(net, net.graph(net(Add(), x, net.value(row))), "strict")
    sizes = [one.size for one in lowered.program.buffers if one.kind == "constant"]
    assert sizes == [80]


def test_every_fault_is_reported_at_once() -> None:
    class Odd(Example):
        def evaluate(self, *inputs: Any) -> Any:
            return inputs[0]

        def lower(self, *_: Any) -> Any:
            raise UnsupportedError("it is odd")

    net = Network()
    x = net.input(draw(3))
    a, b = net(Odd(), x), net(Odd(), net(Add(), x, x))
    with pytest.raises(UnsupportedError) as caught:
        lower_graph(net.graph(net(Add(), a, b)))
    assert str(caught.value).splitlines() == [
        "2 nodes cannot be compiled; given: ",
        "  node 'v1' (Odd): it is odd",
        "  node 'v3' (Odd): it is odd",
    ]


def test_memory_is_reused_and_never_while_alive() -> None:
    net = Network()
    x = net.input(draw(16, 16))
    for _ in range(6):
        x = net(MatMul(), x, net.inputs[0])
    program = check(net, net.graph(x), "fast").program
    plan, spans = plan_memory(program), lifetimes(program)
    assert plan.scratch == 3 * 16 * 16 * 4  # the input, which is read to the last, and two more
    for one, (first, last) in spans.items():
        for other, (start, stop) in spans.items():
            if one is not other and first <= stop and start <= last:
                low, high = plan.addresses[one], plan.addresses[other]
                assert low + one.bytes <= high or high + other.bytes <= low


def test_inputs_and_outputs_share_with_all_but_each_other() -> None:
    net = Network()
    x = net.input(draw(16, 64))
    for _ in range(2):
        x = net(MatMul(), net(MatMul(), x, net.value(draw(64, 16))), net.value(draw(16, 64)))
    program = check(net, net.graph(x), "fast").program
    plan = plan_memory(program)
    ports = [one for one in program.buffers if one.kind in ("input", "output")]
    assert plan.scratch == sum(one.bytes for one in ports)
    first, last = sorted(ports, key=lambda one: plan.addresses[one])
    assert plan.addresses[first] + first.bytes <= plan.addresses[last]


SHAPES = [(3, 4, 9), (3, 1, 9), (1, 4, 1), (4, 9), (9,), (1,)]


KINDS = ["add", "transpose", "reshape", "reduce", "softmax", "matmul"]
FACTORS = {4: (2, 2), 9: (3, 3), 12: (4, 3), 36: (6, 6), 8: (2, 4), 6: (3, 2)}


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_random_graphs(data: Any) -> None:
    net = Network()
    values = [net.input(draw(*shape)) for shape in SHAPES[:4]]
    values += [net.value(draw(*shape)) for shape in SHAPES[4:]]
    for _ in range(data.draw(st.integers(1, 7))):
        x = data.draw(st.sampled_from(values))
        rank = net.arrays[x].ndim
        kind = data.draw(
            st.sampled_from(["add", "transpose", "reshape", "reduce", "softmax", "matmul"])
        )
        if kind == "add":
            fitting = [one for one in values if fits(net.arrays[one].shape, net.arrays[x].shape)]
            values.append(net(Add(), x, data.draw(st.sampled_from(fitting))))
        elif kind == "transpose":
            perm = tuple(data.draw(st.permutations(range(rank))))
            values.append(net(Transpose(perm=perm), x))
        elif kind == "reshape":
            parts = [n for size in net.arrays[x].shape for n in FACTORS.get(size, (size,))]
            cut = data.draw(st.integers(0, len(parts)))
            joined = math.prod(parts[cut : cut + 2])
            values.append(net(Reshape(shape=(*parts[:cut], joined, *parts[cut + 2 :])), x))
        elif kind == "reduce":
            axes = data.draw(st.sets(st.integers(0, rank - 1)))
            keep, top = data.draw(st.booleans()), data.draw(st.booleans())
            values.append(net(Reduce(axes=tuple(sorted(axes)), keepdims=keep, max=top), x))
            if not values[-1].type.dims:  # type: ignore[union-attr]
                values.pop()
        elif kind == "softmax":
            values.append(net(Softmax(axis=data.draw(st.integers(-rank, -1))), x))
        elif rank >= 2:
            order = (*range(rank - 2), rank - 1, rank - 2)
            values.append(net(MatMul(), x, net(Transpose(perm=order), x)))
    outputs = list(dict.fromkeys(data.draw(st.lists(st.sampled_from(values), min_size=1))))
    check(net, net.graph(*outputs), data.draw(st.sampled_from(["strict", "fast"])))


def fits(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True
