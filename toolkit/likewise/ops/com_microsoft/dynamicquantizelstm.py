"""DynamicQuantizeLSTM: an LSTM whose products are of bytes, quantized step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType, Value
from likewise.ops.build import Evaluator, GraphBuilder
from likewise.ops.case import Case, f32, i8
from likewise.ops.checks import check_dtype, check_rank, unify, without_content
from likewise.ops.expansion import infer_expansion
from likewise.ops.recurrent import RecurrentLayer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from likewise.ir import Array
    from likewise.ops.build import Builder

    Step = Callable[..., tuple[Any, Any, Any]]
    """H, C and the output after a step, from those before, the input's part of the sums and the
    step's number."""

_ACTIVATIONS: Final = frozenset(
    {"Elu", "HardSigmoid", "Relu", "Sigmoid", "Softplus", "Softsign", "Tanh"}
)
_DEFAULTS: Final = ("Sigmoid", "Tanh", "Tanh")


class DynamicQuantizeLSTM(RecurrentLayer, versions=(1,)):
    """LSTM on W and R of bytes, which lie turned: [directions, input or hidden size, 4 * hidden].

    X, as a whole, and at each step the state are rounded to uint8 by DynamicQuantizeLinear; of a
    batch, onnxruntime takes the range of each thread's rows by itself. Scales and zero points are
    [directions], or [directions, 4 * hidden] for one a column.
    """

    input_forget: bool = False

    def infer(
        self,
        X: TensorType,
        W: TensorType,
        R: TensorType,
        B: TensorType | None = None,
        sequence_lens: TensorType | None = None,
        initial_h: TensorType | None = None,
        initial_c: TensorType | None = None,
        P: TensorType | None = None,
        W_scale: TensorType | None = None,
        W_zero_point: TensorType | None = None,
        R_scale: TensorType | None = None,
        R_zero_point: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        check_dtype(X, {DType.FLOAT}, "X")
        for x, name in ((X, "X"), (W, "W"), (R, "R")):
            check_rank(x, 3, name)
        hidden = unify(R.shape[1], self.hidden_size or R.shape[1], "hidden_size and a dim of R")
        unify(X.shape[2], W.shape[1], "the input sizes of X and W")
        for x, name, scale in ((W, "W", W_scale), (R, "R", R_scale)):
            unify(x.shape[0], self.directions, f"the directions of {name} and of the operator")
            unify(x.shape[2], hidden * 4, f"the gates of {name} and of the operator")
            if scale is None:
                raise InferenceError(f"{name}_scale is missing")
        names = self._functions()
        unknown = sorted(set(names) - _ACTIVATIONS)
        if unknown or len(names) < 3 * self.directions:
            allowed = f"{3 * self.directions} of {', '.join(sorted(_ACTIVATIONS))}"
            raise InferenceError("these activations", given=list(names), allowed=allowed)
        if self.activation_alpha or self.activation_beta:
            raise InferenceError("activations have parameters", allowed="those of ONNX's default")
        weights = (W_scale, W_zero_point, R_scale, R_zero_point)
        made: tuple[TensorType, ...] = infer_expansion(
            self, X, W, R, B, sequence_lens, initial_h, initial_c, P, *weights
        )
        return made

    def _functions(self) -> tuple[str, ...]:
        return self.activations or _DEFAULTS * self.directions

    def expand(
        self,
        b: Builder[Any],
        X: Any,
        W: Any,
        R: Any,
        B: Any = None,
        sequence_lens: Any = None,
        initial_h: Any = None,
        initial_c: Any = None,
        P: Any = None,
        *quantization: Any,
    ) -> tuple[Any, ...]:
        batch, hidden = b.Shape(X, start=1, end=2), b.Shape(R, start=1, end=2)
        zeros = b.Expand(b.constant(0, DType.FLOAT), b.Concat(batch, hidden, axis=0))
        zero, one = (b.constant(number, DType.INT64) for number in (0, 1))
        numbers = b.Range(zero, b.Squeeze(b.Shape(X, end=1)), one)
        if sequence_lens is not None:  # what lies behind all ends takes no part in X's range
            sequence_lens = b.Cast(sequence_lens, to=DType.INT64.value)
            read = b.Less(numbers, b.ReduceMax(sequence_lens, keepdims=0))
            X = b.Where(b.Unsqueeze(read, b.ints(1, 2)), X, b.constant(0, DType.FLOAT))
        made = []
        for d in range(self.directions):

            def part(x: Any, at: Any = one if d else zero) -> Any:
                return None if x is None else b.Gather(x, at, axis=0)

            w, r, bias, peepholes, *scales = map(part, (W, R, B, P, *quantization))
            projected = _product(b, X, w, *scales[:2])
            if bias is not None:
                projected = b.Add(projected, b.Add(*b.Split(bias, num_outputs=2, outputs=2)))
            first = [zeros if state is None else part(state) for state in (initial_h, initial_c)]
            step = self._step(d, (r, *scales[2:]), peepholes, sequence_lens)
            backward = self.direction == "reverse" or d == 1
            walk = _walked if isinstance(b, Evaluator) else _scanned
            made.append(walk(b, step, first, projected, numbers, backward))
        last_h, last_c, y = (
            b.Concat(*(b.Unsqueeze(one, b.ints(axis)) for one in same), axis=axis)
            for axis, same in zip((0, 0, 1), zip(*made, strict=True), strict=True)
        )
        return y, last_h, last_c

    def _step(self, d: int, recurrent: Sequence[Any], peepholes: Any, lengths: Any) -> Step:
        f, g, squash = self._functions()[3 * d : 3 * d + 3]

        def step(
            b: Builder[Any], h: Any, c: Any, projected: Any, number: Any
        ) -> tuple[Any, Any, Any]:
            sums = b.Add(projected, _product(b, h, *recurrent))
            gates = b.Split(sums, axis=-1, num_outputs=4, outputs=4)
            peeps = None if peepholes is None else b.Split(peepholes, num_outputs=3, outputs=3)

            def active(name: str, gate: int, cell: Any = None) -> Any:
                x = gates[gate]
                if peeps is not None and cell is not None:
                    x = b.Add(x, b.Mul(peeps[gate], cell))
                return b.op(name, x if self.clip is None else b.Clip(x, -self.clip, self.clip))

            i = active(f, 0, c)
            keep = b.Sub(1.0, i) if self.input_forget else active(f, 2, c)
            new_c = b.Add(b.Mul(keep, c), b.Mul(i, active(g, 3)))
            new_h = b.Mul(active(f, 1, new_c), b.op(squash, new_c))
            if lengths is None:
                return new_h, new_c, new_h
            lasts = b.Unsqueeze(b.Less(number, lengths), b.ints(1))
            return (
                b.Where(lasts, new_h, h),
                b.Where(lasts, new_c, c),
                b.Where(lasts, new_h, b.constant(0, DType.FLOAT)),
            )

        return step

    @classmethod
    def cases(cls) -> Iterator[Case]:
        # X is 255 steps of 0.01, H 255 of 1/510, so that nothing is rounded.
        x, w, r = f32([[[2.55]]]), i8([[[1, 2, 3, 4]]]), i8([[[2, 4, 6, 8]]])
        h, c, scale = f32([[[0.5]]]), f32([[[2]]]), f32([0.5])
        rest = [scale, i8([0]), scale, i8([0])]

        def made(sums: Array, before: float) -> list[Array]:
            i, o, keep = 1 / (1 + np.exp(-sums[:3]))
            cell = keep * before + i * np.tanh(sums[3])
            y = f32([[[o * np.tanh(cell)]]])
            return [y[None], y, f32([[[cell]]])]

        sums = np.array([1.275, 2.55, 3.825, 5.1])
        every: dict[str, Any] = {"wanted": 3}
        alone = [x, w, r, None, None, None, None, None, *rest]
        yield Case(cls(**every), alone, made(sums, 0), rtol=1e-6)
        carried = [x, w, r, None, None, h, c, None, *rest]
        yield Case(cls(**every), carried, made(sums + np.array([0.5, 1, 1.5, 2]), 2), rtol=1e-6)
        bias = f32([[0, 0, 0, -2, 0, 0, 0, -2]])
        shifted = [x, w, r, bias, None, h, c, None, *rest]
        yield Case(cls(**every), shifted, made(sums + np.array([0.5, 1, 1.5, -2]), 2), rtol=1e-6)
        columns = [f32([[1, 0.5, 0.5, 0.5]]), i8([[0, 0, 3, 0]]), scale, i8([0])]
        by_column = [x, w, r, None, None, None, None, None, *columns]
        yield Case(cls(**every), by_column, made(sums * np.array([2, 1, 0, 1]), 0), rtol=1e-6)
        yield Case(cls(**every), alone[:-4], error="W_scale is missing")
        yield Case(cls(**every), [x, w[..., :3], *alone[2:]], error="the gates of W")
        sine = cls(activations=("Sin",) * 3)
        yield Case(sine, alone, error="these activations; given: ['Sin', 'Sin', 'Sin']")


def _product(b: Builder[Any], left: Any, right: Any, scale: Any, zero: Any) -> Any:
    return b.op("DynamicQuantizeMatMul", left, right, scale, zero, domain="com.microsoft")


def _walked(
    b: Builder[Any], step: Step, first: Sequence[Any], projected: Any, numbers: Any, backward: bool
) -> tuple[Any, Any, Any]:
    """The last states and the outputs of all steps, from the first states, the inputs' part of the
    sums and the numbers of the steps: at once, of arrays.
    """
    h, c = first
    y = np.empty((len(numbers), *h.shape), np.float32)
    for t in numbers[::-1] if backward else numbers:
        h, c, y[t] = step(b, h, c, projected[t], t)
    return h, c, y


def _scanned(
    b: Builder[Any], step: Step, first: Sequence[Any], projected: Any, numbers: Any, backward: bool
) -> tuple[Any, Any, Any]:
    """The same in a graph: a Scan, whose body reads the weights from around it."""
    inner = GraphBuilder("step_")
    kinds = [
        *(without_content(b.type(state)) for state in first),
        *(TensorType(kind.dtype, kind.shape[1:]) for kind in map(b.type, (projected, numbers))),
    ]
    names = ("h", "c", "projected", "number")
    inputs = [Value(f"step_{name}", kind) for name, kind in zip(names, kinds, strict=True)]
    body = inner.graph("step", inputs, step(inner, *inputs))
    made: tuple[Any, Any, Any] = b.Scan(
        *first,
        projected,
        numbers,
        body=body,
        num_scan_inputs=2,
        scan_input_directions=(int(backward),) * 2,
        scan_output_directions=(int(backward),),
        outputs=3,
    )
    return made
