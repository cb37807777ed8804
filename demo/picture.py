"""What was read, drawn: the boxes on the image and, beside it, the words in their places."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demo.ocr.geometry import Floats
    from demo.ocr.read import Line

__all__ = ["draw_lines"]

BOX: Final = (214, 69, 65)
TURNED: Final = (120, 60, 170)
SMALLEST_FONT = 6
SMOOTHING = 3


def draw_lines(image: Image.Image, lines: Sequence[Line]) -> Image.Image:
    """The image with a box around each line, and on the right the texts where they stand."""
    words = Image.new("RGB", image.size, "white")
    for line in lines:
        _write(words, line)
    both = Image.new("RGB", (2 * image.width, image.height), "white")
    both.paste(_boxed(image, lines, opacity=40), (0, 0))
    both.paste(_boxed(words, lines, opacity=0), (image.width, 0))
    ImageDraw.Draw(both).line(
        (image.width, 0, image.width, image.height), fill=(160, 160, 160), width=2
    )
    return both


def _boxed(image: Image.Image, lines: Sequence[Line], opacity: int) -> Image.Image:
    """The image under boxes filled with that opacity, drawn larger so that edges come smooth."""
    size = (SMOOTHING * image.width, SMOOTHING * image.height)
    boxes = Image.new("RGBA", size, (255, 255, 255, 0))
    pen = ImageDraw.Draw(boxes)
    for line in lines:
        colour = TURNED if line.turned else BOX
        corners = [(SMOOTHING * x, SMOOTHING * y) for x, y in line.corners.tolist()]
        edge = round(1.5 * SMOOTHING)
        pen.polygon(corners, fill=(*colour, opacity), outline=(*colour, 255), width=edge)
    boxes = boxes.resize(image.size, Image.Resampling.BOX)
    return Image.alpha_composite(image.convert("RGBA"), boxes).convert("RGB")


def _write(image: Image.Image, line: Line) -> None:
    """Write a line's text into its box, as large as fits."""
    corners: Floats = line.corners
    along, down = corners[1] - corners[0], corners[3] - corners[0]
    width, height = math.hypot(*along), math.hypot(*down)
    size = max(SMALLEST_FONT, 0.8 * height)
    length = ImageFont.load_default(size).getlength(line.text)
    indent = 0.1 * height
    size = max(SMALLEST_FONT, size * min(1.0, (width - 2 * indent) / max(length, 1.0)))
    stencil = Image.new("L", (max(1, round(width)), max(1, round(height))), 0)
    ImageDraw.Draw(stencil).text(
        (indent, height / 2),
        line.text,
        fill=255,
        font=ImageFont.load_default(size),
        anchor="lm",
    )
    angle = -math.degrees(math.atan2(along[1], along[0]))
    turned = stencil.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    x, y = corners.mean(axis=0)
    image.paste((30, 32, 38), (round(x - turned.width / 2), round(y - turned.height / 2)), turned)
