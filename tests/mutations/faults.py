"""Thirty faults, each a change of one line, with what must notice it and where it shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from likewise.ir import DType
from tests.mutations.chains import Chain, looping

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FAULTS", "TOOLKIT", "Fault"]

TOOLKIT = Path(__file__).resolve().parents[2] / "toolkit"

PRODUCTS = ("tests/lower/test_kernels.py", "-k", "product")
CONVOLUTIONS = ("tests/lower/test_kernels.py", "-k", "convolution")
SUMS = ("tests/lower/test_kernels.py", "-k", "sums")
RECURRENT = ("tests/lower/test_kernels.py", "-k", "recurrent")
LAYOUTS = ("tests/lower/test_kernels.py", "-k", "layouts")
OPERATIONS = ("tests/targets/wasm/test_operations.py",)
ARITHMETIC = ("tests/loop/test_math.py",)
INT64 = DType.INT64


def cases(name: str) -> tuple[str, ...]:
    """The cases of an operator, compiled."""
    return ("tests/lower/test_cases.py", "-k", f"{name}-")


def numpy_cases(name: str) -> tuple[str, ...]:
    """The cases of an operator in NumPy."""
    return ("tests/ops/test_cases.py", "-k", f"{name}-")


@dataclass(frozen=True)
class Fault:
    """`old` stands once in the whole package and becomes `new`.

    `tests` are pytest's arguments for the part of the suite that must notice it. In `chain` the
    fault shows at the operator `culprit`, by default the chain's own, in `target`.
    """

    name: str
    old: str
    new: str
    tests: Sequence[str]
    chain: Chain
    target: str = "wasm"
    culprit: str = ""

    def file(self) -> Path:
        """Where it is planted. Raises ValueError where `old` is not once in the package."""
        files = sorted((TOOLKIT / "likewise").rglob("*.py"))
        found = [path for path in files for _ in range(path.read_text("utf-8").count(self.old))]
        if len(found) != 1:
            places = ", ".join(str(path.relative_to(TOOLKIT)) for path in found) or "nowhere"
            raise ValueError(f"{self.name}: stands not once but in {places}: {self.old!r}")
        return found[0]

    @property
    def operator(self) -> str:
        """The operator at which bisection must end."""
        return self.culprit or self.chain.name


def _values(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).standard_normal(shape).astype(np.float32)


LSTM = Chain(
    "LSTM", (4, 2, 3), (_values(1, 20, 3), _values(1, 20, 5), _values(1, 40)), {"hidden_size": 5}
)
BACKWARDS = Chain("LSTM", LSTM.shape, LSTM.others, {"hidden_size": 5, "direction": "reverse"})
CONV = Chain("Conv", (1, 3, 7, 6), ((5, 3, 3, 3), (5,)), {"pads": (1, 1, 2, 1)})
SCALES = np.array([1, 1, 2, 2], np.float32)

FAULTS = (
    Fault(
        "the last block of packed weights lacks a column",
        "packed[:columns] = weights\n",
        "packed[: columns - 1] = weights[: columns - 1]\n",
        PRODUCTS,
        Chain("MatMul", (5, 7), ((7, 13),)),
    ),
    Fault(
        "the first of the tiles in which rows are left is skipped",
        "return [*found, (cut, size, small)] if",
        "return [*found, (cut + small, size, small)] if",
        PRODUCTS,
        Chain("MatMul", (8, 9), ((9, 8),)),
    ),
    Fault(
        "sums of 128 products replace each other",
        "total.set(total.get() + one.get())",
        "total.set(one.get())",
        PRODUCTS,
        Chain("MatMul", (5, 600), ((600, 8),)),
    ),
    Fault(
        "columns that fill no vector all get its first lane",
        "row, total.get().lane(lane))",
        "row, total.get().lane(0))",
        PRODUCTS,
        Chain("MatMul", (5, 7), ((7, 11),)),
    ),
    Fault(
        "the second vector of a tile repeats the first",
        "b.at(at, column + part), lanes)",
        "b.at(at, column), lanes)",
        PRODUCTS,
        Chain("MatMul", (12, 12), ("x",)),
    ),
    Fault(
        "a convolution forgets its bias",
        "lambda _, a, b: a + b, x.dtype, y, column",
        "lambda _, a, b: a, x.dtype, y, column",
        CONVOLUTIONS,
        CONV,
    ),
    Fault(
        "one row of padding too few behind the input",
        "        return [\n            (n - 1) * s + (k - 1) * d + 1 - b - size",
        "        return [\n            (n - 1) * s + (k - 1) * d - b - size",
        CONVOLUTIONS,
        Chain("Conv", (1, 3, 7, 6), ((5, 3, 3, 3), (5,)), {"pads": (0, 0, 1, 1)}),
    ),
    Fault(
        "neighbours in a depthwise tile ignore the stride",
        "offset = row * stride + column * dilation",
        "offset = row + column * dilation",
        CONVOLUTIONS,
        Chain("Conv", (1, 6, 9, 9), ((6, 1, 3, 3),), {"group": 6, "strides": (2, 2)}),
    ),
    Fault(
        "the border of a maximum is zero",
        "        order,\n        start,\n    )",
        "        order,\n    )",
        cases("MaxPool"),
        Chain(
            "MaxPool",
            (1, 2, 6, 6),
            (),
            {"kernel_shape": (3, 3), "pads": (1, 1, 1, 1)},
            shift=-5.0,
        ),
    ),
    Fault(
        "pooling ignores dilations",
        "place * stride + one * dilation",
        "place * stride + one",
        cases("MaxPool"),
        Chain("MaxPool", (1, 2, 9, 9), (), {"kernel_shape": (2, 2), "dilations": (3, 2)}),
    ),
    Fault(
        "indices of maxima leave out the last row",
        "inside += [one < n for",
        "inside += [one < n - 1 for",
        cases("MaxPool"),
        Chain("MaxPool", (1, 2, 4, 4), (), {"kernel_shape": (2, 2)}, outputs=2),
    ),
    Fault(
        "a mean at the border counts what is outside",
        "if counts.size and (counts == counts.flat[0]).all():",
        "if counts.size:",
        cases("AveragePool"),
        Chain("AveragePool", (1, 2, 5, 5), (), {"kernel_shape": (3, 3), "pads": (1, 1, 1, 1)}),
    ),
    Fault(
        "a sum along rows drops what fills no vector",
        "found = combine(k, found, rest.get())",
        "found = combine(k, found, k.const(plan.start, one))",
        SUMS,
        Chain("ReduceSum", (3, 11), (np.array([1]),)),
    ),
    Fault(
        "the last block of a long sum is the first again",
        "add(span(axis, inner, first + whole, count - whole, step))",
        "add(span(axis, inner, first, count - whole, step))",
        SUMS,
        Chain("ReduceSum", (100, 3), (np.array([0]),)),
    ),
    Fault(
        "a slice starts at the beginning",
        "return [at * n + s for s, n, at",
        "return [at * n + 0 * s for s, n, at",
        cases("Slice"),
        Chain("Slice", (8, 5), (np.array([2]), np.array([7]), np.array([0]))),
    ),
    Fault(
        "a transposition is the inverse one",
        "places = [order.index(axis) for axis in range(self.rank)]",
        "places = list(order)",
        ("tests/random_graphs", "-k", "views"),
        Chain("Transpose", (4, 4, 4), (), {"perm": (1, 2, 0)}),
    ),
    Fault(
        "padding before the input moves nothing",
        "starts = [*[0] * lead, *begin]",
        "starts = [*[0] * lead, *[0 for _ in begin]]",
        LAYOUTS,
        Chain("AveragePool", (1, 2, 5, 5), (), {"kernel_shape": (2, 2), "pads": (1, 1, 0, 0)}),
    ),
    Fault(
        "a layer that walks backwards walks forwards",
        "step = portion - 1 - counter if self.backward else counter",
        "step = counter",
        RECURRENT,
        BACKWARDS,
    ),
    Fault(
        "the recurrent bias is left out",
        "lowering.constant(self.fold_bias(bias.data))",
        "lowering.constant(np.split(bias.data, 2)[0])",
        RECURRENT,
        LSTM,
    ),
    Fault(
        "a weighted sample is the last of its terms",
        "total = total + part(k, index, tap)",
        "total = part(k, index, tap)",
        cases("Resize"),
        Chain("Resize", (1, 2, 4, 4), (None, SCALES), {"mode": "linear"}),
    ),
    Fault(
        "a transposed convolution looks one place too far",
        "offset = (first + begin - taps[0] * dilation) // stride if taps else 0",
        "offset = (first + begin - taps[0] * dilation) // stride + 1 if taps else 0",
        CONVOLUTIONS,
        Chain("ConvTranspose", (1, 2, 5, 5), ((2, 3, 3, 3),), {"strides": (2, 2)}),
    ),
    Fault(
        "a loop of known rounds makes one less",
        "with lowering.entry.loop(trips) as at:",
        "with lowering.entry.loop(trips - 1) as at:",
        ("tests/lower/test_control.py",),
        Chain("Loop", (3, 4), build=looping),
    ),
    Fault(
        "the lesser of two 64-bit integers is the greater",
        'self._extreme(node, "lt")',
        'self._extreme(node, "gt")',
        OPERATIONS,
        Chain("Min", (3, 5), (np.array([2]),), dtype=INT64, shift=1),
    ),
    Fault(
        "a division by -1 adds",
        'self.op(f"{kind}.mul")\n        self.get(quotient)',
        'self.op(f"{kind}.add")\n        self.get(quotient)',
        OPERATIONS,
        Chain("Div", (4, 5), ("x",), dtype=INT64, shift=1),
    ),
    Fault(
        "a choice takes the other side",
        "for one in (yes, no, condition):",
        "for one in (no, yes, condition):",
        OPERATIONS,
        Chain("Elu", (3, 7)),
    ),
    Fault(
        "every lane taken out of a vector is the first",
        'extract_lane{suffix}")\n        self.code.append(node.immediate[0])',
        'extract_lane{suffix}")\n        self.code.append(0)',
        OPERATIONS,
        Chain("ReduceSum", (3, 16), (np.array([1]),)),
    ),
    Fault(
        "float16 rounds ties down",
        "(magnitude - 0x38000000 + odd + 0xFFF) >> 13",
        "(magnitude - 0x38000000 + 0xFFF) >> 13",
        ("tests/loop/test_half.py",),
        Chain("Cast", (4, 9), (), {"to": DType.FLOAT16}, shift=1500.5, scale=100.0),
    ),
    Fault(
        "one coefficient of exp is off by 2e-4",
        "5.0000001201e-1",
        "5.0010001201e-1",
        ARITHMETIC,
        Chain("Exp", (3, 7)),
    ),
    Fault(
        "QuantizeLinear rounds halves up",
        "np.rint(y, out=y)\n        if y_zero_point",
        "np.floor(y + np.float32(0.5), out=y)\n        if y_zero_point",
        ("tests/random_graphs", "-k", "test_targets_agree"),
        Chain(
            "QuantizeLinear",
            (4, 9),
            (np.float32(2), np.array(3, np.int8)),
            shift=1.0,
            scale=9.0,
        ),
        "numpy",
    ),
    Fault(
        "LayerNormalization adds epsilon behind the root",
        "inverse = 1 / np.sqrt(variance + x.dtype.type(epsilon))",
        "inverse = 1 / (np.sqrt(variance) + x.dtype.type(epsilon))",
        numpy_cases("LayerNormalization"),
        Chain("LayerNormalization", (3, 8), ((8,), (8,)), {"epsilon": 0.5}),
        "numpy",
    ),
)
