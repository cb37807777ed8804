"""A small convolution net that knows handwritten digits, trained here in NumPy.

`python -m demo.web.digits FOLDER` trains it on scikit-learn's digits, 8 × 8 pixels each, prints how
many of the digits that it never saw it gets right, and writes `digits.onnx` and `digits.json`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

__all__ = ["ACCURACY", "SEED", "Trained", "as_onnx", "held_out", "train"]

Floats: TypeAlias = "NDArray[np.float32]"
Parameters: TypeAlias = dict[str, Floats]

SEED: Final = 20261014
ACCURACY: Final = 0.98
"""What training must reach on the digits held out; less is an error of the script."""
EPOCHS, BATCH, RATE = 12, 64, 2e-3
SIDE, FIRST, SECOND, CLASSES = 8, 16, 32, 10


@dataclass(frozen=True)
class Trained:
    """The parameters by name, and the part of the held-out digits that they get right."""

    parameters: Parameters
    accuracy: float


def held_out() -> tuple[Floats, NDArray[np.int64]]:
    """The digits that training never sees: images [n, 1, 8, 8] from 0 to 1, and what they are."""
    _, (images, labels) = _data()
    return images, labels


def train(epochs: int = EPOCHS) -> Trained:
    """Train from `SEED`: the same parameters on the same machine and NumPy."""
    (images, labels), (unseen, answers) = _data()
    generator = np.random.default_rng(SEED)
    parameters = _start(generator)
    moments = {name: (np.zeros_like(p), np.zeros_like(p)) for name, p in parameters.items()}
    step = 0
    for epoch in range(epochs):
        rate = RATE * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
        order = generator.permutation(len(images))
        for first in range(0, len(order), BATCH):
            members = order[first : first + BATCH]
            step += 1
            gradients = _gradients(parameters, _moved(images[members], generator), labels[members])
            _adam(parameters, gradients, moments, rate, step)
    chances = _forward(parameters, unseen)["scores"]
    return Trained(parameters, float((chances.argmax(axis=1) == answers).mean()))


def as_onnx(trained: Trained) -> onnx.ModelProto:
    """The net as a model that takes one `image` [1, 1, 8, 8] and gives ten `chances`."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Conv", ["image", "w1", "b1"], ["c1"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("MaxPool", ["r2"], ["p2"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["p2"], ["f2"]),
        helper.make_node("Gemm", ["f2", "w3", "b3"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["chances"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("chances", TensorProto.FLOAT, [1, CLASSES])],
        [numpy_helper.from_array(array, name) for name, array in trained.parameters.items()],
    )
    model = helper.make_model(
        graph,
        producer_name="likewise demo",
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    helper.set_model_props(
        model, {"seed": str(SEED), "accuracy on digits held out": f"{trained.accuracy:.4f}"}
    )
    return model


def _data() -> tuple[tuple[Floats, NDArray[np.int64]], tuple[Floats, NDArray[np.int64]]]:
    """Images and answers: four fifths to learn from, one fifth held out."""
    from sklearn.datasets import load_digits

    found: Any = load_digits()
    images = (found.images[:, None] / 16).astype(np.float32)
    labels = found.target.astype(np.int64)
    order = np.random.default_rng(SEED).permutation(len(images))
    cut = len(order) * 4 // 5
    seen, unseen = order[:cut], order[cut:]
    return (images[seen], labels[seen]), (images[unseen], labels[unseen])


def _start(generator: np.random.Generator) -> Parameters:
    """Weights after He et al. 2015, arXiv:1502.01852; biases 0."""

    def weight(*shape: int) -> Floats:
        deviation = np.sqrt(2 / np.prod(shape[1:] if len(shape) > 2 else shape[:1]))
        return (deviation * generator.standard_normal(shape)).astype(np.float32)

    inside = SECOND * (SIDE // 2) ** 2
    return {
        "w1": weight(FIRST, 1, 3, 3),
        "b1": np.zeros(FIRST, np.float32),
        "w2": weight(SECOND, FIRST, 3, 3),
        "b2": np.zeros(SECOND, np.float32),
        "w3": weight(inside, CLASSES),
        "b3": np.zeros(CLASSES, np.float32),
    }


def _moved(images: Floats, generator: np.random.Generator) -> Floats:
    """Each image moved by at most a pixel and pressed a little harder or softer."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    corners = generator.integers(0, 3, (len(images), 2))
    moved = np.stack(
        [
            image[:, y : y + SIDE, x : x + SIDE]
            for image, (y, x) in zip(padded, corners, strict=True)
        ]
    )
    pressure = generator.uniform(0.8, 1.3, (len(images), 1, 1, 1)).astype(np.float32)
    return np.minimum(moved * pressure, np.float32(1))


def _windows(images: Floats) -> Floats:
    """[n, height, width, channels × 9]: what a 3 × 3 kernel sees of each padded pixel."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    seen = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    n, channels, height, width = images.shape
    return seen.transpose(0, 2, 3, 1, 4, 5).reshape(n, height, width, channels * 9)


def _forward(parameters: Parameters, images: Floats) -> dict[str, Floats]:
    """Every intermediate value that the gradients need, by name."""
    made = {"x1": _windows(images)}
    flat = parameters["w1"].reshape(FIRST, -1).T
    made["r1"] = np.maximum(made["x1"] @ flat + parameters["b1"], 0).transpose(0, 3, 1, 2)
    made["x2"] = _windows(made["r1"])
    flat = parameters["w2"].reshape(SECOND, -1).T
    made["r2"] = np.maximum(made["x2"] @ flat + parameters["b2"], 0).transpose(0, 3, 1, 2)
    half = SIDE // 2
    blocks = made["r2"].reshape(len(images), SECOND, half, 2, half, 2)
    made["p2"] = blocks.max(axis=(3, 5))
    made["f2"] = made["p2"].reshape(len(images), -1)
    made["scores"] = made["f2"] @ parameters["w3"] + parameters["b3"]
    return made


def _gradients(parameters: Parameters, images: Floats, labels: NDArray[np.int64]) -> Parameters:
    """Of the mean cross entropy."""
    made = _forward(parameters, images)
    count = len(images)
    scores = made["scores"] - made["scores"].max(axis=1, keepdims=True)
    error = np.exp(scores)
    error /= error.sum(axis=1, keepdims=True)
    error[np.arange(count), labels] -= 1
    error /= count
    found = {"w3": made["f2"].T @ error, "b3": error.sum(axis=0)}
    pooled = (error @ parameters["w3"].T).reshape(made["p2"].shape)
    wide = made["p2"].repeat(2, axis=2).repeat(2, axis=3)
    below = pooled.repeat(2, axis=2).repeat(2, axis=3) * ((made["r2"] == wide) & (made["r2"] > 0))
    below = _convolution(found, "2", made["x2"], below, parameters["w2"])
    _convolution(found, "1", made["x1"], below * (made["r1"] > 0), parameters["w1"])
    return found


def _convolution(
    found: Parameters, layer: str, windows: Floats, error: Floats, weight: Floats
) -> Floats:
    """Put a layer's gradients into `found`; the gradient of what it was given."""
    flat = error.transpose(0, 2, 3, 1)
    count = weight.shape[0]
    product = flat.reshape(-1, count).T @ windows.reshape(-1, windows.shape[-1])
    found[f"w{layer}"] = product.reshape(weight.shape)
    found[f"b{layer}"] = flat.sum(axis=(0, 1, 2))
    turned = weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3).reshape(weight.shape[1], -1)
    return (_windows(error) @ turned.T).transpose(0, 3, 1, 2)


def _adam(
    parameters: Parameters,
    gradients: Parameters,
    moments: dict[str, tuple[Floats, Floats]],
    rate: float,
    step: int,
) -> None:
    """One step of Kingma and Ba 2015, arXiv:1412.6980, in place."""
    for name, gradient in gradients.items():
        mean, square = moments[name]
        mean += 0.1 * (gradient - mean)
        square += 0.001 * (gradient**2 - square)
        scale = np.sqrt(square / (1 - 0.999**step)) + 1e-8
        parameters[name] -= (rate / (1 - 0.9**step) * mean / scale).astype(np.float32)


def main(arguments: list[str]) -> int:
    """Train, say how well that went, and write the model and its facts; the exit status."""
    trained = train()
    images, labels = held_out()
    print(f"{trained.accuracy:.1%} of {len(images)} digits held out are read right")
    if trained.accuracy < ACCURACY:
        print(f"error: at least {ACCURACY:.0%} is wanted", file=sys.stderr)
        return 1
    folder = Path(arguments[0])
    (folder / "digits.onnx").write_bytes(as_onnx(trained).SerializeToString())
    samples = [images[labels == digit][0].ravel().round(4).tolist() for digit in range(CLASSES)]
    facts = {"accuracy": trained.accuracy, "heldOut": len(labels), "samples": samples}
    (folder / "digits.json").write_text(json.dumps(facts))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
