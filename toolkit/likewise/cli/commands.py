"""What the commands are called and take; what they do stands in the modules beside."""

from __future__ import annotations

import os
from typing import Any, Final

import click

from likewise import __version__
from likewise.cli.options import as_json, constant, held_together, seed, shape
from likewise.cli.proof_commands import bisect, conform

__all__ = ["likewise"]

_EXITS: Final = (
    "Exit status: 0 done; 1 the model is broken, unsupported or failed; 2 wrong arguments; "
    "130 interrupted."
)
_THREAD_VARIABLES: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@click.group(epilog=_EXITS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def likewise() -> None:
    """One ONNX model that answers in Python, in the browser and on the edge."""


_feeding = held_together(
    click.option(
        "-i",
        "--input",
        "inputs",
        multiple=True,
        metavar="NAME=FILE.npy",
        help="An input from a .npy file; may be given several times. Others are drawn.",
    ),
    shape("The shape of an input that is drawn, where the model leaves it open."),
    seed,
    click.option("--threads", type=click.IntRange(1), help="Threads of the matrix products."),
    as_json,
)


def _limit_threads(threads: int | None) -> None:
    # Read by the BLAS when NumPy is first imported, which the commands do after this.
    if threads is not None:
        os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)))


@likewise.command(epilog="Example: likewise run det.onnx --shape x=1,3,320,320 --seed 7 -o out.npz")
@click.argument("model", type=click.Path())
@_feeding
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Keep the outputs (.npz).")
@click.option(
    "--target",
    type=click.Choice(["numpy", "wasm", "litert"]),
    default="numpy",
    show_default=True,
    help="What runs it; `wasm` and `litert` compile it first.",
)
@click.option(
    "--numerics",
    type=click.Choice(["fast", "strict"]),
    default="fast",
    show_default=True,
    help="Of the target wasm: strict gives the same bits everywhere.",
)
@click.option(
    "--rows",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Run on every row of a .parquet, .csv, .ndjson or .arrow file; -o writes one.",
)
@click.option(
    "--columns",
    multiple=True,
    metavar="NAME=a,b,c",
    help="With --rows: the columns that an input is made of; else the one of its name.",
)
@constant("With --rows: an input that is the same for every row.")
@click.option("--cast", is_flag=True, help="With --rows: round numbers to the input's type.")
def run(model: str, *, threads: int | None, rows: str | None, **options: Any) -> None:
    """Run MODEL (.onnx, .tflite, or a .wasm of `likewise compile`) once and show its outputs.

    With --rows it runs on a table, and the outputs are columns.
    """
    _limit_threads(threads)
    from likewise.cli.run import run_model, run_rows

    of_rows = {name: options.pop(name) for name in ("columns", "constants", "cast")}
    if rows is None:
        _refuse("without --rows", **of_rows)
        run_model(model, threads=threads, **options)
        return
    compiled = options["target"] != "numpy"
    _refuse("with --rows", inputs=options["inputs"], shapes=options["shapes"], target=compiled)
    run_rows(model, rows, output=options["output"], as_json=options["as_json"], **of_rows)


_SPELLED: Final = {"inputs": "--input", "shapes": "--shape", "constants": "--constant"}


def _refuse(where: str, **options: Any) -> None:
    """Refuse options that would say nothing."""
    for name, value in options.items():
        if value:
            raise click.UsageError(f"{_SPELLED.get(name, f'--{name}')} has no meaning {where}")


