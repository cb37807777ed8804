"""What an operator is: one class that says everything, from which the rest is derived.

    class Softmax(Operator, versions=(1, 11, 13)):
        axis: int = -1                                   # attributes are typed fields

        def infer(self, x: TensorType) -> TensorType:    # types, symbolic dims included
            check_float(x, "input")
            normalize_axis(self.axis, x.rank)
            return x.with_shape(x.shape)

        def evaluate(self, x: Array) -> Array: ...       # NumPy, the reference meaning

        def expand(self, b: Builder[V], x: V) -> V: ...  # or `lower`: how compiled targets do it

        @classmethod
        def upgrade(cls, old: OldForm) -> None: ...      # older opsets become the newest form

        @classmethod
        def cases(cls) -> Iterator[Case]: ...            # inputs with the outputs they must give

The parameters of `infer` say which inputs there are: one with a default is optional (absent is
None), `*inputs` takes any number.
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self, TypeVar, dataclass_transform

from likewise.errors import UnsupportedError
from likewise.ir import Graph

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.ir import Dim, TensorType, Type
    from likewise.ops.build import Builder, OldForm
    from likewise.ops.case import Case

__all__ = ["Operator", "domain_of_package"]

V = TypeVar("V")

_CLASSES: Final[dict[tuple[str, str], type[Operator]]] = {}


def domain_of_package(package: str) -> str:
    """The ONNX domain whose operators live in `package`: `ai_onnx_ml` is `ai.onnx.ml`."""
    domain = package.replace("_", ".")
    return "" if domain == "ai.onnx" else domain


@dataclass_transform(frozen_default=True, kw_only_default=True, eq_default=False)
class _Typed:
    """Why type checkers see the fields of an operator, `wanted` included, in its constructor."""


class Operator(_Typed):
    """Base of all operators. An instance is one use of it: immutable, its attributes set.

    `versions` are the opsets that changed it, the last being the form that the class describes.
    `wanted` is how many outputs the node asks for, so that costly optional ones can be left out.
    """

    name: ClassVar[str]
    domain: ClassVar[str]
    versions: ClassVar[tuple[int, ...]] = ()
    replaced: ClassVar[bool] = False
    """Deprecated in ONNX: `upgrade` always turns it into other operators."""
    symbolic: ClassVar[bool] = False
    """`evaluate` also works on object arrays of symbolic dims (shape arithmetic)."""
    keeps_extents: ClassVar[bool] = False
    """`lower` also works on views of sizes that depend on data, and says so of its outputs."""
    deterministic: ClassVar[bool] = True
    """Equal inputs give equal outputs: it may be shared."""
    bounded: ClassVar[bool] = True
    """`evaluate` takes no more time and memory than its inputs, outputs and `flops` tell."""
    on_narrow: ClassVar[Literal["widen", "expand", "take"]] = "widen"
    """What becomes of inputs of element types that NumPy lacks: `evaluate` gets them widened, and
    its outputs are rounded once; or the expansion is evaluated, which rounds after each step; or
    `evaluate` takes them as they are, to move elements or to convert them itself."""
    defaults: ClassVar[dict[str, Any]] = {}
    """The attributes by name, each with its default; `...` marks a required one."""

    wanted: int = 1

    def __init_subclass__(cls, *, versions: tuple[int, ...] = (), name: str = "") -> None:
        fields = [
            field
            for field, annotation in inspect.get_annotations(cls).items()
            if not str(annotation).startswith("ClassVar") and not field.startswith("_")
        ]
        cls.defaults = cls.defaults | {field: cls.__dict__.get(field, ...) for field in fields}
        if versions:
            cls.name = name or cls.__name__
            cls.domain = domain_of_package(cls.__module__.split(".ops.")[1].split(".")[0])
            cls.versions = versions
            known = _CLASSES.setdefault((cls.domain, cls.name), cls)
            if known.__module__ != cls.__module__:
                raise TypeError(f"{cls.name} is defined in {known.__module__} and {cls.__module__}")

    def __init__(self, *, wanted: int = 1, **attributes: Any) -> None:
        missing = [
            field
            for field, default in self.defaults.items()
            if default is ... and field not in attributes
        ]
        unknown = attributes.keys() - self.defaults.keys()
        if missing or unknown:
            raise TypeError(f"{type(self).__name__}: missing {missing}, unknown {sorted(unknown)}")
        self.__dict__.update({**self.defaults, **attributes}, wanted=wanted)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable: cannot set {name!r}")

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.attributes().items())
        return f"{self.name}({inside})"

    @property
    def subgraphs(self) -> tuple[Graph, ...]:
        """The graphs among its attributes, in the order of the fields."""
        return tuple(
            value for field in self.defaults if isinstance(value := self.__dict__[field], Graph)
        )

    @property
    def foldable(self) -> bool:
        """Whether it may be computed when a model is loaded, were its inputs known.

        Those of other domains are not worth the risk: nobody feeds them constants.
        """
        return self.deterministic and self.bounded and not self.subgraphs and not self.domain

    def attributes(self) -> dict[str, Any]:
        """The attributes by ONNX name, those left at their default not among them."""
        return {
            field: self.__dict__[field]
            for field, default in self.defaults.items()
            if self.__dict__[field] is not default
        }

    def changed(self, **attributes: Any) -> Self:
        """The same use with some attributes replaced."""
        return type(self)(wanted=self.wanted, **(self.attributes() | attributes))

    def infer(self, *inputs: Any, **_: Any) -> Any:
        """The types of its outputs (one, or a tuple) from the types of its inputs.

        Raises `InferenceError` where they contradict the operator's rules.
        """
        raise NotImplementedError(f"{self.name}.infer")

    def evaluate(self, *inputs: Any, **_: Any) -> Any:
        """The outputs (one array, or a tuple) from input arrays: what the operator means.

        An operator with subgraphs takes `run(graph, inputs) -> outputs` as a keyword besides.
        Where it is not written, the expansion is evaluated.
        """
        from likewise.ops.build import Evaluator

        return self.expand(Evaluator(), *inputs)

    def expand(self, b: Builder[Any], *inputs: Any, **_: Any) -> Any:  # noqa: ARG002 — to override
        """The outputs (one, or a tuple) as a small graph of simpler operators, built with `b`."""
        raise UnsupportedError("this operator has no expansion").at(self.name)

    def flops(
        self,
        inputs: Sequence[TensorType | None],
        outputs: Sequence[TensorType | None],
    ) -> Dim:
        """Floating-point operations of one use, a multiply-add counted as two.

        By default those of its expansion, or one for every output element where it has none.
        Absent values and those that are no tensors are None.
        """
        if type(self).expand is not Operator.expand:
            from likewise.ops.expansion import expansion_flops

            return expansion_flops(self, inputs)
        total: Dim = 0
        for output in outputs:
            if output is not None and output.dims is not None:
                total = total + output.size
        return total

    @classmethod
    def upgrade(cls, old: OldForm) -> Any:
        """Turn a form older than `versions[-1]` into the newest.

        Either change `old` in place and return None, or return the outputs (one, or a tuple) of
        an equivalent graph made with `old.builder`. The default keeps the form as it is.
        """

    @classmethod
    def body_inputs(cls, name: str, inputs: Sequence[Type | None]) -> Sequence[Type | None]:  # noqa: ARG003 — to override
        """What the operator knows of the input types of its subgraph `name` from its own inputs.

        Taken where the subgraph does not declare them itself.
        """
        return ()

    @classmethod
    def cases(cls) -> Iterator[Case]:
        """A few inputs with the outputs, or the error, that they must give."""
        return iter(())

    @classmethod
    @cache
    def arity(cls) -> tuple[int, int | None]:
        """The least and the greatest number of inputs (None: no limit), read off `infer`."""
        parameters = list(inspect.signature(cls.infer).parameters.values())[1:]
        least = sum(p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)
        if any(p.kind is p.VAR_POSITIONAL for p in parameters):
            return least, None
        return least, len(parameters)

    @classmethod
    @cache
    def input_names(cls) -> tuple[str, ...]:
        """The names of its inputs as `infer` spells them, for messages."""
        return tuple(inspect.signature(cls.infer).parameters)[1:]
