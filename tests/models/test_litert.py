"""Every real model as a TFLite file agrees with onnxruntime, on both interpreters.

The largest difference of an output, relative to its largest value, is at most 1e-4.
"""

from __future__ import annotations

import subprocess
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from likewise.compiler import compile as compile_model
from tests.models.compiled import SUBJECTS, run
from tests.models.interpreters import ROOT, tflite_runtime_python
from tests.models.peers import apart, model, report, run_session, session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from likewise.ir import Array
    from likewise.targets.litert import Artefact

pytestmark = pytest.mark.network

SLOW = {"minilm", "resnet50", "segformer_b0", "whisper_tiny_encoder"}
QUICK = {"mobilenetv2", "ppocr_det", "ppocr_rec", "silero_vad"}
"""Those that run always on tflite-runtime too."""


def cases() -> list[Any]:
    found = []
    for name in SUBJECTS:
        for interpreter in ("ai-edge-litert", "tflite-runtime"):
            slow = name in SLOW or (interpreter == "tflite-runtime" and name not in QUICK)
            marks = [pytest.mark.slow] if slow else []
            found.append(pytest.param(name, interpreter, marks=marks, id=f"{name}-{interpreter}"))
    return found


@lru_cache(maxsize=1)
def artefact(name: str) -> Artefact:
    subject = SUBJECTS[name]
    return compile_model(
        model(name), "litert", shapes=subject.shapes(), constants=subject.constants
    )


@lru_cache(maxsize=1)
def expected(name: str) -> dict[str, Array]:
    """What onnxruntime gives."""
    subject = SUBJECTS[name]
    kinds = {port.name: port.dtype for port in model(name).inputs}
    constants = {
        one: value.astype(kind.numpy)
        for one, value in subject.constants.items()
        if (kind := kinds[one]) is not None
    }

    def engine(feeds: Mapping[str, Array]) -> dict[str, Array]:
        return run_session(session(name), {**feeds, **constants})

    return run(subject, engine)


def on_ai_edge_litert(name: str, _: Path) -> dict[str, Array]:
    """The outputs of all calls together."""
    return run(SUBJECTS[name], artefact(name).load().run)


def on_tflite_runtime(name: str, folder: Path) -> dict[str, Array]:
    """The same, from the environment of its own."""
    subject, file = SUBJECTS[name], folder / "calls.npz"
    calls = subject.calls()
    content: dict[str, Any] = {
        f"{at}/{name}": one for at, feeds in enumerate(calls) for name, one in feeds.items()
    }
    np.savez(
        file,
        model=np.frombuffer(artefact(name).data, np.uint8),
        calls=np.array(len(calls)),
        carried=np.array(list(subject.carried.items()), "U").reshape(-1, 2),
        **content,
    )
    done = subprocess.run(
        [tflite_runtime_python(), "-m", "tests.models.interpreters", file],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'toolkit'}:{ROOT}", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with np.load(folder / "calls.out.npz") as made:
        return {name: made[name] for name in expected(name)}


@pytest.mark.parametrize(("name", "interpreter"), cases())
def test_model(
    name: str,
    interpreter: str,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    engine = on_ai_edge_litert if interpreter == "ai-edge-litert" else on_tflite_runtime
    made = engine(name, tmp_path)
    report(f"{name} on {interpreter}", apart(made, expected(name)), record_property)


@pytest.mark.parametrize(("name", "limit"), [("mobilenetv2", 2e-3), ("silero_vad", 1e-2)])
def test_float16_weights_halve_the_file(
    name: str, limit: float, record_property: Callable[[str, object], None]
) -> None:
    subject = SUBJECTS[name]
    made = compile_model(
        model(name),
        "litert",
        shapes=subject.shapes(),
        constants=subject.constants,
        weights_type="float16",
    )
    assert len(made.data) < 0.52 * len(artefact(name).data)
    found = apart(run(subject, made.load().run), expected(name))
    report(f"{name} with float16 weights", found, record_property, limit)
