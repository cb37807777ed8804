"""A network of bytes: the compiled module gives the very numbers that NumPy gives."""

from __future__ import annotations

import numpy as np
import pytest

import likewise
from likewise.conform.inputs import draw_feeds
from likewise.targets.wasm import load
from tools.models import ensure


@pytest.mark.network
def test_resnet18_of_bytes() -> None:
    model = likewise.load(ensure("resnet18_int8"))
    feeds = draw_feeds(model.inputs, {}, {}, seed=5)
    (expected,) = model.run(feeds).values()
    made = likewise.compile(model)
    assert made.plain is not None
    for module in (made.data, made.plain):
        (answer,) = load(module).run(feeds).values()
        np.testing.assert_array_equal(answer, expected)
    assert np.unique(expected).size > 100
