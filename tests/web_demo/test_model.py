"""Any model, compiled and run in the page; and files that are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import likewise
from demo.page import draw_page
from demo.web.server import Handler, served
from likewise.targets.wasm import load
from tests.web_demo.conftest import watched

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page


def saved(
    path: Path,
    operator: str = "Mul",
    domain: str = "",
    dtype: int = TensorProto.FLOAT,
    **attributes: Any,
) -> Path:
    """A model with one node, `y = x operator x`, of n rows."""
    ports = [helper.make_tensor_value_info(name, dtype, ["n", 3]) for name in "xy"]
    node = helper.make_node(operator, ["x", "x"], ["y"], domain=domain, **attributes)
    graph = helper.make_graph([node], "graph", ports[:1], ports[1:])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def choose(page: Page, path: Path) -> None:
    page.locator(".picker input").set_input_files(path)


def alert(page: Page) -> str:
    return page.get_by_role("alert").inner_text()


def test_a_model_says_what_it_is_and_every_engine_agrees(
    page: Page, address: str, tmp_path: Path
) -> None:
    page.goto(f"{address}#model")
    choose(page, saved(tmp_path / "square.onnx"))
    page.get_by_role("heading", name="square.onnx").wait_for()
    given = page.locator(".given").inner_text()
    assert "float[n × 3]" in given
    assert "Mul 1" in given
    assert page.locator("[data-engine=prebuilt]").get_attribute("data-state") == "barred"

    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.save(tmp_path / "x.npy", x)
    page.locator(".input input[type=file]").set_input_files(tmp_path / "x.npy")
    page.get_by_role("button", name="Run on every engine").click()
    for engine in ("compiled", "numpy"):
        said = page.locator(f"[data-engine={engine}][data-state=answered] .outputs")
        assert said.inner_text().splitlines() == ["y float[2 × 3]", "0 1 4 9 16 25"]
    assert "Both engines agree: not one bit" in page.get_by_role("status").inner_text()
    operators = page.get_by_role("table", name="In NumPy, by operator")
    assert operators.get_by_role("rowheader").all_inner_texts() == ["Mul"]

    with page.expect_download() as download:
        page.get_by_role("link", name="Save square.wasm").click()
    download.value.save_as(tmp_path / "square.wasm")
    runner = load(tmp_path / "square.wasm")
    assert np.array_equal(runner.run({"x": x})["y"], x * x)
    compiled = likewise.compile(tmp_path / "square.onnx", shapes={"x": (2, 3)}, golden=False)
    assert (tmp_path / "square.wasm").read_bytes() == compiled.data


def test_bfloat16_is_shown_as_numbers(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(f"{address}#model")
    choose(page, saved(tmp_path / "square.onnx", dtype=TensorProto.BFLOAT16))
    page.get_by_role("button", name="Run on every engine").click()
    shown = []
    for engine in ("compiled", "numpy"):
        said = page.locator(f"[data-engine={engine}][data-state=answered] .outputs")
        kind, values = said.inner_text().splitlines()
        assert kind.startswith("y bfloat16")
        shown.append([float(value) for value in values.split()])
    assert shown[0] == shown[1]
    assert all(0 <= value < 30 for value in shown[0])  # squares of what is normally distributed
    assert any(value % 1 for value in shown[0])
    assert "Both engines agree: not one bit" in page.get_by_role("status").inner_text()


def test_types_that_are_not_shown(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(f"{address}#model")
    choose(page, saved(tmp_path / "cast.onnx", "CastLike", dtype=TensorProto.INT4))
    page.get_by_role("heading", name="cast.onnx").wait_for()
    page.get_by_role("button", name="Run: NumPy").click()
    said = page.locator("[data-engine=numpy] .error")
    assert said.inner_text() == "the page shows no elements of this type; given: int4"


@pytest.mark.network
def test_a_picture_as_an_input(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(f"{address}#model")
    page.get_by_role("button", name="Which way up is a line of text?").click()
    draw_page().image.crop((50, 560, 700, 660)).save(tmp_path / "line.png")
    page.locator(".input input[type=file]").set_input_files(tmp_path / "line.png")
    page.get_by_text("line.png").wait_for()
    page.get_by_role("button", name="Run on every engine").click()
    page.locator("[data-engine=numpy][data-state=answered]").wait_for()
    assert "All three engines agree: " in page.get_by_role("status").inner_text()
    page.locator(".input input[type=file]").set_input_files(__file__)
    assert alert(page) == "This file is no picture that the browser can read."


def test_bad_files_are_told_and_the_next_is_opened(
    page: Page, address: str, tmp_path: Path
) -> None:
    page.goto(f"{address}#model")
    (tmp_path / "none.onnx").write_text("<!doctype html> this is no model")
    choose(page, tmp_path / "none.onnx")
    assert alert(page).startswith("none.onnx: ")

    square = onnx.load(saved(tmp_path / "square.onnx"))
    square.graph.initializer.append(numpy_helper.from_array(np.ones(9, np.float32), "w"))
    onnx.save(
        square, tmp_path / "apart.onnx", save_as_external_data=True, size_threshold=0, location="w"
    )
    choose(page, tmp_path / "apart.onnx")
    page.get_by_text("apart.onnx: its weights lie in files of their own").wait_for()
    assert alert(page).endswith(
        "onnx.save(onnx.load('apart.onnx'), 'whole.onnx') writes them into one"
    )

    with (tmp_path / "big.onnx").open("wb") as file:
        file.truncate(400_000_000)
    choose(page, tmp_path / "big.onnx")
    page.get_by_text("big.onnx is 400 MB: a browser holds models up to 300 MB").wait_for()

    choose(page, saved(tmp_path / "strange.onnx", "Frobnicate", "com.example"))
    page.get_by_text("Frobnicate").wait_for()
    assert alert(page).startswith("strange.onnx: ")

    choose(page, saved(tmp_path / "fine.onnx"))
    page.get_by_role("heading", name="fine.onnx").wait_for()
    assert not page.get_by_role("alert").count()

    np.save(tmp_path / "wrong.npy", np.zeros((2, 4), np.float32))
    page.locator(".input input[type=file]").set_input_files(tmp_path / "wrong.npy")
    assert alert(page) == "wrong.npy is float[2 × 4], but the input `x` takes float[n × 3]."
    (tmp_path / "none.npy").write_text("no array")
    page.locator(".input input[type=file]").set_input_files(tmp_path / "none.npy")
    page.get_by_text("none.npy: not a `.npy` file").wait_for()


def test_it_can_be_stopped_and_started_again(page: Page, address: str) -> None:
    page.goto(f"{address}#model")
    page.get_by_role("button", name="The digits’ net").click()
    page.get_by_role("button", name="Stop").click()
    assert alert(page) == "Stopped."
    page.get_by_role("button", name="The digits’ net").click()
    page.get_by_role("heading", name="digits.onnx").wait_for()
    page.get_by_role("button", name="Run: Compiled here").click()
    page.get_by_role("button", name="Stop").click()
    row = page.locator("[data-engine=compiled]")
    assert row.locator(".error").inner_text() == "Stopped."
    page.get_by_role("button", name="Run on every engine").click()
    page.locator("[data-engine=numpy][data-state=answered]").wait_for()
    assert "All three engines agree" in page.get_by_role("status").inner_text()
    page.get_by_role("button", name="Time the kernels").click()
    page.locator(".profile").get_by_role("button", name="Stop").click()
    assert page.locator(".profile .error").inner_text() == "Stopped."
    page.get_by_role("button", name="Time the kernels").click()
    page.get_by_role("table", name="In compiled code, by kernel").wait_for()


class Losing(Handler):
    """Breaks the connection off in the middle of the file `lost`."""

    lost = ""

    def copyfile(self, source: Any, outputfile: Any) -> None:
        content = source.read()
        if self.lost and self.path.endswith(self.lost):
            outputfile.write(content[: len(content) // 2])
            self.close_connection = True
        else:
            outputfile.write(content)


@pytest.mark.parametrize("lost", ["pyodide.asm.wasm", "pyodide.mjs", "digits.onnx", ".whl"])
def test_a_network_lost_in_mid_download(
    browser: Browser, site: Path, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Losing, "lost", lost)
    with served(site, handler=Losing) as address, watched(browser, address) as page:
        page.goto(f"{address}#model")
        page.get_by_role("button", name="The digits’ net").click()
        assert alert(page).endswith("Try again.")
        monkeypatch.setattr(Losing, "lost", "")
        page.get_by_role("button", name="The digits’ net").click()
        page.get_by_role("heading", name="digits.onnx").wait_for()
        assert not page.get_by_role("alert").count()
