"""The agent's settings: a TOML file, every entry of which is checked."""

from __future__ import annotations

import ipaddress
import tomllib
import types
import typing
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from likewise.bundle.manifest import valid_name
from likewise.errors import InputError, LikewiseError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULT", "Config", "Images", "Model", "Server", "Updates", "Watch", "read_config"]

DEFAULT: Final = Path("/etc/likewise-edge/config.toml")
_Table = TypeVar("_Table")


@dataclass(frozen=True, slots=True)
class Server:
    """`[server]`: where and for whom requests are answered, and how many at once.

    `queue` counts the requests of a model that wait besides the one that runs;
    `deadline_seconds` is for those that name none; `body_seconds` is the time that a client may
    take to send its request, and `drain_seconds` what those under way have when the agent ends.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    token_file: Path | None = None
    allow_anonymous: bool = False
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    queue: int = 8
    deadline_seconds: float = 30.0
    body_seconds: float = 10.0
    drain_seconds: float = 30.0
    max_body_bytes: int = 16 << 20
    max_connections: int = 64


@dataclass(frozen=True, slots=True)
class Updates:
    """`[updates]`: how a new bundle proves itself."""

    probation_seconds: float = 600.0
    selftest_runs: int = 5
    selftest_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class Model:
    """`[models.NAME]`: where its bundles come from, a file, a folder or an HTTP(S) address."""

    source: str = ""
    check_seconds: float = 3600.0


@dataclass(frozen=True, slots=True)
class Images:
    """How an image becomes an input: (value × scale − mean) / std for each channel."""

    scale: float = 1 / 255
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    bgr: bool = False


@dataclass(frozen=True, slots=True)
class Watch:
    """`[watch.NAME]`: a folder whose images and `.npy` files are answered in JSON lines."""

    folder: Path = Path()
    model: str = ""
    answers: Path = Path()
    images: Images = field(default_factory=Images)


@dataclass(frozen=True, slots=True)
class Config:
    """All of it. `state` is the folder that the agent owns, `keys` that of the trusted keys."""

    state: Path = Path("/var/lib/likewise-edge")
    keys: Path = Path("/etc/likewise-edge/keys")
    server: Server = field(default_factory=Server)
    updates: Updates = field(default_factory=Updates)
    models: dict[str, Model] = field(default_factory=dict)
    watch: dict[str, Watch] = field(default_factory=dict)


def read_config(path: Path) -> Config:
    """The settings in a file; paths in it are relative to it.

    Raises `InputError` that names the entry which is wrong.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        made = _table(Config, found, path.parent.absolute(), "")
        _check(made)
        return replace(made, models={k: _placed(v, path) for k, v in made.models.items()})
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror}") from None
    except ValueError as error:
        raise InputError("this is no TOML", given=error).at(str(path)) from None
    except LikewiseError as error:
        raise error.at(str(path)) from None


def _placed(model: Model, config: Path) -> Model:
    """With a source that no longer depends on where the agent was started."""
    if "://" in model.source:
        return model
    return replace(model, source=str(config.parent.absolute() / model.source))


def _check(config: Config) -> None:
    server = config.server
    if not (_is_loopback(server.host) or server.token_file or server.allow_anonymous):
        raise InputError(
            "others than this machine could use the models without a token",
            given=f"server.host = {server.host!r}",
            allowed="a loopback address",
            hint="name a server.token_file, or say server.allow_anonymous = true",
        )
    if server.port > 65535:
        raise InputError("server.port is wrong", given=server.port, allowed="0 to 65535")
    if (server.tls_certificate is None) != (server.tls_key is None):
        raise InputError("server.tls_certificate and server.tls_key go together")
    for name, watch in config.watch.items():
        for entry in ("folder", "model", "answers"):
            if entry not in _named(watch):
                raise InputError(f"watch.{name}.{entry} is missing")
    for name, model in config.models.items():
        if not model.source:
            raise InputError(
                f"models.{name}.source is missing", allowed="a file, a folder or an address"
            )


def _named(watch: Watch) -> set[str]:
    return {f.name for f in fields(watch) if getattr(watch, f.name) not in {"", Path()}}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _table(kind: type[_Table], found: Any, base: Path, where: str) -> _Table:
    """A dataclass from a TOML table of its fields."""
    if not isinstance(found, dict):
        raise InputError(f"{where} is no table", given=repr(found))
    hints = typing.get_type_hints(kind)
    for name in found:
        if name not in hints:
            raise InputError(
                f"there is no entry {_dotted(where, name)!r}", allowed=", ".join(hints)
            )
    return kind(
        **{
            name: _value(hints[name], value, base, _dotted(where, name))
            for name, value in found.items()
        }
    )


def _dotted(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _value(kind: Any, value: Any, base: Path, where: str) -> Any:
    arguments = typing.get_args(kind)
    if isinstance(kind, types.UnionType):
        kind = arguments[0]
    if typing.get_origin(kind) is dict:
        return _tables(arguments[1], value, base, where)
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise InputError(f"{where} is wrong", given=repr(value), allowed="a list of numbers")
        return tuple(_value(arguments[0], one, base, where) for one in value)
    if kind is Path:
        if isinstance(value, str) and value:
            return base / value
        raise InputError(f"{where} is wrong", given=repr(value), allowed="a path")
    if kind in _ALLOWED:
        return _plain(kind, value, where)
    return _table(kind, value, base, where)


def _tables(kind: Any, value: Mapping[str, Any], base: Path, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{where} is no table", given=repr(value))
    for name in value:
        if not valid_name(name):
            raise InputError(
                f"{name!r} in [{where}] can be no name",
                allowed="letters, digits, '.', '_' and '-'",
            )
    return {name: _table(kind, one, base, f"{where}.{name}") for name, one in value.items()}


_ALLOWED: Final = {
    bool: "true or false",
    int: "a whole number from 0",
    float: "a number",
    str: "text",
}


def _plain(kind: type, value: Any, where: str) -> Any:
    right = type(value) is kind
    if kind is float:
        right = type(value) in {int, float} and abs(value) < float("inf")
    if kind is int:
        right = right and value >= 0
    if kind in {int, float} and where.endswith("_seconds"):
        right = right and value > 0
    if not right:
        allowed = _ALLOWED[kind] + (" above 0" if where.endswith("_seconds") else "")
        raise InputError(f"{where} is wrong", given=repr(value), allowed=allowed)
    return kind(value)
