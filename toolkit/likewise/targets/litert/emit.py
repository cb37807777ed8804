"""A graph of static shapes as a TFLite program; what cannot be is refused, all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from likewise.errors import LikewiseError, UnsupportedError
from likewise.ir import TensorType
from likewise.passes.fold_affine import fold_affine
from likewise.passes.layout import Layout
from likewise.passes.recognise import recognise
from likewise.targets.litert.emitter import Emitter, Laid
from likewise.targets.litert.fuse import fuse
from likewise.targets.litert.integers import on_integers
from likewise.targets.litert.prepare import prepare, why_not
from likewise.targets.litert.program import Program, Tensor, tensor_type
from likewise.targets.litert.rules import find_rule
from likewise.targets.litert.unshare import unshare

if TYPE_CHECKING:
    from likewise.ir import Graph, Node, Value

__all__ = ["emit_program"]


def emit_program(graph: Graph) -> Program:
    """The program of a graph whose inputs have static shapes.

    Inputs and outputs keep their names, order, element types and layouts. Raises
    `UnsupportedError` that lists every input, node and output that TFLite cannot hold or compute.
    """
    faults = [*_ports_refused(graph)]
    if faults:
        raise _all_at_once(faults)
    return _Emission(prepare(fold_affine(recognise(graph)))).program()


def _ports_refused(graph: Graph) -> list[str]:
    faults = []
    for way, values in (("input", graph.inputs), ("output", graph.outputs)):
        for value in values:
            kind = value.type
            where = f"{way} {value.name!r}"
            if not isinstance(kind, TensorType):
                faults.append(f"{where}: TFLite has tensors only; given: {kind}")
            elif not kind.is_static:
                hint = f"; pass --shape {value.name}=…" if way == "input" else ""
                faults.append(f"{where}: TFLite needs every size; given: {kind}{hint}")
            else:
                faults += _dtype_refused(where, kind)
    return faults


def _dtype_refused(where: str, kind: TensorType) -> list[str]:
    try:
        tensor_type(kind.dtype)
    except UnsupportedError as error:
        return [f"{where}: {error}"]
    if 0 in kind.shape:
        return [f"{where}: TFLite has no tensors without elements; given: {kind}"]
    return []


def _all_at_once(faults: list[str]) -> UnsupportedError:
    if len(faults) == 1:
        return UnsupportedError(faults[0])
    return UnsupportedError(
        f"{len(faults)} inputs, nodes and outputs cannot be compiled to TFLite",
        given="\n  " + "\n  ".join(faults),
    )


class _Emission:
    """One graph on its way into a program."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.emitter = Emitter()
        self.values: dict[Value, Laid] = {}

    def program(self) -> Program:
        inputs = [self._input(value) for value in self.graph.inputs]
        faults = [*self._constants()]
        for node in self.graph.nodes:
            faults += self._node(node)
        if faults:
            raise _all_at_once(list(dict.fromkeys(faults)))
        outputs = [self._output(value) for value in self.graph.outputs]
        operations = fuse(self.emitter.operations, outputs)
        operations = on_integers(operations, outputs, self.emitter.biases)
        operations = unshare(operations, outputs)
        return Program(tuple(inputs), tuple(outputs), operations)

    def _input(self, value: Value) -> Tensor:
        kind: Any = value.type
        tensor = Tensor(value.name, kind.dtype, tuple(kind.shape))
        self.values[value] = Laid(tensor, Layout.plain(kind.rank))
        return tensor

    def _constants(self) -> list[str]:
        read = {value for node in self.graph.nodes for value in node.reads}
        faults = []
        for value, array in self.graph.constants.items():
            kind: Any = value.type
            try:
                tensor_type(kind.dtype)
            except UnsupportedError as error:
                if value in read:
                    faults.append(f"constant {value.name!r}: {error}")
                continue
            tensor = Tensor(value.name, kind.dtype, array.shape, array)
            self.values[value] = Laid(tensor, Layout.plain(array.ndim))
        return faults

    def _node(self, node: Node) -> list[str]:
        """Emit a node; the reason why that cannot be, if so."""
        missing = [value for value in node.reads if value not in self.values]
        rule = find_rule(node.operator)
        if rule is None:
            return [f"{node.label}: {why_not(node)}"]
        if missing:  # because another node failed
            return []
        self.emitter.name = next((v.name for v in node.outputs if v is not None), "")
        given = [None if value is None else self.values[value] for value in node.inputs]
        try:
            made = rule.emit(self.emitter, node, *given)
        except UnsupportedError as error:
            return [f"{node.label}: {error}"]
        except LikewiseError as error:
            raise error.at(node.label) from None
        outputs = made if isinstance(made, tuple) else (made,)
        for value, laid in zip(node.outputs, outputs, strict=False):
            if value is None:
                continue
            kind: Any = value.type
            if laid.shape != tuple(kind.shape) or laid.dtype is not kind.dtype:
                raise LikewiseError(f"emitted {laid}", allowed=kind).at(node.label)
            self.values[value] = laid
        return []

    def _output(self, value: Value) -> Tensor:
        """The tensor of an output: plain, and with a name of its own."""
        self.emitter.name = value.name
        tensor = self.emitter.plain(self.values[value])
        made = any(tensor in operation.outputs for operation in self.emitter.operations)
        taken = any(
            tensor is self.emitter.plain(self.values[other])
            for other in self.graph.outputs[: self.graph.outputs.index(value)]
        )
        if not made or taken:
            tensor = self.emitter.copy(tensor, tensor.shape)
        tensor.name = value.name
        return tensor
