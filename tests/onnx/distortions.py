"""Models that decode and yet are broken: real ones with numbers, names and tensors replaced."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.errors import LikewiseError
from likewise.ir import Value, type_of
from likewise.onnx.decode import decode
from likewise.onnx.encode import encode
from likewise.onnx.exporter import export_model
from likewise.onnx.messages import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto
from likewise.onnx.schema import Kind, Label, Message, fields_of
from likewise.onnx.tensors import from_array
from likewise.ops import every_operator
from likewise.ops.build import GraphBuilder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random

    from likewise.ops.case import Case

INTEGERS: Final = (
    *(0, 1, -1, 2, 3, -2, 7, 8, 63, 65, 100, 255, 1000, 4096, 65536, 10**6, 1 << 24),
    *((1 << 31) - 1, 1 << 31, -(1 << 31), 1 << 32, 1 << 40, 1 << 62, (1 << 63) - 1, -(1 << 63)),
)
FLOATS: Final = (0.0, 1.0, -1.0, 0.5, 1e38, 1e-38, 1e10, float("nan"), float("inf"), -float("inf"))
TEXTS: Final = (
    *(b"", b"NOTSET", b"SAME_UPPER", b"VALID", b"(a+)+$", b"\xff", b"ij,jk->ik", b"...i->...i"),
    *(b"linear", b"cubic", b"reflect", b"wrap", b"bidirectional", b"Relu", b"x" * 1000),
)
CASES_EACH: Final = 2


@cache
def small_models() -> list[bytes]:
    """A model of one node for cases of every operator: inputs fed, and inputs known."""
    found = []
    for operator in every_operator():
        good = [case for case in operator.cases() if not case.error]
        for case in good[:CASES_EACH]:
            for known in (True, False):
                try:
                    found.append(encode(_model(case, known=known)))
                except LikewiseError:
                    continue  # what ONNX cannot store, such as a sequence as a constant
    return found


def _model(case: Case, *, known: bool) -> ModelProto:
    builder = GraphBuilder()
    inputs: list[Value | None] = []
    for index, given in enumerate(case.inputs):
        if given is None:
            inputs.append(None)
        elif known and isinstance(given, np.ndarray):
            inputs.append(builder.named_constant(f"x{index}", given))
        else:
            inputs.append(Value(f"x{index}", type_of(given)))
    names = [f"y{index}" for index in range(case.operator.wanted)]
    made = builder.apply(case.operator, inputs, names)
    fed = [x for x in inputs if x is not None and x not in builder.constants]
    return export_model(builder.graph("case", fed, [*made]))


def distorted(data: bytes, random: Random) -> bytes:
    """The model in `data` with one to five of its parts replaced by something mean."""
    model = decode(ModelProto, data)
    for _ in range(random.choice((1, 1, 2, 2, 3, 5))):
        random.choice(_CHANGES)(model, random)
    return encode(model)


def _every(message: Message, kind: type) -> Iterator[Any]:
    """Each message of a kind within another, itself included."""
    if isinstance(message, kind):
        yield message
    for field in fields_of(type(message)):
        if field.kind is Kind.MESSAGE:
            value = getattr(message, field.name)
            for item in value if field.label is Label.MANY else [value]:
                if item is not None:
                    yield from _every(item, kind)


def _any(model: ModelProto, kind: type, random: Random) -> Any:
    found = list(_every(model, kind))
    return random.choice(found) if found else None


def _numbers(random: Random, most: int = 6) -> list[int]:
    return [random.choice(INTEGERS) for _ in range(random.randrange(most))]


def _tensor(random: Random) -> TensorProto:
    """One that is small and odd, or claims to be large."""
    shape = random.choice(((0,), (0, 3), (1, 1), (3, 1, 2), (2, 3, 4, 5), (1,) * 30, (1 << 12,)))
    dtype = random.choice((np.float32, np.int64, np.bool_, np.uint8, np.float64, np.float16))
    made = random.choice(
        (
            np.array(random.choice(INTEGERS), np.int64),
            np.array(_numbers(random), np.int64),
            np.array([random.choice(FLOATS) for _ in range(4)], np.float32),
            np.array(["a", "a" * 40, ""], object),
            np.zeros(shape, dtype),
        )
    )
    tensor = from_array(made)
    if random.random() < 0.2:
        tensor.dims = _numbers(random)
    return tensor


def _change_tensor(model: ModelProto, random: Random) -> None:
    tensor = _any(model, TensorProto, random)
    if tensor is None:
        return
    match random.randrange(5):
        case 0:
            tensor.dims = [random.choice((d, random.choice(INTEGERS))) for d in tensor.dims]
        case 1:
            tensor.data_type = random.randrange(30)
        case 2:
            tensor.data_location = 1
        case 3 if tensor.data_type == 7 and tensor.raw_data:
            content = bytearray(tensor.raw_data)
            start = random.randrange(len(content)) // 8 * 8
            content[start : start + 8] = random.choice(INTEGERS).to_bytes(8, "little", signed=True)
            tensor.raw_data = bytes(content)
        case _:
            other = _tensor(random)
            for field in fields_of(TensorProto):
                if field.name != "name":
                    setattr(tensor, field.name, getattr(other, field.name))


def _attribute(name: str, random: Random) -> AttributeProto:
    match random.randrange(5):
        case 0:
            return AttributeProto(name=name, type=1, f=random.choice(FLOATS))
        case 1:
            return AttributeProto(name=name, type=3, s=random.choice(TEXTS))
        case 2:
            return AttributeProto(name=name, type=4, t=_tensor(random))
        case 3:
            return AttributeProto(name=name, type=7, ints=_numbers(random))
        case _:
            return AttributeProto(name=name, type=2, i=random.choice(INTEGERS))


def _change_attribute(model: ModelProto, random: Random) -> None:
    attribute = _any(model, AttributeProto, random)
    if attribute is None:
        return
    if attribute.ints and random.random() < 0.5:
        numbers = list(attribute.ints)
        numbers[random.randrange(len(numbers))] = random.choice(INTEGERS)
        attribute.ints = numbers * random.choice((1, 1, 1, 2, 100))
    elif attribute.i is not None and random.random() < 0.7:
        attribute.i = random.choice(INTEGERS)
    elif attribute.s is not None and random.random() < 0.7:
        attribute.s = random.choice(TEXTS)
    elif attribute.g is None:
        other = _attribute(attribute.name, random)
        for field in fields_of(AttributeProto):
            setattr(attribute, field.name, getattr(other, field.name))


def _add_attribute(model: ModelProto, random: Random) -> None:
    node = _any(model, NodeProto, random)
    if node is not None:
        name = random.choice(_attribute_names())
        node.attribute = [*node.attribute, _attribute(name, random)]


@cache
def _operators() -> list[tuple[str, str]]:
    return [(operator.name, operator.domain) for operator in every_operator()]


@cache
def _attribute_names() -> list[str]:
    return sorted({name for operator in every_operator() for name in operator.defaults})


def _names(graph: GraphProto) -> list[str]:
    made = [name for node in graph.node for name in node.output]
    return [*(x.name for x in graph.input), *(x.name for x in graph.initializer), *made, ""]


def _rewire(model: ModelProto, random: Random) -> None:
    graph = _any(model, GraphProto, random)
    if graph is None or not graph.node:
        return
    node = random.choice(graph.node)
    match random.randrange(5):
        case 0:
            node.op_type, node.domain = random.choice(_operators())
        case 1:
            node.input = [random.choice((x, random.choice(_names(graph)))) for x in node.input]
        case 2:
            node.input = [*node.input, *[random.choice(_names(graph))] * random.choice((1, 300))]
        case 3:
            node.output = [*node.output, *(f"z{i}" for i in range(random.choice((1, 300))))]
        case _:
            graph.node = [decode(NodeProto, encode(node)), *graph.node]
            graph.node[0].output = [f"first_{name}" for name in node.output]
            swap = dict(zip(node.input, graph.node[0].output, strict=False))
            node.input = [swap.get(name, name) for name in node.input]


def _change_input(model: ModelProto, random: Random) -> None:
    if model.graph is None or not model.graph.input:
        return
    kind = random.choice(model.graph.input).type
    tensor = kind.tensor_type if kind is not None else None
    if tensor is None or tensor.shape is None or random.random() < 0.2:
        if tensor is not None:
            tensor.shape, tensor.elem_type = None, random.randrange(30)
        return
    for dim in tensor.shape.dim:
        if random.random() < 0.5:
            dim.dim_value, dim.dim_param = random.choice(
                ((random.choice(INTEGERS), ""), (None, "n"), (None, "m"))
            )


def _change_opset(model: ModelProto, random: Random) -> None:
    for one in model.opset_import:
        one.version = random.choice((one.version, *range(-1, 30), 10**9))


_CHANGES: Final[Sequence[Callable[[ModelProto, Random], None]]] = (
    *(_change_tensor, _change_tensor, _change_attribute, _change_attribute, _change_attribute),
    *(_add_attribute, _rewire, _change_input, _change_opset),
)
