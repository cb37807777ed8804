"""ONNX messages to a graph: names become values, old forms new ones, functions their bodies.

Types are inferred node by node on the way, so a contradiction in the model is found here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from likewise.errors import LikewiseError, ModelError, UnsupportedError
from likewise.ir import Graph, TensorType, Type, UnknownRankError, Value
from likewise.onnx.attributes import attribute_values
from likewise.onnx.external import ExternalData
from likewise.onnx.order import in_order
from likewise.onnx.survey import NEWEST, unsupported, walk
from likewise.onnx.tensors import sparse_to_array, to_array
from likewise.onnx.typeproto import to_type
from likewise.ops import Operator, find_operator
from likewise.ops.attributes import parse
from likewise.ops.build import GraphBuilder, OldForm
from likewise.ops.inference import UNFIT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from likewise.onnx.messages import (
        AttributeProto,
        FunctionProto,
        GraphProto,
        ModelProto,
        NodeProto,
        ValueInfoProto,
    )
    from likewise.onnx.source import Source

__all__ = ["import_model"]

_INLINED: Final = (10_000, 100)
"""Nodes that functions may add, at all and for each in the file: a chain of doublings is a bomb."""
_REPEATED_LIMIT: Final = 1 << 20  # numbers in attributes that further unfoldings may add
_CALLS_LIMIT: Final = 50


def import_model(model: ModelProto, source: Source) -> Graph:
    """The graph of `model`, every node in the newest form of its operator, functions inlined.

    Raises `ModelError` where the model breaks ONNX's rules, and `UnsupportedError` that names
    every operator there is none for, all at once.
    """
    try:
        missing = unsupported(model)
        if missing:
            raise UnsupportedError(
                "operators that likewise does not have",
                given="; ".join(map(str, missing)),
                hint="likewise inspect MODEL lists them",
            )
        if model.graph is None:
            raise ModelError("the model has no graph")
        if not model.opset_import and model.ir_version >= 3:
            raise ModelError(
                "the model imports no opset", hint="export it anew: IR version 3 asks for one"
            )
        opsets = _opsets(model.opset_import)
        context = _Context(model, ExternalData(source.folder))
        scope = _Scope(context=context, opsets=opsets)
        return scope.graph(model.graph, ())
    except LikewiseError as error:
        raise error.at(source.name) from None


def _opsets(imports: Sequence[Any]) -> dict[str, int]:
    """The version of each domain; a model of IR version 2 and before names none and means 1."""
    found: dict[str, int] = {}
    for one in imports:
        domain = "" if one.domain == "ai.onnx" else one.domain
        if found.setdefault(domain, one.version) != one.version:
            raise ModelError(
                f"the domain {domain or 'ai.onnx'!r} is imported in two versions",
                given=f"{found[domain]} and {one.version}",
            )
    found = found or {"": 1}
    for domain, version in found.items():
        newest = NEWEST.get(domain)
        if newest is not None and not 1 <= version <= newest:
            raise UnsupportedError(
                f"opset {version} of domain {domain or 'ai.onnx'!r} is not known",
                allowed=f"1 to {newest}",
                hint="export the model for an older opset, or use a newer likewise",
            )
    return found


@dataclass
class _Context:
    """What all scopes of one model share."""

    model: ModelProto
    external: ExternalData
    inlined: int = 0
    limit: int = field(init=False)
    repeated: int = 0
    unfolded: set[tuple[str, str, str]] = field(default_factory=set)
    functions: Mapping[tuple[str, str, str], FunctionProto] = field(init=False)

    def __post_init__(self) -> None:
        self.functions = {(f.domain, f.name, f.overload): f for f in self.model.functions}
        bodies = [function.node for function in self.model.functions]
        stored = [*bodies, self.model.graph.node if self.model.graph else ()]
        self.limit = _INLINED[0] + _INLINED[1] * sum(1 for nodes in stored for _ in walk(nodes))

    def book(self, key: tuple[str, str, str]) -> None:
        """Count what unfolding a function adds; raises `ModelError` where that gets too much."""
        nodes = list(walk(self.functions[key].node))
        self.inlined += len(nodes)
        if self.inlined > self.limit:
            raise ModelError("the functions unfold to too many nodes", allowed=self.limit)
        if key in self.unfolded:
            self.repeated += sum(
                _entries(attribute) for node in nodes for attribute in node.attribute
            )
        if self.repeated > _REPEATED_LIMIT:
            raise ModelError("the functions unfold to too many numbers", allowed=_REPEATED_LIMIT)
        self.unfolded.add(key)


@dataclass(kw_only=True)
class _Scope:
    """The names visible in one graph or function body, and the builder that its nodes go to."""

    context: _Context
    opsets: dict[str, int]
    builder: GraphBuilder = field(default_factory=GraphBuilder)
    names: dict[str, Value] = field(default_factory=dict)
    outer: Mapping[str, Value] = field(default_factory=dict)
    calls: tuple[tuple[str, str, str], ...] = ()
    """The functions being unfolded around this scope."""
    bound: Mapping[str, Any] = field(default_factory=dict)
    """The attributes of the function call that `ref_attr_name` refers to."""
    absent: frozenset[str] = frozenset()
    """Inputs of a function that its caller leaves out."""

    def graph(self, proto: GraphProto, expected: Sequence[Type | None]) -> Graph:
        """The graph of `proto`; `expected` are its input types as the node around it knows them."""
        self._constants(proto)
        inputs = []
        # What is also an initializer is a default value: here a constant.
        declared = [info for info in proto.input if info.name not in self.names]
        for index, info in enumerate(declared):
            known = to_type(info.type, info.name)
            known = known or (expected[index] if index < len(expected) else None)
            if known is None:
                raise ModelError("the type of an input is not given").at(f"input {info.name!r}")
            inputs.append(self._define(info.name, Value(info.name, known)))
        for node in in_order(proto.node, self.defines):
            self.add(node)
        self._declared_shapes(proto.output)
        outputs = [self._output(info) for info in proto.output]
        return self.builder.graph(proto.name, inputs, outputs)

    def _constants(self, proto: GraphProto) -> None:
        for tensor in proto.initializer:
            array = to_array(tensor, self.context.external)
            self._define(tensor.name, self.builder.named_constant(tensor.name, array))
        for sparse in proto.sparse_initializer:
            array = sparse_to_array(sparse, self.context.external)
            name = sparse.values.name if sparse.values else ""
            self._define(name, self.builder.named_constant(name, array))

    def _output(self, info: ValueInfoProto) -> Value:
        try:
            value = self.lookup(info.name)
        except ModelError as error:
            raise error.at(f"output {info.name!r}") from None
        if value.name != info.name:
            return self.builder.op_named("Identity", [value], info.name)
        return value

    def _declared_shapes(self, outputs: Sequence[ValueInfoProto]) -> None:
        """Give outputs whose rank cannot be inferred the shape that the file declares."""
        kinds: dict[Value, TensorType] = {}
        for info in outputs:
            value = self.names.get(info.name)
            if value is None or not isinstance(value.type, TensorType):
                continue
            if value.type.dims is not None or value.name != info.name:
                continue
            declared = to_type(info.type, info.name)
            if isinstance(declared, TensorType) and declared.dtype is value.type.dtype:
                kinds[value] = declared
        retyped = self.builder.retype(
            {v: kind for v, kind in kinds.items() if kind.dims is not None}
        )
        self.names.update((value.name, value) for value in retyped.values())

    def _define(self, name: str, value: Value) -> Value:
        if not name:
            raise ModelError("an input or initializer has no name")
        if name in self.names:
            raise ModelError(f"the name {name!r} is given to two values")
        self.names[name] = value
        return value

    def defines(self, name: str) -> bool:
        """Whether `name` is visible here already."""
        return name in self.names or name in self.outer

    def lookup(self, name: str) -> Value:
        """The value called `name`; raises `ModelError` where nothing makes it."""
        value = self.names.get(name) or self.outer.get(name)
        if value is None:
            raise ModelError(f"nothing makes the value {name!r}")
        return value

    def add(self, node: NodeProto) -> None:
        key = (node.domain, node.op_type, node.overload)
        try:
            if key in self.context.functions:
                self._call(node, key)
            else:
                self._apply(node)
        except LikewiseError as error:
            name = node.name or next(iter(node.output), "")
            if any(place.startswith("node ") for place in error.where[:1]):
                raise
            raise error.at(f"node {name!r} ({node.op_type})") from None
        except (*UNFIT, UnknownRankError) as error:
            name = node.name or next(iter(node.output), "")
            raise ModelError(
                "its inputs or attributes do not fit the operator",
                given=f"{type(error).__name__}: {error}",
            ).at(f"node {name!r} ({node.op_type})") from error

    def _inputs(self, node: NodeProto) -> list[Value | None]:
        inputs = [
            self.lookup(name) if name and name not in self.absent else None for name in node.input
        ]
        while inputs and inputs[-1] is None:
            inputs.pop()
        return inputs

    def _apply(self, node: NodeProto) -> None:
        """Add `node`, brought up to date, and give its outputs their names."""
        operator = _found(node.op_type, node.domain)
        opset = self._opset(node, operator)
        inputs = self._inputs(node)
        attributes = self._attributes(node, operator, inputs)
        names = list(node.output)
        while names and not names[-1]:
            names.pop()
        if operator.replaced or opset < operator.versions[-1]:
            first = len(self.builder.nodes)
            old = OldForm(opset, inputs, attributes, len(names), self.builder)
            made = operator.upgrade(old)
            if made is not None:
                made = made if isinstance(made, tuple) else (made,)
                for name, value in zip(names, made, strict=False):
                    if name:
                        self._define(name, self.builder.rename(value, name, first))
                return
        use = parse(operator, attributes, len(names))
        if operator.name == "Constant" and not operator.domain:
            self._define(names[0], self.builder.named_constant(names[0], use.evaluate()))
            return
        outputs = self.builder.apply(use, inputs, names, node.name)
        for name, output in zip(names, outputs, strict=True):
            if name:
                self._define(name, output)

    def _opset(self, node: NodeProto, operator: type[Operator]) -> int:
        opset = self.opsets.get(operator.domain)
        if opset is None:
            raise ModelError(
                f"the model imports no version of the domain {node.domain or 'ai.onnx'!r}",
                given=", ".join(repr(domain or "ai.onnx") for domain in self.opsets),
            )
        if opset < operator.versions[0]:
            raise ModelError(
                f"opset {opset} has no operator {operator.name}",
                allowed=f"opset {operator.versions[0]} or newer",
            )
        return opset

    def _attributes(
        self, node: NodeProto, operator: type[Operator], inputs: Sequence[Value | None]
    ) -> dict[str, Any]:
        types = [None if value is None else value.type for value in inputs]

        def body(name: str, proto: GraphProto) -> Graph:
            return self._body(proto, operator.body_inputs(name, types))

        return attribute_values(node.attribute, self.bound, body, self.context.external)

    def _body(self, proto: GraphProto, expected: Sequence[Type | None]) -> Graph:
        scope = replace(self, builder=GraphBuilder(), names={}, outer={**self.outer, **self.names})
        return scope.graph(proto, expected)

    def _call(self, node: NodeProto, key: tuple[str, str, str]) -> None:
        """Put the nodes of a model function in the place of a call to it."""
        function = self.context.functions[key]
        if key in self.calls:
            raise ModelError(f"the function {function.name!r} calls itself")
        if len(self.calls) >= _CALLS_LIMIT:
            raise ModelError("functions call each other too deep", allowed=_CALLS_LIMIT)
        self.context.book(key)
        if len(node.input) > len(function.input) or len(node.output) > len(function.output):
            raise ModelError(
                "a call gives more inputs or outputs than the function has",
                given=f"{len(node.input)} inputs, {len(node.output)} outputs",
                allowed=f"{len(function.input)} inputs, {len(function.output)} outputs",
            )
        scope = self._called(node, key, function)
        for inner in in_order(function.node, scope.defines):
            scope.add(inner)
        for name, inner_name in zip(node.output, function.output, strict=False):
            if name:
                self._define(name, scope.lookup(inner_name))

    def _called(
        self, node: NodeProto, key: tuple[str, str, str], function: FunctionProto
    ) -> _Scope:
        """The scope of a function body: its parameters named, its attributes bound."""
        external = self.context.external
        bound = attribute_values(function.attribute_proto, {}, None, external)
        bound |= attribute_values(
            node.attribute, self.bound, lambda _, proto: self._body(proto, ()), external
        )
        arguments = zip(function.input, self._inputs(node), strict=False)
        names = {name: value for name, value in arguments if value is not None}
        return _Scope(
            context=self.context,
            opsets={
                **self.opsets,
                **(_opsets(function.opset_import) if function.opset_import else {}),
            },
            builder=self.builder,
            names=names,
            calls=(*self.calls, key),
            bound=bound,
            absent=frozenset(function.input) - names.keys(),
        )


def _entries(attribute: AttributeProto) -> int:
    """How many entries are read anew each time: raw tensor data are only looked at."""
    tensors = [t for t in (attribute.t, *attribute.tensors) if t is not None]
    return (
        sum(map(len, (attribute.ints, attribute.floats, attribute.strings)))
        + sum(len(t.float_data) + len(t.int32_data) + len(t.int64_data) for t in tensors)
        + sum(len(t.double_data) + len(t.uint64_data) + len(t.string_data) for t in tensors)
    )


def _found(name: str, domain: str = "") -> type[Operator]:
    operator = find_operator(name, domain)
    if operator is None:
        raise UnsupportedError(f"there is no operator {domain or 'ai.onnx'}.{name}")
    return operator
