"""MelWeightMatrix: triangles that turn a spectrum into bands of the mel scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import LikewiseError, UnsupportedError
from likewise.ir import DType, TensorType, fresh
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_dtype, check_float
from likewise.ops.conversion import convert
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim
    from likewise.lower import TensorView


class MelWeightMatrix(Operator, versions=(17,)):
    """[dft_length // 2 + 1, num_mel_bins], a triangle of height 1 in each column.

    The corners of the triangles stand at even distances on the mel scale, 2595 log10(1 + f / 700),
    and are rounded down to bins of the spectrum.
    """

    output_datatype: DType = DType.FLOAT

    def infer(
        self,
        num_mel_bins: TensorType,
        dft_length: TensorType,
        sample_rate: TensorType,
        lower_edge_hertz: TensorType,
        upper_edge_hertz: TensorType,
    ) -> TensorType:
        integers = {"num_mel_bins": num_mel_bins, "dft_length": dft_length}
        for name, x in {**integers, "sample_rate": sample_rate}.items():
            check_dtype(x, {DType.INT32, DType.INT64}, name)
        check_float(lower_edge_hertz, "lower_edge_hertz")
        check_float(upper_edge_hertz, "upper_edge_hertz")
        bins, length = (_number(x) for x in integers.values())
        return TensorType(self.output_datatype, (length // 2 + 1, bins))

    def evaluate(
        self,
        num_mel_bins: Array,
        dft_length: Array,
        sample_rate: Array,
        lower_edge_hertz: Array,
        upper_edge_hertz: Array,
    ) -> Array:
        bands, length = int(num_mel_bins.item()), int(dft_length.item())
        rate = int(sample_rate.item())
        edges = np.array([lower_edge_hertz.item(), upper_edge_hertz.item()], np.float64)
        if bands < 0 or length < 0 or rate <= 0 or not (edges >= 0).all():
            raise LikewiseError(
                "the sizes of a mel matrix are negative or zero",
                given=f"{bands} bands, length {length}, rate {rate}, edges {edges.tolist()}",
            )
        low, high = 2595 * np.log10(1 + edges / 700)
        # bands + 2 steps, not bands + 1: so the function that ONNX defines has it.
        mels = np.arange(bands + 2) * ((high - low) / (bands + 2)) + low
        hertz = 700 * (10 ** (mels / 2595) - 1)
        corners = ((length + 1) * hertz // rate).astype(np.int64)
        lower, center, upper = corners[:-2], corners[1:-1], corners[2:]
        spectrum = length // 2 + 1
        place = np.arange(spectrum)[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            rising = (place - lower) / (center - lower)
            falling = (upper - place) / (upper - center)
        made = np.where((place >= lower) & (place < center), rising, 0)
        made = np.where((place > center) & (place < upper), falling, made)
        made = np.where(place == center, 1, made)
        return convert(made, self.output_datatype)

    def lower(self, *_: object) -> TensorView:
        raise UnsupportedError("the sizes of the matrix depend on data")

    @classmethod
    def cases(cls) -> Iterator[Case]:
        inputs = [i64(2), i64(8), i64(8000), f32(0), f32(4000)]
        made = f32([[1, 0], [0, 1], [0, 0], [0, 0], [0, 0]])
        yield Case(cls(), inputs, [made])
        made = f32([[1, 0], [0.5, 0.5], [0, 1], [0, 0.5], *[[0, 0]] * 5])
        yield Case(cls(), [inputs[0], i64(16), *inputs[2:]], [made])
        yield Case(cls(), [f32(2), *inputs[1:]], error="num_mel_bins has an element type")
        yield Case(cls(), [*inputs[:2], i64(0), *inputs[3:]], error="negative or zero")


def _number(x: TensorType) -> Dim:
    return fresh("mel") if x.constant is None else int(x.constant.item())
