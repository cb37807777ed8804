"""Columns as inputs, outputs as columns, and what is said of those that do not fit."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from onnx import TensorProto, helper

import likewise
from likewise.frames import run_frame
from likewise.ops.case import f32

if TYPE_CHECKING:
    from collections.abc import Sequence

F, S, B = TensorProto.FLOAT, TensorProto.STRING, TensorProto.BOOL


def model(
    nodes: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[tuple[str, Any]]
) -> likewise.Model:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(*one) for one in inputs],
        [
            helper.make_value_info(name, kind)
            if not isinstance(kind, int)
            else helper.make_tensor_value_info(name, kind, None)
            for name, kind in outputs
        ],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    return likewise.load(helper.make_model(graph, opset_imports=opsets).SerializeToString())


def twice(dtype: int = F, dims: Sequence[Any] = ("n", 2)) -> likewise.Model:
    """The sum of x and x, called y."""
    return model([helper.make_node("Add", ["x", "x"], ["y"])], [("x", dtype, dims)], [("y", dtype)])


@pytest.fixture(scope="module")
def classifier() -> likewise.Model:
    """A linear classifier of two columns, its scores as maps, as converters write it."""
    maps = helper.make_sequence_type_proto(
        helper.make_map_type_proto(S, helper.make_tensor_type_proto(F, []))
    )
    labels = [b"no", b"yes"]
    return model(
        [
            helper.make_node(
                "LinearClassifier",
                ["x"],
                ["label", "scores"],
                domain="ai.onnx.ml",
                classlabels_strings=labels,
                coefficients=[-1.0, 2.0, 1.0, -2.0],
                intercepts=[0.5, -0.5],
                post_transform="SOFTMAX",
            ),
            helper.make_node(
                "ZipMap", ["scores"], ["odds"], domain="ai.onnx.ml", classlabels_strings=labels
            ),
        ],
        [("x", F, ["n", 2])],
        [("label", S), ("odds", maps)],
    )


def test_columns_are_stacked_and_outputs_are_columns(classifier: likewise.Model) -> None:
    frame = pl.DataFrame({"id": [7, 8, 9], "age": [1.0, -1.0, 0.5], "income": [0, 2, 1]})
    made = run_frame(classifier, frame, columns={"x": ["age", "income"]}, batch=2)
    expected = classifier.run({"x": f32([[1, 0], [-1, 2], [0.5, 1]])})
    assert made.columns == ["label", "odds"]
    assert made["label"].to_list() == list(expected["label"]) == ["yes", "no", "no"]
    assert made["odds"].dtype == pl.Struct({"no": pl.Float32, "yes": pl.Float32})
    for row, odds in zip(made["odds"].to_list(), expected["odds"], strict=True):
        assert row == pytest.approx({key: float(value) for key, value in odds.items()}, rel=1e-6)
    assert frame.hstack(made).width == 5


@pytest.mark.parametrize(
    ("dims", "values", "shape"),
    [
        (["n"], pl.Series([1.5, 2.5, 3.0], dtype=pl.Float32), (3,)),
        (["n", 1], pl.Series([1.5, 2.5, 3.0], dtype=pl.Float64), (3, 1)),
        (["n", 2], pl.Series([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), (3, 2)),
        (["n", 2, 1], pl.Series([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), (3, 2, 1)),
        (["n", "m", 2], pl.Series(np.arange(12, dtype=np.float32).reshape(3, 2, 2)), (3, 2, 2)),
        (["n", "m"], pl.Series([[], [], []], dtype=pl.List(pl.Float64)), (3, 0)),
    ],
    ids=lambda value: str(getattr(value, "dtype", value)),
)
@pytest.mark.parametrize("batch", [1024, 2])
def test_a_column_goes_to_the_input_of_its_name(
    dims: Sequence[Any], values: pl.Series, shape: tuple[int, ...], batch: int
) -> None:
    made = run_frame(twice(dims=dims), pl.DataFrame({"x": values}), batch=batch)["y"]
    assert made.to_numpy().shape == shape
    flat = np.ravel(np.array(values.to_list(), np.float32))
    np.testing.assert_array_equal(made.to_numpy().ravel(), 2 * flat)


def test_text_categories_and_booleans() -> None:
    copied = model(
        [helper.make_node("Identity", [name], [f"{name}2"]) for name in ("s", "b")],
        [("s", S, ["n"]), ("b", B, ["n"])],
        [("s2", S), ("b2", B)],
    )
    frame = pl.DataFrame({"s": ["a", "bc", "a"], "b": [True, False, True]})
    for one in (frame, frame.with_columns(pl.col("s").cast(pl.Categorical))):
        made = run_frame(copied, one)
        assert made.to_dict(as_series=False) == {"s2": ["a", "bc", "a"], "b2": [True, False, True]}


def test_half_floats_are_widened_and_constants_go_to_every_part() -> None:
    scaled = model(
        [helper.make_node("Mul", ["x", "k"], ["m"]), helper.make_node("Cast", ["m"], ["y"], to=10)],
        [("x", F, ["n"]), ("k", F, [])],
        [("y", TensorProto.FLOAT16)],
    )
    frame = pl.DataFrame({"x": [1.0, 2.0, 0.1]})
    made = run_frame(scaled, frame, constants={"k": 3}, batch=1, cast=True)["y"]
    assert made.dtype == pl.Float32
    assert made.to_list() == [3.0, 6.0, float(np.float16(np.float32(0.1) * 3))]


def test_no_rows_give_no_rows() -> None:
    made = run_frame(twice(), pl.DataFrame({"x": pl.Series([], dtype=pl.Array(pl.Float32, 2))}))
    assert made.schema == {"y": pl.Array(pl.Float32, 2)}
    assert made.height == 0


def test_integers_become_floats_only_where_these_hold_them() -> None:
    frame = pl.DataFrame({"x": [2**24, 2**24 + 1]})
    with pytest.raises(likewise.InputError, match="16777217 in row 1, Int64; cast=True"):
        run_frame(twice(dims=["n"]), frame)
    assert run_frame(twice(dims=["n"]), frame, cast=True)["y"].to_list() == [2.0**25] * 2
    large = pl.DataFrame({"x": [2**63 - 1]})
    with pytest.raises(likewise.InputError, match="holds numbers that double does not have"):
        run_frame(twice(TensorProto.DOUBLE, ["n"]), large)


def test_a_compiled_module_takes_rows_as_many_at_a_time_as_it_was_made_for() -> None:
    runner = likewise.compile(twice(), shapes={"x": (2, 2)}).load()
    frame = pl.DataFrame({"x": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]})
    assert run_frame(runner, frame)["y"].to_list() == [[2, 4], [6, 8], [10, 12], [14, 16]]
    with pytest.raises(likewise.InputError, match="takes 2 rows at a time; given: 3 rows"):
        run_frame(runner, frame.head(3))


NULLS = {"x": [[1.0, 2.0], None]}
WRONG: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no column": ({"a": [1.0]}, {}, r"called like the input 'x: float\[n, 2\]'.*columns: x=a"),
    "no input": ({"x": [1.0]}, {"columns": {"z": ["x"]}}, "no input 'z'; allowed: x: float"),
    "lost": ({"a": [1.0]}, {"columns": {"x": ["a", "b"]}}, r"not all there; given: \['a', 'b'\]"),
    "null": (NULLS, {}, "column 'x' has no value in row 1; fill or drop the nulls"),
    "null inside": ({"x": [[1.0, None]]}, {}, "column 'x' has no value in row 1"),
    "ragged": ({"x": [[1.0], [1.0, 2.0]]}, {}, "lists of different lengths; given: 1, 2; pad"),
    "a date": ({"x": [date(2026, 1, 1)]}, {}, "a type that no tensor has; given: Date"),
    "text": (
        {"x": [["a", "b"]]},
        {},
        "column 'x' has the wrong type; given: List.String.; allowed: float",
    ),
    "inexact": ({"x": [[0.1, 1.0]]}, {}, "numbers that float does not have.*--cast"),
    "rank": ({"x": [1.0]}, {}, r"input 'x' has the wrong shape; given: \[1\]"),
    "width": ({"x": [[1.0]]}, {}, r"input 'x' has the wrong shape; given: \[1, 1\]"),
    "batch": ({"x": [[1.0, 2.0]]}, {"batch": 0}, "a batch holds one row at least; given: 0"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_named(name: str) -> None:
    data, options, message = WRONG[name]
    with pytest.raises(likewise.InputError, match=f"^<bytes>: .*{message}"):
        run_frame(twice(), pl.DataFrame(data), **options)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (pl.LazyFrame({"x": [1]}), r"given: polars.LazyFrame; .*call .collect\(\) on it"),
        ({"x": [1]}, "given: builtins.dict; allowed: a polars.DataFrame"),
    ],
)
def test_rows_are_given_in_a_frame(given: Any, message: str) -> None:
    with pytest.raises(likewise.InputError, match=f"the rows are in no frame; {message}"):
        run_frame(twice(), given)


def test_lists_are_not_stacked() -> None:
    frame = pl.DataFrame({"a": [1.0], "b": [[1.0]]})
    with pytest.raises(likewise.InputError, match="made of several columns, and 'b' holds lists"):
        run_frame(twice(), frame, columns={"x": ["a", "b"]})


def test_outputs_that_are_no_rows() -> None:
    total = model(
        [helper.make_node("ReduceSum", ["x"], ["y"], keepdims=0)], [("x", F, ["n"])], [("y", F)]
    )
    message = r"output 'y' has no row for each row of the frame; given: 2 rows in, \(\) out"
    with pytest.raises(likewise.UnsupportedError, match=message):
        run_frame(total, pl.DataFrame({"x": [1.0, 2.0]}))
