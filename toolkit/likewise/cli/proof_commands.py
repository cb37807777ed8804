"""What `likewise conform` and `likewise bisect` are called and take."""

from __future__ import annotations

from typing import Any

import click

from likewise.cli.options import as_json, constant, held_together, seed, shape

__all__ = ["bisect", "conform"]


_held_on = held_together(
    click.option(
        "--inputs",
        type=click.Path(dir_okay=False),
        metavar="FILE.npz",
        help="The inputs, by name; else they are drawn.",
    ),
    shape(),
    constant("The value that an input always has; compiled targets take none for it."),
    seed,
    as_json,
)


@click.command(
    epilog="Example: likewise conform det.onnx --shape x=1,3,320,320 --html report.html. "
    "Exit status: 0 every target keeps the contract; 1 one does not, or the model fails; "
    "2 wrong arguments."
)
@click.argument("model", type=click.Path())
@click.option(
    "--targets",
    default="",
    metavar="NAMES",
    help="Such as numpy,wasm,chromium,onnxruntime.  [default: all that are here]",
)
@_held_on
@click.option(
    "--runs",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="Runs on inputs drawn from as many seeds.",
)
@click.option(
    "--times",
    default=4.0,
    show_default=True,
    type=click.FloatRange(1),
    help="How many times as far from float64 as rounding leads a target may be.",
)
@click.option(
    "--layers",
    default=40,
    show_default=True,
    type=click.IntRange(0),
    help="Values inside the model whose errors --html and --json show.",
)
@click.option("--html", type=click.Path(dir_okay=False), help="Write the report as a page.")
@click.option("--junit", type=click.Path(dir_okay=False), help="Write the report as JUnit's XML.")
def conform(model: str, **options: Any) -> int:
    """Run MODEL on every target at hand and hold each against the same graph in float64.

    A peer's errors are shown but break no contract. Targets that are not here are named with
    what to install.
    """
    from likewise.cli.proof import conform_model

    return conform_model(model, **options)


@click.command(
    epilog="Example: likewise bisect model.onnx --targets numpy,wasm:fast -o small.onnx. "
    "Exit status: 0 they do not part; 1 they do, or the model fails; 2 wrong arguments."
)
@click.argument("model", type=click.Path())
@click.option(
    "--targets",
    required=True,
    metavar="A,B",
    help="The two; `wasm:strict` names the numerics.",
)
@_held_on
@click.option(
    "--times",
    default=8.0,
    show_default=True,
    type=click.FloatRange(1),
    help="How many times as far apart they may be as rounding leads.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    help="The smallest model that shows it; its inputs and both answers go into a .npz beside "
    "it.  [default: bisected.onnx]",
)
def bisect(model: str, **options: Any) -> int:
    """Find the first node of MODEL where two targets part beyond what rounding explains."""
    from likewise.cli.proof import bisect_model

    return bisect_model(model, **options)
