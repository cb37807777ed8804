"""Read a page of text with PP-OCRv4, in likewise and in onnxruntime: `python -m demo --help`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from demo.web.server import PORT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
DONE, DIFFERENT, USAGE = 0, 1, 2


class _PictureError(Exception):
    """A picture that cannot be read or written; the message says which and why."""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        prog="./dev demo",
        description="Read a page of text with PP-OCRv4, in likewise and in onnxruntime. On a "
        "terminal, then build the page that does it in a browser, and serve it.",
        epilog="Exit status: 0 the texts agree; 1 they differ or a model failed; 2 wrong use.",
    )
    parser.add_argument("--image", type=Path, metavar="FILE", help="read this picture instead")
    parser.add_argument("--save", type=Path, metavar="FILE.png", help="draw what was read")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    parser.add_argument("--alone", action="store_true", help="leave onnxruntime out")
    parser.add_argument(
        "--runs", type=_positive, default=3, help="timed readings (3 is the default)"
    )
    parser.add_argument(
        "--threads", type=_positive, default=1, help="threads of each engine (1 is the default)"
    )
    parser.add_argument(
        "--side",
        type=_positive,
        default=960,
        help="pixels of the longer side that the detection sees (960 is the default)",
    )
    parser.add_argument("--no-page", action="store_true", help="end when the text is read")
    parser.add_argument(
        "--port", type=_port, default=PORT, help=f"where the page is served ({PORT} is the default)"
    )
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    number = int(text)
    if number not in range(1 << 16):
        raise argparse.ArgumentTypeError(f"{text} is no port: 0 to 65535")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; the exit status."""
    options = parse(arguments)
    # Read by NumPy's matrix library when it is first imported, which happens below.
    for name in THREAD_VARIABLES:
        os.environ[name] = str(options.threads)
    from likewise import LikewiseError
    from tools.models import ModelFetchError

    try:
        return _read(options) or _page(options)
    except (LikewiseError, ModelFetchError) as error:
        print(f"./dev demo: {error}", file=sys.stderr)
        return DIFFERENT
    except _PictureError as error:
        print(f"./dev demo: {error}", file=sys.stderr)
        return USAGE


def _read(options: argparse.Namespace) -> int:
    import numpy as np

    from demo import engines
    from demo.page import draw_page
    from demo.picture import draw_lines
    from demo.readings import read_in_turn
    from demo.report import agree, as_json, print_report
    from tools.models import ensure

    page = None if options.image else draw_page()
    image = page.image if page else _open(options.image)
    paths = {model: ensure(model) for model in engines.MODELS.values()}
    used = [engines.likewise(paths)]
    if not options.alone:
        used.append(engines.onnxruntime(paths, options.threads))
    readings = read_in_turn(np.asarray(image), used, options.side, options.runs)
    apart = engines.differences(readings[0].calls, used[1]) if len(used) > 1 else {}
    drawn = page.lines if page else None
    if options.json:
        print(json.dumps(as_json(readings, apart, drawn), indent=2, ensure_ascii=False))
    else:
        print_report(readings, apart, drawn, options.threads)
    if options.save:
        _save(draw_lines(image, readings[0].lines), options.save)
        print(f"Drawn into {options.save}", file=sys.stderr)
    return DONE if agree(readings) else DIFFERENT


def _page(options: argparse.Namespace) -> int:
    """Serve the page, where someone sits at a terminal to open it and to end that."""
    if options.no_page or options.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return DONE
    from demo.web.server import serve

    return serve(options.port)


def _open(path: Path) -> Image.Image:
    """The picture in a file, turned as its camera says, on white where it is transparent."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGBA")
    except (OSError, Image.DecompressionBombError) as error:
        raise _PictureError(f"cannot read the picture {path}: {_reason(error)}") from None
    paper = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(paper, image).convert("RGB")


def _save(image: Image.Image, path: Path) -> None:
    try:
        image.save(path)
    except (OSError, ValueError) as error:  # ValueError: no format has such a suffix
        raise _PictureError(f"cannot write the picture {path}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


if __name__ == "__main__":
    sys.exit(main())
