"""Loops of few steps, written one step after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from likewise.errors import UnsupportedError
from likewise.ir import DType
from likewise.targets.litert.compositions import composed
from likewise.targets.litert.compositions.recurrent import MOST_STEPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ir import Graph, Value
    from likewise.ops.build import GraphBuilder
    from likewise.ops.operator import Operator


@composed("Scan")
def scan(b: GraphBuilder, operator: Any, *inputs: Value) -> tuple[Value, ...]:
    """The body again and again, made ready once, so that all steps share its constants."""
    from likewise.targets.litert.prepare import prepare  # which reads this module

    body, states = prepare(operator.body), len(inputs) - operator.num_scan_inputs
    count = operator.num_scan_inputs
    axes = operator.scan_input_axes or (0,) * count
    steps: Any = b.type(inputs[states]).shape[axes[0]]
    if not 0 < steps <= MOST_STEPS:
        raise UnsupportedError(
            "so many steps are not written one by one", given=steps, allowed=f"1 to {MOST_STEPS}"
        )
    if any(node.operator.subgraphs for node in body.nodes):
        raise UnsupportedError("a body with branches or loops is not written out")
    backward = operator.scan_input_directions or (0,) * count
    collected: list[list[Value]] = [[] for _ in body.outputs[states:]]
    carried = list(inputs[:states])
    for step in range(steps):
        slices = [
            _at(b, x, steps - 1 - step if turned else step, axis)
            for x, axis, turned in zip(inputs[states:], axes, backward, strict=True)
        ]
        made = _inlined(b, body, [*carried, *slices])
        carried = made[:states]
        for values, value in zip(collected, made[states:], strict=True):
            values.append(value)
    axes = operator.scan_output_axes or (0,) * len(collected)
    backward = operator.scan_output_directions or (0,) * len(collected)
    stacks = [
        b.Concat(
            *(b.Unsqueeze(one, b.ints(axis)) for one in (values[::-1] if turned else values)),
            axis=axis,
        )
        for values, axis, turned in zip(collected, axes, backward, strict=True)
    ]
    return (*carried, *stacks)


def _at(b: GraphBuilder, x: Value, number: int, axis: int) -> Value:
    if b.type(x).rank == 1:  # RESHAPE makes no scalars
        alone: Value = b.Gather(x, b.constant(number, DType.INT64))
        return alone
    part = b.Slice(x, b.ints(number), b.ints(number + 1), b.ints(axis))
    made: Value = b.Squeeze(part, b.ints(axis))
    return made


def _inlined(b: GraphBuilder, body: Graph, inputs: Sequence[Value]) -> list[Value]:
    """The outputs of a graph whose nodes are added for these inputs."""
    b.constants.update(body.constants)
    mapping = dict(zip(body.inputs, inputs, strict=True))
    for node in body.nodes:
        given = [None if one is None else mapping.get(one, one) for one in node.inputs]
        made = b.apply(cast("Operator", node.operator), given)
        pairs = zip(node.outputs, made, strict=False)
        mapping.update((old, new) for old, new in pairs if old is not None)
    return [mapping.get(one, one) for one in body.outputs]
