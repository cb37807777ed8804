"""The agent on 64-bit Arm without a Raspberry Pi: emulated, from the package to an answer.

    python edge/arm64.py [--model MODEL.onnx --shape x=1,3,48,192]

Makes a Debian root (once) and the wheels for aarch64 in `.cache/arm64`; as root it installs
Debian's qemu-user-static and debootstrap. Then the emulated agent installs a bundle and tests every
engine, each is asked for one inference, and a table is printed. The times are those of the
emulation, and say nothing of a real device.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from likewise.bundle import build, generate, read_private, write_bundle  # noqa: E402 — see above
from likewise.conform.compare import compare  # noqa: E402
from likewise.conform.inputs import draw_feeds  # noqa: E402
from likewise.model import load  # noqa: E402
from tools.models import ensure  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

CACHE: Final = ROOT / ".cache" / "arm64"
SYSTEM: Final = CACHE / "root"
PACKAGES: Final = CACHE / "site-packages"
PROGRAMS: Final = {"qemu-aarch64-static": "qemu-user-static", "debootstrap": "debootstrap"}
PLATFORMS: Final = ("manylinux2014", "manylinux_2_27", "manylinux_2_28", "manylinux_2_31")
CPUINFO: Final = "\n".join(
    f"processor\t: {core}\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU implementer\t: 0x41\n"
    "CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n"
    for core in range(4)
)
"""A Raspberry Pi 4's: interpreters read it, and crash where it is another architecture's."""
INFER: Final = """
import sys
import numpy as np
from pathlib import Path
from likewise.bundle.engines import engine_named
folder, name, feeds, out = sys.argv[1:]
engine = engine_named(name)
outputs = engine.load(Path(folder, engine.part)).run(dict(np.load(feeds)))
np.savez(out, **outputs)
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do all of it; the exit status is 1 where an engine fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", type=Path, help="an .onnx file (PP-OCRv4's classifier)")
    parser.add_argument("--shape", default="x=1,3,48,192", help="of its input (x=1,3,48,192)")
    options = parser.parse_args(arguments)
    _need_programs()
    _make_system()
    _make_packages()
    name, _, sizes = options.shape.partition("=")
    model = load(options.model or ensure("ppocr_cls"))
    rows = _try_out(model, {name: tuple(map(int, sizes.split(",")))})
    print("\n| engine | self-test, emulated ms | error of one inference, by scale | outcome |")
    print("| --- | ---: | ---: | --- |")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    return int(any(row[-1] != "as on this machine" for row in rows))


def _need_programs() -> None:
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if missing and os.geteuid() == 0:
        _run(["apt-get", "-q", "update"])
        _run(["apt-get", "-qy", "--no-install-recommends", "install", *missing])
    elif missing:
        sys.exit(f"needed: apt-get install {' '.join(missing)}")


def _make_system() -> None:
    """A Debian of aarch64 with Python, unpacked and never set up: nothing of it runs here."""
    complete = CACHE / "complete"
    if complete.exists():
        return
    shutil.rmtree(SYSTEM, ignore_errors=True)
    wanted = "--include=python3,libstdc++6"
    options = ["--arch=arm64", "--foreign", "--variant=minbase", wanted]
    _run(["debootstrap", *options, "bookworm", str(SYSTEM)])
    for package in sorted((SYSTEM / "var/cache/apt/archives").glob("*.deb")):
        unpacked = subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE
        )
        _run(["tar", "-x", "--keep-directory-symlink", "-C", str(SYSTEM)], stdin=unpacked.stdout)
        package.unlink()
    proc = SYSTEM / "proc"
    if proc.is_symlink():  # to this machine's, in a container
        proc.unlink()
    proc.mkdir(exist_ok=True)
    (proc / "cpuinfo").write_text(CPUINFO)
    complete.touch()


