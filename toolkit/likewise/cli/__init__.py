"""The command `likewise`. Each subcommand is a module, imported when it is called."""

from __future__ import annotations

import sys

from likewise.errors import InputError, LikewiseError, MissingDependencyError

__all__ = ["main"]

BROKEN, USAGE, INTERRUPTED = 1, 2, 130


def main() -> None:
    """Run the command line and exit: 0 done, 1 model or run failed, 2 wrong use, 130 Ctrl-C."""
    try:
        from likewise.cli.commands import likewise
    except ImportError as error:
        missing = MissingDependencyError(str(error.name), "cli", "the command line")
        sys.exit(f"likewise: {missing}")
    try:
        status = likewise.main(prog_name="likewise", standalone_mode=False)
    except LikewiseError as error:
        _say(str(error))
        sys.exit(USAGE if isinstance(error, InputError) else BROKEN)
    except KeyboardInterrupt:
        _say("interrupted")
        sys.exit(INTERRUPTED)
    except MemoryError as error:
        _say(f"there is not enough memory: {error}")
        sys.exit(BROKEN)
    except OSError as error:  # files are opened where their names are known: this is the output
        _say(f"cannot write the output: {error.strerror or error}")
        sys.exit(BROKEN)
    except ImportError as error:
        if str(error.name).partition(".")[0] != "rich":
            raise
        _say(str(MissingDependencyError("rich", "cli", "the command line")))
        sys.exit(BROKEN)
    except Exception as error:
        import click

        if isinstance(error, click.exceptions.Abort):
            _say("interrupted")
            sys.exit(INTERRUPTED)
        if isinstance(error, click.ClickException):
            error.show()
            sys.exit(error.exit_code)
        raise
    sys.exit(status if isinstance(status, int) else 0)


def _say(text: str) -> None:
    # A model's names may hold anything, and a terminal obeys escape sequences.
    plain = "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)
    print(f"likewise: {plain}", file=sys.stderr)
