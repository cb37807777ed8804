"""What the page prints for a saved module runs as printed: in a page, in Node and in Python."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import likewise
from demo.web.site import MODELS, RUNTIME
from tests.wasm.serving import served
from tools.node import find_node

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

TYPES = (
    *("FLOAT", "DOUBLE", "FLOAT16", "BOOL"),
    *("INT64", "INT32", "INT16", "INT8"),
    *("UINT64", "UINT32", "UINT16", "UINT8"),
)
WHERE = ("In a page", "In Node", "In Python")


def snippets(page: Page) -> dict[str, str]:
    """The code by where it is for."""
    found = {}
    for title in WHERE:
        folded = page.locator(".save details", has_text=title)
        folded.locator("summary").click()
        found[title] = folded.locator("code").inner_text()
    return found


def save(page: Page, stem: str, folder: Path) -> None:
    """Both modules, called as the page calls them."""
    for link in (f"Save {stem}.wasm", f"Plain twin of {stem}.wasm"):
        with page.expect_download() as download:
            page.get_by_role("link", name=link, exact=True).click()
        download.value.save_as(folder / download.value.suggested_filename)


def numbers(text: str) -> list[float]:
    """The elements of the one array in a printed answer."""
    inside = text[text.index("[") : text.rindex("]")]
    return [float(one) for one in re.findall(r"-?\d\.?\d*(?:e-?\d+)?", inside)]


def in_page(browser: Browser, folder: Path, code: str) -> list[float]:
    (folder / "index.html").write_text(f"<!doctype html><title>saved</title>{code}")
    with served(folder) as address:
        page = browser.new_page()
        with page.expect_console_message(lambda one: one.type == "log") as said:
            page.goto(address)
        (outputs,) = said.value.args
        made: list[float] = outputs.evaluate("outputs => Array.from(Object.values(outputs)[0])")
        page.close()
    return made


def run(command: list[Any], folder: Path) -> list[float]:
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return numbers(done.stdout)


def assert_all_give(expected: np.ndarray, browser: Browser, page: Page, folder: Path) -> None:
    """Run the snippets beside the saved modules, with the npm package where each looks for it."""
    (folder / "likewise-runtime").symlink_to(RUNTIME / "dist")
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "likewise-runtime").symlink_to(RUNTIME)
    code = snippets(page)
    (folder / "run.mjs").write_text(code["In Node"])
    (folder / "run.py").write_text(code["In Python"])
    for made in (
        in_page(browser, folder, code["In a page"]),
        run([find_node().program, "run.mjs"], folder),
        run([sys.executable, "run.py"], folder),
    ):
        np.testing.assert_allclose(made, expected.ravel(), rtol=1e-4, atol=1e-6)


def test_the_snippets_of_a_module_compiled_beforehand(
    browser: Browser, page: Page, address: str, tmp_path: Path
) -> None:
    page.goto(address)
    save(page, "digits", tmp_path)
    image = np.zeros((1, 1, 8, 8), np.float32)
    expected = likewise.load(MODELS / "digits.onnx").run({"image": image})["chances"]
    assert_all_give(expected, browser, page, tmp_path)


@pytest.mark.network
def test_the_snippets_of_a_module_compiled_here_with_inputs_of_many_types(
    browser: Browser, page: Page, address: str, tmp_path: Path
) -> None:
    types = {name.lower(): getattr(TensorProto, name) for name in TYPES}
    nodes = [helper.make_node("Cast", [name], [f"{name}_"], to=1) for name in types]
    nodes.append(helper.make_node("Sum", [f"{name}_" for name in types], ["sum"]))
    nodes.append(helper.make_node("Cos", ["sum"], ["y"]))
    inputs = [helper.make_tensor_value_info(name, one, [2]) for name, one in types.items()]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])
    graph = helper.make_graph(nodes, "graph", inputs, [output])
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "many.onnx")

    page.goto(f"{address}#model")
    page.locator(".picker input").set_input_files(tmp_path / "many.onnx")
    page.get_by_role("button", name="Run: Compiled here").click()
    page.locator("[data-engine=compiled][data-state=answered]").wait_for()
    save(page, "many", tmp_path)
    assert_all_give(np.ones(2), browser, page, tmp_path)
