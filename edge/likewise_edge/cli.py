"""The command `likewise-edge`. Each subcommand imports what it needs when it is called."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from likewise import __version__
from likewise.errors import InputError, LikewiseError
from likewise_edge.config import DEFAULT, read_config

if TYPE_CHECKING:
    from likewise_edge.state import State

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong use."""
    try:
        status = agent.main(prog_name="likewise-edge", standalone_mode=False)
    except LikewiseError as error:
        click.echo(f"likewise-edge: {error}", err=True)
        sys.exit(2 if isinstance(error, InputError) else 1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.exceptions.Abort):
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)


@click.group(
    name="likewise-edge",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit status: 0 done; 1 it failed; 2 wrong arguments or settings.",
)
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT,
    show_default=True,
    envvar="LIKEWISE_EDGE_CONFIG",
    help="The agent's settings.",
)
@click.version_option(__version__)
@click.pass_context
def agent(context: click.Context, config: Path) -> None:
    """The agent that owns this device's models: installs, proves, serves and replaces them."""
    context.obj = config


@agent.command()
@click.pass_obj
def serve(config: Path) -> None:
    """Serve the models until SIGTERM or Ctrl-C; then answer what is under way, and end."""
    from likewise_edge.logs import set_up
    from likewise_edge.server import serve as serve_models

    settings = read_config(config)
    set_up()
    serve_models(settings)


@agent.command(epilog="Example: likewise-edge install det.lwb")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.pass_obj
def install(config: Path, bundle: Path) -> None:
    """Verify BUNDLE, test it on this device and serve it; a running agent switches by itself."""
    from likewise_edge.install import Trial
    from likewise_edge.install import install as install_bundle
    from likewise_edge.store import Store
    from likewise_edge.updates import trusted_keys

    settings = read_config(config)
    trial = Trial(settings.updates.selftest_runs, settings.updates.selftest_seconds)
    store, keys = Store(settings.state), trusted_keys(settings.keys)
    name, state, new = install_bundle(store, bundle, keys, trial, by_hand=True)
    click.echo(_told(name, state) if new else f"{name}: this bundle serves already")


@agent.command()
@click.argument("model")
@click.pass_obj
def update(config: Path, model: str) -> None:
    """Look now for a new bundle of MODEL where the settings say."""
    from likewise_edge.install import Trial
    from likewise_edge.store import Store
    from likewise_edge.updates import trusted_keys
    from likewise_edge.updates import update as update_model

    settings = read_config(config)
    if model not in settings.models:
        allowed = ", ".join(settings.models) or "none has a source"
        raise InputError(f"the settings have no [models.{model}]", allowed=allowed)
    trial = Trial(settings.updates.selftest_runs, settings.updates.selftest_seconds)
    store, keys = Store(settings.state), trusted_keys(settings.keys)
    new = update_model(store, model, settings.models[model].source, keys, trial)
    click.echo(_told(model, store.state(model)) if new else f"{model}: nothing new")


@agent.command()
@click.argument("model")
@click.pass_obj
def rollback(config: Path, model: str) -> None:
    """Serve the bundle of MODEL that served before the current one."""
    from likewise_edge.install import roll_back
    from likewise_edge.store import Store

    store = Store(read_config(config).state)
    if store.state(model).previous is None:
        raise InputError(f"there is nothing to go back to for {model!r}")
    click.echo(_told(model, roll_back(store, model, "rolled back by hand")))


@agent.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
@click.pass_obj
def status(config: Path, *, as_json: bool) -> None:
    """Show what each model serves, and how its self-test went."""
    from likewise_edge.store import Store

    store = Store(read_config(config).state)
    states = {name: store.state(name) for name in store.names()}
    if as_json:
        found: dict[str, Any] = {name: json.loads(it.to_bytes()) for name, it in states.items()}
        click.echo(json.dumps(found, indent=2))
        return
    for name, state in states.items():
        click.echo(_told(name, state))
    if not states:
        click.echo("no model is installed")


@agent.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
@click.pass_obj
def doctor(config: Path, *, as_json: bool) -> int:
    """Say what is missing, slow or throttled on this device.  Exit status 1 where it is bad."""
    from dataclasses import asdict

    from likewise_edge.doctor import examine

    findings = examine(read_config(config))
    if as_json:
        click.echo(json.dumps([asdict(one) for one in findings], indent=2))
    else:
        for one in findings:
            hint = f" ({one.hint})" if one.hint else ""
            click.echo(f"{one.level:5}{one.subject}: {one.what}{hint}")
    return int(any(one.level == "bad" for one in findings))


def _told(name: str, state: State) -> str:
    """A model's state in lines for people."""
    current = state.current
    if current is None:
        lines = [f"{name}: nothing serves"]
    else:
        trial = ", on probation" if state.probation is not None else ""
        lines = [f"{name}: version {current.version} on {current.engine}{trial}"]
        for result in current.results:
            passed = f"{result.milliseconds:.2f} ms, error {result.error:.1e}"
            lines.append(f"  {result.engine}: {passed if result.passed else result.problem}")
    if state.previous is not None:
        lines.append(f"  before: version {state.previous.version} on {state.previous.engine}")
    lines += [f"  rejected {bundle[:12]}: {why}" for bundle, why in state.rejected.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
