"""Symbolic dims: one normal form, exact arithmetic."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from likewise.ir import Dim, Expression, ceil_divide, maximum, minimum, product, same, symbol

H, W = symbol("h"), symbol("w")


def test_equal_polynomials_are_equal() -> None:
    assert (H + 1) * (H - 1) == H * H - 1
    assert H + W == W + H
    assert H - H == 0
    assert product((H, 0, W)) == 0


def test_division_takes_out_what_divides() -> None:
    assert H * W * 3 // W == 3 * H
    assert (H * 4 + 6) // 2 == H * 2 + 3
    assert (H * 2 + 3) // 2 == H + 1
    assert H * 8 % 4 == 0
    assert str(ceil_divide(H, 2)) == "(h + 1) // 2"
    assert (H + 1) // 2 // 3 == (H + 1) // 6


def test_text_reads_as_written_by_hand() -> None:
    assert str(H * 2 - W + 1) == "2*h - w + 1"
    assert str((H + 1) // 2 * 3) == "3*((h + 1) // 2)"


OPERATIONS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b if b != 0 else a,
    "max": maximum,
    "min": minimum,
}


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(OPERATIONS)), st.sampled_from(["h", "w", 2, 3, 7])),
        max_size=6,
    ),
    st.integers(1, 50),
    st.integers(1, 50),
)
def test_an_expression_computes_what_its_parts_do(
    steps: list[tuple[str, str | int]], h: int, w: int
) -> None:
    bindings = {"h": h, "w": w}
    symbolic: Dim = H
    number = h
    for operation, operand in steps:
        term = symbol(operand) if isinstance(operand, str) else operand
        value = bindings[operand] if isinstance(operand, str) else operand
        symbolic = OPERATIONS[operation](symbolic, term)
        number = OPERATIONS[operation](number, value)
    bound = symbolic.substitute(bindings) if isinstance(symbolic, Expression) else symbolic
    assert bound == number


def test_sameness_is_told_only_where_it_holds_for_all_sizes() -> None:
    assert same(H + W, W + H) is True
    assert same(H, H + 1) is False
    assert same(H, -1) is False
    assert same(H * W + 2, 1) is False
    assert same((H * 2 - 1) // 2 + 2, 0) is False  # at the least (0 - 1) // 2 + 2
    assert same(maximum(H - W, 3), 2) is False
    assert same(H // W, -1) is None  # W may be 0
    assert same(H // (W + 1), -1) is False
    assert same((H - 4) // (W + 1), -5) is False
    assert same(H, 1) is None
    assert same(H - W, 1) is None
    assert same((H - 1) // 2, -1) is None
    assert same(3, 3) is True
    assert same(3, 4) is False


@given(st.integers(0, 20), st.integers(0, 20), st.integers(-6, 6), st.integers(1, 5))
def test_what_is_said_of_all_sizes_holds_for_each(h: int, w: int, number: int, by: int) -> None:
    for dim in ((H + number) // by, maximum(H - W, number), H * W + number, (H - W) // (W + by)):
        said = same(dim, 1)
        assert isinstance(dim, Expression)
        value = dim.substitute({"h": h, "w": w})
        assert said is None or said == (value == 1)
