"""Results written over an operand that nobody reads again: fewer buffers, the same bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from likewise.loop import interpret
from likewise.loop.nodes import Call
from likewise.lower.threads import share_out
from tests.lower.operators import Add, MatMul, Network
from tests.lower.test_lower import check, draw

if TYPE_CHECKING:
    from likewise.ir import Graph
    from likewise.loop import Program


def residual(*, ends: bool = False, kept: bool = False) -> tuple[Network, Graph]:
    """A product, and to it what two further products make of it: the end, or one more follows.

    The first product may be `kept`, as an output.
    """
    net = Network()
    skip = net(MatMul(), net.input(draw(26, 16)), net.value(draw(16, 48)))
    made = net(MatMul(), net(MatMul(), skip, net.value(draw(48, 8))), net.value(draw(8, 48)))
    last = net(Add(), made, skip)
    if not ends:
        last = net(MatMul(), last, net.value(draw(48, 8)))
    return net, net.graph(last, *([skip] if kept else []))


def kernels(program: Program) -> list[str]:
    return [one.function for one in program.functions[-1].body if isinstance(one, Call)]


def test_a_residual_sum_takes_the_place_of_what_it_adds() -> None:
    lowered = check(*residual(), "fast")
    program, name = lowered.program, "f32_gemm_6x8"
    assert set(kernels(program)) == set(lowered.shapes)
    assert kernels(program) == [name, f"{name}_2", f"{name}_3_over", f"{name}_2"]
    scratch = sorted(one.size for one in program.buffers if one.kind == "scratch")
    assert scratch == [26 * 8, 26 * 48]


def test_an_output_keeps_its_place() -> None:
    program = check(*residual(kept=True), "fast").program
    assert not any(one.endswith("_over") for one in kernels(program))


def test_an_output_is_where_what_it_is_written_over_was() -> None:
    program = check(*residual(ends=True), "strict").program
    made = sorted(one.size for one in program.buffers if one.kind in ("scratch", "output"))
    assert made == [26 * 8, 26 * 48]


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_share_out_what_writes_over_an_operand(threads: int) -> None:
    net, graph = residual()
    program = check(net, graph, "strict").program
    shared = share_out(program, threads, least=0)
    over = [
        one
        for one in shared.functions[-1].body
        if isinstance(one, Call) and "_over" in one.function
    ]
    assert any(one.parts for one in over)
    feeds = {f"in.{one.name}": net.arrays[one] for one in graph.inputs}
    expected = interpret(program, feeds)
    for name, array in interpret(shared, feeds).items():
        np.testing.assert_array_equal(array, expected[name])