@likewise.command(
    name="compile",
    epilog="Example: likewise compile model.onnx --target wasm --shape x=1,3,224,224 -o model.wasm",
)
@click.argument("model", type=click.Path())
@click.option(
    "--target",
    type=click.Choice(["wasm", "litert"]),
    default="wasm",
    show_default=True,
    help="What is to run it.",
)
@shape()
@constant("The value that an input always has: it is no input of what is written.")
@click.option(
    "--numerics",
    type=click.Choice(["fast", "strict"]),
    help="Of wasm: fast (the default) writes a plain-SIMD twin beside the module; strict gives the "
    "same bits everywhere.",
)
@click.option(
    "--weights",
    type=click.Choice(["inside", "separate"]),
    help="Of wasm: in the module (the default), or in NAME.weights beside it, which both modules "
    "share.",
)
@click.option(
    "--weights-type",
    type=click.Choice(["float32", "float16"]),
    help="Of litert: float16 halves the file; what is computed stays float32 (the default).",
)
@click.option(
    "--threads",
    type=int,
    help="Of wasm: how many may share the work of a run (1); the answer is the same to the bit.",
)
@click.option(
    "--golden/--no-golden",
    default=None,
    help="Of wasm: whether the module carries golden vectors (it does), which a run in float64 "
    "makes and `self_test` checks.",
)
@click.option(
    "--tiles",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Of wasm: how much kernels compute at a time, as --tune found it. Results are the same.",
)
@click.option(
    "--tune",
    is_flag=True,
    help="Of wasm: try tiles under wasmtime, build with the fastest and write NAME.tiles.json, "
    "which --tiles takes.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    required=True,
    help="The file to write; the twin of a .wasm is called NAME.plain.wasm.",
)
@as_json
def compile_command(model: str, **options: Any) -> None:
    """Compile MODEL for a target and show the sizes of what was written.

    What cannot be compiled is listed in full, and nothing is written.
    """
    from likewise.cli.compile import compile_model

    compile_model(model, **options)


@likewise.command(epilog="Example: likewise inspect model.onnx --shape x=1,3,320,320")
@click.argument("model", type=click.Path())
@shape("Fix the shape of an input, so that the estimates are numbers.")
@as_json
def inspect(model: str, **options: Any) -> int:
    """Show what MODEL takes, gives, is made of and costs, and what is not supported.

    Exit status 1 where an operator is not supported.
    """
    from likewise.cli.inspect import inspect_model

    return inspect_model(model, **options)


@likewise.command(
    epilog="Example: likewise bench model.onnx --against onnxruntime,reference --threads 1"
)
@click.argument("model", type=click.Path())
@_feeding
@click.option("--runs", default=10, show_default=True, type=click.IntRange(1), help="Counted runs.")
@click.option(
    "--warmup", default=2, show_default=True, type=click.IntRange(0), help="Runs before them."
)
@click.option(
    "--against",
    default="",
    metavar="NAMES",
    help="Peers to time in turn with likewise: onnxruntime, reference (of the onnx package); and "
    "in headless Chromium, compiled: onnxruntime-web, litert-js.",
)
@click.option("--profile", is_flag=True, help="Show the time by operator.")
def bench(model: str, *, threads: int | None, **options: Any) -> None:
    """Time MODEL: median and 90th percentile, by operator, beside its peers."""
    _limit_threads(threads)
    from likewise.cli.bench import bench_model

    bench_model(model, threads=threads, **options)


@likewise.command(
    epilog="Example: likewise bundle det.onnx --shape x=1,3,320,320 --version 2 -o det.lwb"
)
@click.argument("model", type=click.Path())
@click.option("--name", help="What devices call the model.  [default: that of the file]")
@click.option(
    "--version",
    default=1,
    show_default=True,
    type=click.IntRange(0),
    help="Counts up: a device takes no lower one by itself.",
)
@shape()
@constant("The value that an input always has: it is no input of the bundle.")
@click.option(
    "--engine",
    "engines",
    multiple=True,
    metavar="NAME",
    help="What must be able to run it; may be given several times.  [default: all that can]",
)
@click.option(
    "--key",
    type=click.Path(dir_okay=False),
    help="The private key to sign with.  [default: the one that `likewise keygen` made]",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False), required=True)
@as_json
def bundle(model: str, **options: Any) -> None:
    """Pack MODEL with all that a device needs to prove and serve it into one signed file."""
    from likewise.cli.bundle import bundle_model

    bundle_model(model, **options)


@likewise.command(epilog="Example: likewise keygen -o ~/keys/shop.key")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    help="The private key's file; the public one is called NAME.pub.",
)
def keygen(output: str | None) -> None:
    """Make the pair of keys that bundles are signed and checked with."""
    from likewise.cli.bundle import make_key

    make_key(output)


likewise.add_command(conform)
likewise.add_command(bisect)
