"""The TypeScript runtime in headless Chromium, on a page's main thread and in a worker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.wasm.conftest import RUNTIME
from tests.wasm.modules import CASES, answers, encoded
from tests.wasm.serving import served
from tools.browser import launch

if TYPE_CHECKING:
    from tools.node import Node

PAGES = Path(__file__).resolve().parent / "browser"
FAILURES = [
    "DownloadError: {0}/modules/missing.wasm: the module cannot be read; given: HTTP 404; check",
    'ModelError: /: these bytes are no WebAssembly module; given: they begin with "<!doctype ht"; ',
    "ModelError: /modules/cases.json: these bytes are no WebAssembly module; given: they begin",
    "InputError: input `x`: an array of another type; given: Array; allowed: Float32Array of 60",
    "AbortError: ",
    "ModelError: /modules/truncated.wasm: this engine cannot compile the module; given: ",
    "ModelError: /modules/truncated.wasm: this engine cannot compile the module; given: ",
    "DownloadError: {0}/modules/missing.weights: the weights cannot be read; given: HTTP 404; ",
    "ModelError: /modules/weighted.wasm: weighted.weights: these are not the module's weights; giv",
    "ModelError: /modules/weighted.wasm: weighted.weights: these are not the module's weights; giv",
    "InputError: the weights lie in another file; pass `weighted.weights` as `weights`",
]


@pytest.fixture(scope="module", params=[False, True], ids=["", "isolated"])
def found(
    request: pytest.FixtureRequest,
    node: Node,
    modules: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    """What page and worker report, by realm."""
    isolated = request.param
    del node  # it has built the runtime
    site = tmp_path_factory.mktemp("site")
    for path in PAGES.iterdir():
        (site / path.name).symlink_to(path)
    (site / "runtime").symlink_to(RUNTIME / "dist")
    (site / "modules").symlink_to(modules)
    (modules / "truncated.wasm").write_bytes((modules / "relu.wasm").read_bytes()[:300])
    (modules / "wrong.weights").write_bytes((modules / "weighted.weights").read_bytes()[::-1])
    with served(site, isolated=isolated) as address, launch() as browser:
        page = browser.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        warned: list[str] = []
        page.on("console", lambda said: warned.append(said.text))
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        made = {
            realm: page.evaluate(f"globalThis.checked.{realm}()") for realm in ("page", "worker")
        }
        assert not wrong
        assert not [url for url in asked if not url.startswith((address, "data:", "blob:"))]
        return {"address": address, "isolated": isolated, "warned": warned, **made}


@pytest.fixture(params=["page", "worker"])
def realm(request: pytest.FixtureRequest, found: dict[str, Any]) -> dict[str, Any]:
    return {**found, **found[request.param]}


def test_outputs_equal_those_of_wasmtime(realm: dict[str, Any]) -> None:
    relaxed = realm["relaxed"]
    for case in CASES:
        expected = encoded(answers(case if relaxed else case.plain()))
        assert realm["outputs"][case.name] == expected, case.name
    assert len(realm["outputs"]) == len(CASES)


def test_weights_that_are_read_past_the_engine(realm: dict[str, Any]) -> None:
    assert realm["large"] == realm["outputs"]["inside"]


def test_threads_where_the_page_is_isolated(realm: dict[str, Any]) -> None:
    assert realm["threads"] == ([3, 2, 1, 1] if realm["isolated"] else [1, 1, 1, 1])
    said = [one for one in realm["warned"] if one.startswith("likewise: ")]
    why = "this page is not cross-origin isolated (COOP and COEP headers)"
    once_a_realm = [f"likewise: one thread only: {why}"] * 2
    assert said == ([] if realm["isolated"] else once_a_realm)


def test_a_trap_in_a_thread_is_an_error(realm: dict[str, Any]) -> None:
    for said, gone in realm["traps"]:
        assert said.startswith("LikewiseError: /modules/trapping.wasm: the module trapped; given: ")
        disposed = "InputError: /modules/trapping.wasm: the model was disposed of; "
        assert gone.startswith(disposed) == realm["isolated"]


def test_progress_ends_with_the_whole(realm: dict[str, Any], modules: Path) -> None:
    sizes = {
        one.name: (modules / f"{one.name}.wasm").stat().st_size + len(one.weights() or b"")
        for one in CASES[1::2]
    }
    assert "weighted" in sizes
    last = {one["name"]: (one["loaded"], one["total"]) for one in realm["progress"]}
    assert last == {name: (size, size) for name, size in sizes.items()}


def test_golden_vectors_hold(realm: dict[str, Any]) -> None:
    assert realm["golden"] == []


def test_failures_say_what_to_do(realm: dict[str, Any]) -> None:
    for said, expected in zip(realm["failures"], FAILURES, strict=True):
        assert said.startswith(expected.format(realm["address"]))
