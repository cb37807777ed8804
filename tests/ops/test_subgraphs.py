"""If, Loop, Scan and SequenceMap in whole models: captures, old forms, conditions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import parser

import likewise
from likewise.errors import LikewiseError, ModelError, UnsupportedError
from likewise.ops.case import f32, i64

HEAD = '<ir_version: 10, opset_import: ["" : 21]>'


def run(text: str, **feeds: Any) -> list[Any]:
    model = likewise.load(parser.parse_model(text).SerializeToString())
    return list(model.run({name: np.asarray(value) for name, value in feeds.items()}).values())


def test_if_reads_outer_values_from_two_levels() -> None:
    text = (
        HEAD
        + """
    main (bool a, bool b, float[N] x) => (float[M] y) {
        two = Add(x, x)
        y = If (a) <
            then_branch = then_graph () => (float[M] t) {
                t = If (b) <
                    then_branch = deep () => (float[M] d) { d = Add(two, x) },
                    else_branch = other () => (float[M] o) { o = Identity(two) }
                >
            },
            else_branch = else_graph () => (float[M] e) { e = Concat <axis = 0> (x, two) }
        >
    }"""
    )
    x = f32([1, 2])
    np.testing.assert_array_equal(run(text, a=True, b=True, x=x)[0], 3 * x)
    np.testing.assert_array_equal(run(text, a=True, b=False, x=x)[0], 2 * x)
    np.testing.assert_array_equal(run(text, a=False, b=False, x=x)[0], [1, 2, 2, 4])


LOOP = (
    HEAD
    + """
    main (int64 m, bool c, float[N] x, float limit) => (float[K] last, float[T, 1] firsts) {
        last, firsts = Loop (m, c, x) <
            body = step (int64 i, bool going, float[K] v) => (bool on, float[K2] w, float[1] f) {
                w = Concat <axis = 0> (v, x)
                total = ReduceSum <keepdims = 0> (w)
                on = Less(total, limit)
                zero = Constant <value_ints = [0]> ()
                one = Constant <value_ints = [1]> ()
                f = Slice(w, zero, one)
            }
        >
    }"""
)


@pytest.mark.parametrize(
    ("m", "c", "limit", "rounds"),
    [(3, True, 100, 3), (9, True, 6.5, 2), (9, False, 100, 0), (0, True, 100, 0)],
)
def test_loop_grows_a_value_until_the_condition_fails(m, c, limit, rounds) -> None:
    x = f32([1, 2])
    last, firsts = run(LOOP, m=np.int64(m), c=c, x=x, limit=np.float32(limit))
    np.testing.assert_array_equal(last, np.tile(x, rounds + 1))
    assert firsts.ndim == 2
    assert len(firsts) == rounds


def test_scan_of_opset_8_has_a_batch_lengths_and_directions() -> None:
    text = """<ir_version: 10, opset_import: ["" : 8]>
    main (int64[B] lengths, float[B, 1] start, float[B, T, 1] x)
        => (float[B, 1] last, float[B, T, 1] sums) {
        last, sums = Scan <num_scan_inputs = 1, directions = [1],
            body = step (float[1] total, float[1] item) => (float[1] new, float[1] out) {
                new = Add(total, item)
                out = Identity(new)
            }
        > (lengths, start, x)
    }"""
    x = f32([[1, 2, 3], [4, 5, 6]])[..., None]
    start = f32([[0], [10]])
    last, sums = run(text, lengths=i64([2, 3]), start=start, x=x)
    np.testing.assert_array_equal(last, [[3], [25]])
    np.testing.assert_array_equal(sums[..., 0], [[2, 3, 0], [16, 21, 25]])


GRADIENT = """<ir_version: 10, opset_import: ["" : 21, "ai.onnx.preview.training" : 1]>
    main (float[2, 3] a, float[3] b, float[2, 3] c) => (float[2, 3] da, float[3] db) {{
        m = Mul(a, b)
        t = Tanh(m)
        y = {last}
        da, db = ai.onnx.preview.training.Gradient <xs = ["a", "b"], y = "y"> ({at}, b)
    }}"""


@pytest.mark.parametrize("at", ["a", "c"])
def test_gradient_is_that_of_finite_differences(at) -> None:
    random = np.random.default_rng(1)
    a, b, c = (random.standard_normal(s).astype(np.float32) for s in ((2, 3), 3, (2, 3)))
    da, db = run(GRADIENT.format(last="Div(t, b)", at=at), a=a, b=b, c=c)
    x = np.float64(a if at == "a" else c)
    slope = 1 - np.tanh(x * b) ** 2
    np.testing.assert_allclose(da, slope, rtol=1e-4)
    expected = (slope * x / b - np.tanh(x * b) / b.astype(np.float64) ** 2).sum(0)
    np.testing.assert_allclose(db, expected, rtol=1e-3)


def test_gradient_refuses_what_it_has_no_rule_for() -> None:
    with pytest.raises(UnsupportedError, match="no rule for the derivative of Floor"):
        run(GRADIENT.format(last="Floor(t)", at="a"))
    with pytest.raises(ModelError, match="no node before makes 'a'"):
        run(GRADIENT.format(last="Exp(t)", at="a").replace('y = "y"', 'y = "a"'))


def test_image_decoder_without_pillow_names_the_extra(monkeypatch) -> None:
    from likewise.ops import find_operator

    decoder = find_operator("ImageDecoder")
    assert decoder is not None
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(LikewiseError, match=r"pip install 'likewise\[image\]'"):
        decoder().evaluate(np.zeros(3, np.uint8))


def test_image_decoder_gives_nothing_for_what_is_no_image() -> None:
    pytest.importorskip("PIL")
    from likewise.ops import find_operator

    decoder = find_operator("ImageDecoder")
    assert decoder is not None
    assert decoder(pixel_format="Grayscale").evaluate(np.zeros(3, np.uint8)).shape == (0, 0, 1)
