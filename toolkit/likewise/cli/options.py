"""The options that several commands take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

Command = TypeVar("Command", bound="Callable[..., Any]")

__all__ = ["as_json", "constant", "held_together", "seed", "shape"]


def shape(
    text: str = "The shape of an input that the model leaves open.",
) -> Callable[[Command], Command]:
    """`--shape`, as `shapes`."""
    return click.option("--shape", "shapes", multiple=True, metavar="NAME=1,3,224,224", help=text)


def constant(text: str) -> Callable[[Command], Command]:
    """`--constant`, as `constants`."""
    return click.option("--constant", "constants", multiple=True, metavar="NAME=16000", help=text)


seed = click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(0),
    help="What inputs are drawn from.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


def held_together(
    *options: Callable[[Command], Command],
) -> Callable[[Command], Command]:
    """One decorator for all of them, which stand in the help in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate
