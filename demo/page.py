"""The page that the demo reads: it draws it itself, so that it knows what must be found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from PIL import Image, ImageDraw, ImageFont

__all__ = ["Page", "draw_page"]

Colour: TypeAlias = tuple[int, int, int]

WIDTH, HEIGHT, MARGIN = 800, 960, 56
PAPER: Final[Colour] = (250, 248, 242)
INK: Final[Colour] = (34, 36, 42)
FADED: Final[Colour] = (112, 114, 120)
ACCENT: Final[Colour] = (28, 86, 148)

WORD_SPACE = 1.7
"""Times the font's own space, which is so narrow that a recogniser may overlook it."""


@dataclass(frozen=True)
class Page:
    """A picture and the lines of text on it, from top to bottom."""

    image: Image.Image
    lines: tuple[str, ...]


@dataclass(frozen=True)
class _Line:
    text: str
    top: int
    size: int
    colour: Colour = INK
    left: int = MARGIN
    angle: float = 0.0
    """Degrees, anticlockwise."""


_LINES: Final = (
    _Line("Harbour Weather Report", 50, 48, ACCENT),
    _Line("Issued at 06:45 for Tuesday, 14 October", 116, 23, FADED),
    _Line("Showers before noon, with a fresh breeze from", 186, 27),
    _Line("the west. The sky clears in the afternoon and", 226, 27),
    _Line("the sea grows calm towards evening.", 266, 27),
    _Line("Tides", 340, 36, ACCENT),
    _Line("High water", 398, 25),
    _Line("03:12", 398, 25, left=330),
    _Line("4.71 m", 398, 25, left=520),
    _Line("Low water", 438, 25),
    _Line("09:26", 438, 25, left=330),
    _Line("0.85 m", 438, 25, left=520),
    _Line("High water", 478, 25),
    _Line("15:38", 478, 25, left=330),
    _Line("4.93 m", 478, 25, left=520),
    _Line("Wind 18 knots, gusts 31", 560, 32, angle=4.0),
    _Line("Pressure 1013.2 hPa, rising", 652, 32, angle=-3.0),
    _Line("Turn the page to read this line", 752, 30, ACCENT, angle=180.0),
    _Line("Questions: harbour office, telephone 555 0142 867", 838, 19, FADED),
    _Line("Drawn by a program, read by another.", 874, 17, FADED),
)


def draw_page() -> Page:
    """A weather report: several sizes, digits, two lines askew and one upside down."""
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, WIDTH, 14), fill=ACCENT)
    pen.line((MARGIN, 158, WIDTH - MARGIN, 158), fill=(206, 204, 198), width=2)
    pen.rounded_rectangle(
        (MARGIN - 18, 388, WIDTH - MARGIN, 518), 12, outline=(206, 204, 198), width=2
    )
    for line in _LINES:
        _write(image, line)
    return Page(image, tuple(line.text for line in _LINES))


def _write(image: Image.Image, line: _Line) -> None:
    """Draw a line; one at an angle is drawn level, turned about its centre and pasted."""
    font = ImageFont.load_default(line.size)
    gap = WORD_SPACE * font.getlength(" ")
    words = line.text.split()
    width = sum(font.getlength(word) + gap for word in words) - gap
    stencil = Image.new("L", (round(width) + 2, round(1.3 * line.size)), 0)
    pen, left = ImageDraw.Draw(stencil), 0.0
    for word in words:
        pen.text((left, 0), word, fill=255, font=font)
        left += font.getlength(word) + gap
    turned = stencil.rotate(line.angle, Image.Resampling.BICUBIC, expand=True)
    above = (stencil.height - turned.height) // 2
    image.paste(line.colour, (line.left, line.top + above), turned)
