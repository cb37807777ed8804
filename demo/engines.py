"""PP-OCRv4 in likewise and in onnxruntime, behind the same three calls, each call timed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from demo.ocr.read import Networks
from demo.ocr.recognise import alphabet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from demo.ocr.images import Network

__all__ = ["STAGES", "Call", "Difference", "Engine", "differences", "likewise", "onnxruntime"]

STAGES = ("detection", "direction", "recognition")
MODELS = {"detection": "ppocr_det", "direction": "ppocr_cls", "recognition": "ppocr_rec"}

Opened: TypeAlias = "tuple[Network, Mapping[str, str]]"
"""A network and the metadata in its file."""


@dataclass(frozen=True)
class Call:
    """One run of a network: what it was given, what it made, and how long that took."""

    stage: str
    given: NDArray[np.float32]
    made: NDArray[np.float32]
    seconds: float


@dataclass
class Engine:
    """The three networks in one engine, and the calls since `calls` was last emptied."""

    name: str
    version: str
    opened: Mapping[str, Opened]
    load_seconds: float
    calls: list[Call] = field(default_factory=list)

    @property
    def networks(self) -> Networks:
        """The networks, each call of which is kept in `calls`."""
        _, metadata = self.opened["recognition"]
        timed = {stage: self._timed(stage) for stage in STAGES}
        return Networks(**timed, classes=alphabet(metadata["character"]))

    def _timed(self, stage: str) -> Network:
        network, _ = self.opened[stage]

        def call(given: NDArray[np.float32]) -> NDArray[np.float32]:
            start = time.perf_counter()
            made = network(given)
            self.calls.append(Call(stage, given, made, time.perf_counter() - start))
            return made

        return call


@dataclass(frozen=True)
class Difference:
    """How far two engines' outputs are apart for the same inputs.

    `relative` is `absolute` over the largest output.
    """

    absolute: float
    relative: float


def differences(calls: Sequence[Call], other: Engine) -> dict[str, Difference]:
    """By network, the largest difference when `other` is given what `calls` were given."""
    found = {}
    for stage in STAGES:
        network, _ = other.opened[stage]
        absolute = scale = 0.0
        for call in calls:
            if call.stage == stage:
                expected = network(call.given)
                absolute = max(absolute, float(np.abs(call.made - expected).max()))
                scale = max(scale, float(np.abs(expected).max()))
        found[stage] = Difference(absolute, absolute / scale if scale else 0.0)
    return found


def likewise(paths: Mapping[str, Path]) -> Engine:
    """The networks in likewise."""
    import likewise as package

    def open_model(path: Path) -> Opened:
        model = package.load(path)
        name, output = model.inputs[0].name, model.outputs[0].name
        return lambda given: model.run({name: given})[output], model.metadata

    return _engine("likewise", package.__version__, paths, open_model)


def onnxruntime(paths: Mapping[str, Path], threads: int) -> Engine:
    """The networks in onnxruntime, with so many threads.

    Raises ImportError where it is not installed.
    """
    import onnxruntime as package

    options = package.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3

    def open_model(path: Path) -> Opened:
        session = package.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        metadata = session.get_modelmeta().custom_metadata_map
        return lambda given: session.run(None, {name: given})[0], metadata

    return _engine("onnxruntime", package.__version__, paths, open_model)


def _engine(
    name: str, version: str, paths: Mapping[str, Path], open_model: Callable[[Path], Opened]
) -> Engine:
    start = time.perf_counter()
    opened = {stage: open_model(paths[model]) for stage, model in MODELS.items()}
    return Engine(name, version, opened, time.perf_counter() - start)
