"""silero_vad in every form that its wheel holds agrees with onnxruntime, call after call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.models.feeds import windows
from tests.models.peers import apart, model, report, run_session, session

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.network

CALLS = 50


@pytest.mark.parametrize(
    ("name", "batch", "rate"),
    [
        ("silero_vad", 1, 16000),
        ("silero_vad", 4, 16000),
        ("silero_vad", 1, 8000),
        ("silero_vad", 4, 8000),
        ("silero_vad_16k_op15", 1, 16000),
        ("silero_vad_16k_op15", 4, 16000),
        ("silero_vad_half", 1, 16000),
        ("silero_vad_half", 4, 16000),
        ("silero_vad_op18_ifless", 1, 16000),
        ("silero_vad_op18_ifless", 4, 16000),
        ("silero_vad_op18_ifless", 1, 8000),
        ("silero_vad_openvino_16k", 1, 16000),
    ],
)
def test_the_state_carried_over_fifty_calls(
    name: str, batch: int, rate: int, record_property: Callable[[str, object], None]
) -> None:
    ours, peer = model(name), session(name)
    takes_rate = any(port.name == "sr" for port in ours.inputs)
    constant = {"sr": np.array(rate, np.int64)} if takes_rate else {}
    state = expected_state = np.zeros((2, batch, 128), np.float32)
    made, expected = [], []
    for window in windows(CALLS, batch, rate):
        # Each engine goes on from its own state, so that a difference would grow.
        made.append(ours.run({"input": window, "state": state, **constant}))
        feeds = {"input": window, "state": expected_state, **constant}
        expected.append(run_session(peer, feeds))
        state, expected_state = made[-1]["stateN"], expected[-1]["stateN"]
    chances = stacked(expected)["output"]
    assert chances[5].max() < 0.2, "silence must not sound like speech"
    assert chances.max() > 0.5, "speech must sound like speech"
    found = apart(stacked(made), stacked(expected))
    report(f"{name} batch {batch} at {rate} Hz", found, record_property)


def stacked(calls: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The outputs of all calls together."""
    return {name: np.stack([call[name] for call in calls]) for name in calls[0]}


@pytest.mark.parametrize("length", [1, CALLS])
def test_the_sequence_form(length: int, record_property: Callable[[str, object], None]) -> None:
    name = "silero_vad_16k_sequence"
    state = np.zeros((1, 1, 128), np.float32)
    feeds = {"input": windows(CALLS, 1, 16000)[:length, 0], "h": state, "c": state}
    found = apart(model(name).run(feeds), run_session(session(name), feeds))
    report(f"{name} of length {length}", found, record_property)
