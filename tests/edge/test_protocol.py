"""The Open Inference Protocol: an unmodified client of another project, and what is refused."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tritonclient.http as triton
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.errors import InputError
from likewise_edge.protocol import read_request, write_response
from tests.edge.devices import Device

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.edge.devices import Running

ENGINES = ("wasm", "numpy")


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    device = Device(tmp_path_factory.mktemp("device"), "[server]\nmax_body_bytes = 10000\n")
    device.install(device.bundle(2, version=7, engines=ENGINES))
    device.install(device.bundle(3, name="open", engines=["numpy"], shape=("n", 3)))
    with device.serving() as running:
        yield running


@pytest.fixture(scope="module")
def client(agent: Running) -> Iterator[Any]:
    client = triton.InferenceServerClient(f"127.0.0.1:{agent.port}")
    yield client
    client.close()


def test_health_and_metadata(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("m")
    assert client.is_model_ready("m", "7")
    assert client.get_server_metadata()["name"] == "likewise-edge"
    assert client.get_model_metadata("m") == {
        "name": "m",
        "versions": ["7"],
        "platform": "likewise",
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [2, 3]}],
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [2, 3]}],
    }
    assert client.get_model_metadata("open")["inputs"][0]["shape"] == [-1, 3]


def test_listing(client: Any) -> None:
    listed = {entry["name"]: entry["state"] for entry in client.get_model_repository_index()}
    assert listed == {"m": "READY", "open": "READY"}


@pytest.mark.parametrize("sent", [True, False], ids=["binary in", "JSON in"])
@pytest.mark.parametrize("got", [True, False], ids=["binary out", "JSON out"])
def test_inference(client: Any, sent: bool, got: bool) -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 3) - 2
    fed = triton.InferInput("x", [2, 3], "FP32")
    fed.set_data_from_numpy(x, binary_data=sent)
    wanted = triton.InferRequestedOutput("y", binary_data=got)
    made = client.infer("m", [fed], outputs=[wanted], request_id="one", timeout=10_000_000)
    np.testing.assert_array_equal(made.as_numpy("y"), 2 * x)
    assert made.get_response()["id"] == "one"
    assert made.get_response()["model_version"] == "7"
    np.testing.assert_array_equal(client.infer("m", [fed]).as_numpy("y"), 2 * x)


def test_a_size_left_open(client: Any) -> None:
    for rows in (1, 5):
        fed = triton.InferInput("x", [rows, 3], "FP32")
        fed.set_data_from_numpy(np.ones((rows, 3), np.float32))
        assert client.infer("open", [fed]).as_numpy("y").tolist() == [[3.0] * 3] * rows


X = {"name": "x", "datatype": "FP32", "shape": [2, 3], "data": [0.0] * 6}
BAD = {
    "no JSON": (b"{", 400, "the request is no JSON"),
    "no object": ([], 400, "the request is no JSON object; given: 'list'"),
    "no inputs": ({}, 400, "'inputs' is no list; given: 'NoneType'"),
    "the input is missing": ({"inputs": []}, 400, "the input 'x' is missing"),
    "another name": ({"inputs": [X | {"name": "z"}]}, 400, "the model has no input 'z'"),
    "given twice": ({"inputs": [X, X]}, 400, "the input 'x' is given twice"),
    "another shape": (
        {"inputs": [X | {"shape": [3, 2]}]},
        400,
        "input 'x' has the wrong shape; given: [3, 2]; allowed: [2, 3]",
    ),
    "another type": (
        {"inputs": [X | {"datatype": "INT64", "data": [0] * 6}]},
        400,
        "input 'x' has the wrong element type; given: int64; allowed: float32",
    ),
    "too little data": (
        {"inputs": [X | {"data": [0.0]}]},
        400,
        "input 'x': 'data' has another size than 'shape'; given: 1; allowed: [2, 3]",
    ),
    "words": (
        {"inputs": [X | {"data": ["a"] * 6}]},
        400,
        "input 'x': 'data' holds other values than its 'datatype'; given: dtype('<U1')",
    ),
    "ragged": ({"inputs": [X | {"data": [[1, 2], [3]]}]}, 400, "input 'x': 'data' is wrong"),
    "no such type": (
        {"inputs": [X | {"datatype": "FP31"}]},
        400,
        "input 'x': there is no such 'datatype'; given: 'FP31'; allowed: BOOL, UINT8",
    ),
    "a negative size": ({"inputs": [X | {"shape": [-2, 3]}]}, 400, "input 'x': 'shape' is wrong"),
    "no such output": (
        {"inputs": [X], "outputs": [{"name": "z"}]},
        400,
        "the model has no output 'z'; allowed: y",
    ),
    "a deadline that is none": (
        {"inputs": [X], "parameters": {"timeout": "soon"}},
        400,
        "'timeout' is wrong; given: 'soon'; allowed: microseconds",
    ),
    "binary data that is not there": (
        {"inputs": [X | {"parameters": {"binary_data_size": 24}}]},
        400,
        "input 'x': 'binary_data_size' is wrong; given: 24; allowed: up to 0 bytes",
    ),
    "no type at all": ({"inputs": [X | {"datatype": [1]}]}, 400, "input 'x': there is no such 'da"),
    "beyond the type": (
        {"inputs": [X | {"data": [1e300] * 6}]},
        400,
        "input 'x': 'data' is wrong; given: overflow encountered in cast",
    ),
    "a number that does not fit": (
        {"inputs": [X | {"datatype": "UINT8", "data": [300] * 6}]},
        400,
        "input 'x': 'data' is wrong; given: Python integer 300 out of bounds for uint8",
    ),
    "NaN as JSON": (
        {"inputs": [X | {"data": [float("nan")] * 6}]},
        400,
        "the output 'y' holds NaN or infinity, which JSON does not have; ask for it with",
    ),
    "too large": (
        b" " * 20_000,
        413,
        "the request is too large; given: 20000 bytes; allowed: 10000",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(agent: Running, case: str) -> None:
    content, status, message = BAD[case]
    found = agent.request("/v2/models/m/infer", content)
    assert found[0] == status
    assert message in found[1]["error"]


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/v2/models/none", 404, "there is no model 'none'; allowed: m, open"),
        ("/v2/models/m/versions/8", 404, "the model 'm' has no version '8'; allowed: 7"),
        ("/v3", 404, "GET /v3 is none of the protocol's"),
        ("/v2/models/m/infer", 405, "GET /v2/models/m/infer is none of the protocol's"),
    ],
)
def test_addresses_that_are_none(agent: Running, path: str, status: int, message: str) -> None:
    found = agent.request(path)
    assert (found[0], found[1]) == (status, {"error": message})


@pytest.mark.parametrize("length", ["99", "-1", "9" * 5000])
def test_a_wrong_length_of_the_header(agent: Running, length: str) -> None:
    header = {"Inference-Header-Content-Length": length}
    status, content, _ = agent.request("/v2/models/m/infer", b"{}", header)
    assert status == 400
    assert f"is wrong; given: {length[:9]}" in content["error"]
    assert "allowed: a number up to 2" in content["error"]


def test_a_client_that_goes_away(agent: Running) -> None:
    head = b"POST /v2/models/m/infer HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n"
    with socket.create_connection(("localhost", agent.port)) as client:
        client.sendall(head + b"{")
        agent.wait_for(lambda: agent.request("/v2/health/live")[0] == 200)
    agent.wait_for(lambda: 'model="m",status="499"' in str(agent.request("/metrics")))
    assert "a fault of the agent" not in agent.log.read_text()


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=3)
    | st.sampled_from(["FP32", "INT64", "BOOL", "BYTES", "FP16", "BF16"]),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=8,
)


@given(
    changes=st.dictionaries(
        st.sampled_from(["name", "datatype", "shape", "data", "parameters"]), VALUES, max_size=3
    ),
    more=st.dictionaries(st.sampled_from(["id", "outputs", "parameters"]), VALUES, max_size=2),
    tail=st.binary(max_size=8),
    size=st.none() | st.integers(-1, 9),
)
@settings(max_examples=400, deadline=None)
def test_nonsense_is_refused_in_words(changes: Any, more: Any, tail: bytes, size: Any) -> None:
    """Whatever the JSON says, a request is read or refused; the agent has no fault of its own."""
    entry = X | changes
    if size is not None:
        entry |= {"parameters": {"binary_data_size": size}}
    head = json.dumps({"inputs": [entry], **more}).encode()
    try:
        request = read_request(head + tail, str(len(head)), ["y"])
    except InputError:
        return
    assert set(request.wanted) <= {"y"}


def test_metrics_count_by_model_and_status(agent: Running) -> None:
    agent.infer()
    agent.infer(np.ones(1))
    page = agent.request("/metrics")[1].decode()
    for line in (
        'likewise_requests_total{model="m",status="200"}',
        'likewise_requests_total{model="m",status="400"}',
        'likewise_request_seconds_count{model="m"}',
        'version="7"',
    ):
        assert line in page


def test_strings_as_binary_data(tmp_path: Path) -> None:
    device = Device(tmp_path)
    head = (
        b'{"inputs": [{"name": "x", "datatype": "BYTES", "shape": [2], '
        b'"parameters": {"binary_data_size": 12}}]}'
    )
    body = head + b"\x01\0\0\0a\x03\0\0\0\xc3\xa9b"
    request = read_request(body, str(len(head)), ["x"])
    assert request.feeds["x"].tolist() == ["a", "éb"]
    wanted = type(request)(None, {}, {"x": True})
    from likewise.bundle import open_bundle

    with open_bundle(device.bundle(), device.keys) as bundle:
        answer, headers = write_response(wanted, bundle.manifest, request.feeds)
    assert answer.endswith(body[len(head) :])
    assert int(headers["Inference-Header-Content-Length"]) == len(answer) - 12
