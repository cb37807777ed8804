"""Rectangles at any angle: the smallest around points, grown, sampled out of an image."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Floats", "Rectangle", "convex_hull", "smallest_rectangle"]

Floats: TypeAlias = "NDArray[np.floating[Any]]"


@dataclass(frozen=True)
class Rectangle:
    """Centre (x right, y down), side lengths in pixels, and the direction of the width.

    `angle` is in radians, clockwise as seen on the image, in [-π/4, π/4) for one made by
    `smallest_rectangle`: the width is then the side closer to level.
    """

    x: float
    y: float
    width: float
    height: float
    angle: float = 0.0

    @property
    def axes(self) -> tuple[Floats, Floats]:
        """Unit vectors (x, y) along the width and along the height."""
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        return np.array([cosine, sine]), np.array([-sine, cosine])

    def corners(self) -> Floats:
        """Top left, top right, bottom right, bottom left, as seen along the width: [4, 2]."""
        along, down = self.axes
        half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
        offsets = half[:, :1] * self.width * along + half[:, 1:] * self.height * down
        return np.array([self.x, self.y]) + offsets

    def grown(self, margin: float) -> Rectangle:
        """The rectangle with `margin` more on every side."""
        return replace(self, width=self.width + 2 * margin, height=self.height + 2 * margin)

    def scaled(self, horizontal: float, vertical: float) -> Rectangle:
        """The rectangle on an image that is stretched; its sides are stretched as they lie."""
        factors = np.array([horizontal, vertical])
        along, down = (axis * factors for axis in self.axes)
        return Rectangle(
            self.x * horizontal,
            self.y * vertical,
            self.width * float(np.hypot(*along)),
            self.height * float(np.hypot(*down)),
            math.atan2(along[1], along[0]),
        )

    def upright(self) -> Rectangle:
        """The same rectangle with its width along the long side, if that stands rather than lies.

        One half as high again as it is wide holds a line that runs upwards.
        """
        if self.height < 1.5 * self.width:
            return self
        return replace(self, width=self.height, height=self.width, angle=self.angle - math.pi / 2)

    def covers(self, xs: Floats, ys: Floats) -> NDArray[np.bool_]:
        """Which of the points of the grid `ys` × `xs` lie in it."""
        along, down = self.axes
        right, below = xs[None, :] - self.x, ys[:, None] - self.y
        across = np.abs(right * along[0] + below * along[1]) <= self.width / 2
        return across & (np.abs(right * down[0] + below * down[1]) <= self.height / 2)

    def cut_out(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The part of `image` [height, width, channels] under it, level, sampled bilinearly.

        Beyond the image's edge its outermost pixels go on.
        """
        columns, rows = max(1, round(self.width)), max(1, round(self.height))
        along, down = self.axes
        right = (np.arange(columns, dtype=np.float32) + 0.5) * (self.width / columns)
        below = (np.arange(rows, dtype=np.float32) + 0.5) * (self.height / rows)
        right, below = right - self.width / 2, below - self.height / 2
        xs = self.x + right[None, :] * along[0] + below[:, None] * down[0] - 0.5
        ys = self.y + right[None, :] * along[1] + below[:, None] * down[1] - 0.5
        return _sample(image, xs, ys)


def _sample(image: NDArray[np.uint8], xs: Floats, ys: Floats) -> NDArray[np.uint8]:
    """The image between its pixels, whose centres have whole coordinates."""
    height, width = image.shape[:2]
    xs, ys = np.clip(xs, 0, width - 1), np.clip(ys, 0, height - 1)
    left, top = xs.astype(np.intp), ys.astype(np.intp)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across = (xs - left)[..., None].astype(np.float32)
    downwards = (ys - top)[..., None].astype(np.float32)
    upper = image[top, left] * (1 - across) + image[top, right] * across
    lower = image[bottom, left] * (1 - across) + image[bottom, right] * across
    return np.rint(upper * (1 - downwards) + lower * downwards).astype(np.uint8)


def convex_hull(points: Floats) -> Floats:
    """The corners of the convex hull of `points` [n, 2], in order (the monotone chain)."""
    ordered = np.unique(points, axis=0)
    if len(ordered) < 3:
        return ordered
    rows: list[tuple[float, float]] = [tuple(row) for row in ordered.tolist()]
    lower, upper = _chain(rows), _chain(rows[::-1])
    return np.array(lower[:-1] + upper[:-1])


def _chain(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Half of the hull: those points, in their order, at which the outline turns one way."""
    kept: list[tuple[float, float]] = []
    for x, y in points:
        while len(kept) > 1:
            (x0, y0), (x1, y1) = kept[-2:]
            if (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) > 0:
                break
            kept.pop()
        kept.append((x, y))
    return kept


def smallest_rectangle(points: Floats) -> Rectangle:
    """The rectangle of least area around `points` [n, 2]; one of its sides lies on the hull."""
    hull = convex_hull(points)
    edges = np.roll(hull, -1, axis=0) - hull
    # A quarter turn gives the same rectangle with width and height exchanged.
    quarter = np.pi / 2
    angles = np.arctan2(edges[:, 1], edges[:, 0])
    angles = np.unique((angles + quarter / 2) % quarter - quarter / 2)
    cosine, sine = np.cos(angles)[:, None], np.sin(angles)[:, None]
    across = cosine * hull[:, 0] + sine * hull[:, 1]
    down = cosine * hull[:, 1] - sine * hull[:, 0]
    widths, heights = np.ptp(across, axis=1), np.ptp(down, axis=1)
    best = int(np.argmin(widths * heights))
    middle = (across[best].max() + across[best].min()) / 2
    centre = (down[best].max() + down[best].min()) / 2
    cos, sin = float(cosine[best, 0]), float(sine[best, 0])
    return Rectangle(
        float(middle * cos - centre * sin),
        float(middle * sin + centre * cos),
        float(widths[best]),
        float(heights[best]),
        float(angles[best]),
    )