def _make_packages() -> None:
    """The wheels that `likewise[edge,litert]` is on aarch64, and this clone's own."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    wheels = CACHE / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    _run([*pip, "wheel", "--no-deps", "--wheel-dir", str(wheels), str(ROOT)])
    (wheel,) = wheels.glob("likewise-*.whl")
    shutil.rmtree(PACKAGES, ignore_errors=True)
    platforms = [f"--platform={platform}_aarch64" for platform in PLATFORMS]
    versions = ["--python-version=3.11", "--only-binary=:all:", *platforms]
    target = [f"--target={PACKAGES}", "--no-compile", "--no-warn-conflicts"]
    _run([*pip, "install", *target, *versions, f"{wheel}[edge,litert]"])
    sizes = {
        path.name: sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
        for path in PACKAGES.iterdir()
    }
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:8]
    print(f"installed on aarch64: {sum(sizes.values()) / 2**20:.0f} MiB, of which")
    for package, size in largest:
        print(f"  {size / 2**20:5.1f} MiB  {package}")


def _try_out(model: Any, shapes: dict[str, tuple[int, ...]]) -> list[tuple[str, ...]]:
    """Install a bundle in the emulated device and ask it; a row for each engine."""
    device = CACHE / "device"
    shutil.rmtree(device, ignore_errors=True)
    (device / "keys").mkdir(parents=True)
    private, public = generate(device / "signer.key")
    public.rename(device / "keys" / public.name)
    manifest, parts, left_out = build(model, "model", shapes=shapes)
    for engine, why in left_out.items():
        print(f"left out: {engine}: {why}")
    write_bundle(device / "model.lwb", manifest, parts, read_private(private))
    (device / "config.toml").write_text(
        'state = "state"\nkeys = "keys"\n[server]\nport = 0\n'
        "[updates]\nselftest_runs = 1\nselftest_seconds = 1800\n"
    )
    agent = _emulated(device)
    print("\n$ likewise-edge doctor", flush=True)
    _run([*agent, "doctor"], check=False)
    print("\n$ likewise-edge install model.lwb", flush=True)
    _run([*agent, "install", str(device / "model.lwb")])
    states = subprocess.run([*agent, "status", "--json"], capture_output=True, check=True)
    current = json.loads(states.stdout)["model"]["current"]
    feeds = draw_feeds(manifest.inputs, {}, {}, seed=7)
    expected = load(parts["model.onnx"]).run(feeds)
    print("\n$ likewise-edge serve", flush=True)
    _serve(agent, device, feeds, expected)
    return [_row(device, result, current, feeds, expected) for result in current["results"]]


def _emulated(device: Path) -> list[str]:
    """The command `likewise-edge` on the emulated processor."""
    python = device / "python"
    python.write_text(
        f"#!/bin/sh\nexport PYTHONPATH='{PACKAGES}' PYTHONDONTWRITEBYTECODE=1\n"
        f"exec qemu-aarch64-static -cpu cortex-a72 -L '{SYSTEM}' "
        f"'{SYSTEM}/usr/bin/python3.11' \"$@\"\n"
    )
    python.chmod(0o755)
    # Its own children are to be emulated too.
    start = f"import sys; sys.executable = {str(python)!r}; import likewise_edge.cli as c; c.main()"
    return [str(python), "-c", start, "-c", str(device / "config.toml")]


def _serve(agent: list[str], device: Path, feeds: dict[str, Any], expected: dict[str, Any]) -> None:
    """One inference over HTTP, and an end in order."""
    log = device / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen([*agent, "serve"], stderr=stream)
    try:
        while '"serving"' not in log.read_text():
            if process.poll() is not None:
                sys.exit(log.read_text())
            time.sleep(0.5)
        lines = [line for line in log.read_text().splitlines() if line.startswith("{")]
        events = list(map(json.loads, lines))
        port = next(event["port"] for event in events if event["event"] == "listening")
        inputs = [
            {"name": k, "datatype": "FP32", "shape": list(v.shape), "data": v.ravel().tolist()}
            for k, v in feeds.items()
        ]
        body = json.dumps({"inputs": inputs, "parameters": {"timeout": 0}}).encode()
        address = f"http://127.0.0.1:{port}/v2/models/model/infer"
        with urllib.request.urlopen(address, body, timeout=600) as answer:
            for output in json.load(answer)["outputs"]:
                wanted = expected[output["name"]]
                made = np.array(output["data"], wanted.dtype).reshape(output["shape"])
                print(f"over HTTP: {output['name']}, error {compare(made, wanted).relative:.1e}")
    finally:
        process.terminate()
        print(f"ended with status {process.wait(120)}")


def _row(
    device: Path,
    result: dict[str, Any],
    current: dict[str, Any],
    feeds: dict[str, Any],
    expected: dict[str, Any],
) -> tuple[str, ...]:
    engine = result["engine"] + (" (serves)" if result["engine"] == current["engine"] else "")
    if result["problem"]:
        return engine, "", "", result["problem"]
    given, made = device / "feeds.npz", device / "outputs.npz"
    np.savez(given, allow_pickle=False, **feeds)
    folder = device / "state" / "bundles" / current["bundle"]
    python = [str(device / "python"), "-c", INFER]
    _run([*python, str(folder), result["engine"], str(given), str(made)])
    with np.load(made) as outputs:
        errors = [compare(outputs[name], wanted).relative for name, wanted in expected.items()]
    outcome = "as on this machine" if max(errors) <= 1e-4 else "another answer"
    return engine, f"{result['milliseconds']:.0f}", f"{max(errors):.1e}", outcome


def _run(command: Sequence[str], *, check: bool = True, stdin: Any = subprocess.DEVNULL) -> None:
    subprocess.run(command, check=check, stdin=stdin)


if __name__ == "__main__":
    sys.exit(main())
