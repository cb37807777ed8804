"""Measuring how far arrays are apart, and judging it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from likewise.conform.compare import ULP_LIMITS, compare, judge
from likewise.errors import InputError
from likewise.ir import DType
from likewise.ops.case import f32, i64

INF, NAN = float("inf"), float("nan")


def counts(ulps: tuple[int, ...]) -> dict[float, int]:
    return {limit: many for limit, many in zip(ULP_LIMITS, ulps, strict=True) if many}


def test_equal_arrays() -> None:
    found = compare(f32([1, -2, NAN, INF]), f32([1, -2, NAN, INF]))
    assert (found.absolute, found.relative, found.rms, found.scale) == (0, 0, 0, 2)
    assert (found.nans, found.infinities, found.same_bits) == (0, 0, True)
    assert counts(found.ulps) == {0: 2}


def test_against_float64() -> None:
    oracle = np.array([1.0, 3.0, -0.25])
    made = f32([1, np.nextafter(f32(3), f32(4)), -0.25 + 2**-24])
    found = compare(made, oracle)
    assert found.absolute == 2**-22
    assert found.scale == 3
    assert found.ulp == 2**-22
    assert found.relative == 2**-22 / 3
    assert found.rms == pytest.approx(np.sqrt((2.0**-44 + 2.0**-48) / 3))
    assert counts(found.ulps) == {0: 1, 1: 1, 2: 1}
    assert not found.same_bits


@pytest.mark.parametrize(
    ("dtype", "unit"),
    [
        (DType.FLOAT16, 2.0**-10),
        (DType.BFLOAT16, 2.0**-7),
        (DType.FLOAT, 2.0**-23),
        (DType.DOUBLE, 2.0**-52),
    ],
)
def test_units_in_the_last_place(dtype: DType, unit: float) -> None:
    one = np.ones(1, dtype.numpy)
    assert compare(one, np.ones(1)).ulp == unit
    found = compare(one, np.array([1 + 3 * unit]))
    assert counts(found.ulps) == {4: 1}
    smallest = float(np.finfo(np.float32).smallest_subnormal)
    assert compare(f32([0]), np.array([smallest])).ulp == smallest


def test_nan_infinity_and_overflow() -> None:
    found = compare(f32([NAN, 1, INF, -INF, INF]), np.array([1.0, NAN, INF, INF, 1e39]))
    assert (found.nans, found.infinities, found.absolute) == (2, 1, 0)
    finite = compare(f32([1, 3e38]), np.array([1, 1e39]))
    assert (finite.infinities, finite.absolute, finite.scale) == (1, 0, 1)


def test_an_error_of_more_units_than_there_are_numbers_for() -> None:
    found = compare(np.array([1.0]), np.array([5e-324]))
    assert (found.absolute, found.ulps[-1]) == (1.0, 1)


def test_zeros_of_two_signs_differ_in_their_bits_alone() -> None:
    found = compare(f32([0.0, 1]), f32([-0.0, 1]))
    assert (found.absolute, found.bits, found.same_bits) == (0, 1, False)


def test_an_output_of_zeros() -> None:
    assert compare(f32([0]), np.zeros(1)).relative == 0
    assert compare(f32([1]), np.zeros(1)).relative == INF
    assert compare(f32(), np.zeros(0)).size == 0


def test_integers_are_exact() -> None:
    found = compare(np.array([2**64 - 1, 5], np.uint64), np.array([0, 5], np.uint64))
    assert (found.absolute, found.bits, found.scale) == (2.0**64, 1, 5)
    assert compare(i64([2**62, 1]), i64([2**62 + 1, 1])).absolute == 1
    assert compare(np.array(True), np.array(False)).absolute == 1
    assert compare(i64(), i64()).same_bits


def test_complex_numbers_by_their_parts() -> None:
    found = compare(np.array([1 + 2j], np.complex64), np.array([1 + 2.5j]))
    assert (found.size, found.absolute, found.scale) == (2, 0.5, 2.5)


@pytest.mark.parametrize(
    ("made", "expected", "message"),
    [
        (f32([1]), f32([[1]]), r"the shapes differ; given: \(1,\); allowed: \(1, 1\)"),
        (np.array(["a"], object), np.array(["a"], object), "given: string and string"),
        (f32([1]), i64([1]), "there is no distance between these; given: float and int64"),
    ],
)
def test_what_cannot_be_compared(made: Any, expected: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        compare(made, expected)


def test_the_verdict_asks_for_no_more_than_the_reference_does() -> None:
    oracle = np.array([1.0, 100.0])
    reference = compare(f32([1, 100.0001]), oracle)
    near, far = compare(f32([1, 100.0003]), oracle), compare(f32([1, 100.0006]), oracle)
    assert judge(near, reference).good
    assert 2 < judge(near, reference).times < 4
    verdict = judge(far, reference)
    assert not verdict.good
    assert verdict.reason.startswith("an error of 0.0006")
    assert verdict.error > verdict.limit
    assert judge(far, reference, times=8).good


def test_a_reference_right_by_luck_counts_as_half_an_ulp_of_the_scale() -> None:
    oracle = np.array([1.0, 2**-10])
    exact = compare(oracle.astype(np.float32), oracle)
    made = compare(f32([1, 2**-10 + 2**-23]), oracle)
    assert judge(made, exact).good
    assert judge(made, exact).times == 2
    assert not judge(made, exact, floor_ulps=0).good
    assert judge(exact, exact, floor_ulps=0).times == 0


def test_the_verdict_on_nan_and_infinities() -> None:
    oracle = np.array([1.0, NAN, INF])
    reference = compare(f32([1, NAN, INF]), oracle)
    assert "1 elements are NaN on one side alone, 0 allowed" in (
        judge(compare(f32([1, 2, INF]), oracle), reference).reason
    )
    assert "1 infinities differ, 0 allowed" in (
        judge(compare(f32([1, NAN, 2]), oracle), reference).reason
    )


def test_integers_have_no_slack() -> None:
    exact = compare(i64([7]), i64([7]))
    assert judge(exact, exact).good
    assert judge(compare(i64([8]), i64([7])), exact).times == INF
    assert not judge(compare(i64([8]), i64([7])), exact).good
