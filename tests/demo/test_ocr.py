"""What the demo does around its networks: components, rectangles, strips, decoding."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import astuple

import numpy as np
import pytest

from demo.ocr.classify import upside_down
from demo.ocr.components import component_outlines
from demo.ocr.detect import boxes_of
from demo.ocr.geometry import Rectangle, convex_hull, smallest_rectangle
from demo.ocr.images import batch_of_strips, normalise
from demo.ocr.read import reading_order
from demo.ocr.recognise import alphabet, decode


def flooded(mask: np.ndarray) -> set[frozenset[tuple[int, int]]]:
    """The regions of a mask as sets of (x, y), found the slow way."""
    left = {(int(x), int(y)) for y, x in np.argwhere(mask)}
    regions = set()
    while left:
        region, queue = set(), deque([left.pop()])
        while queue:
            x, y = queue.popleft()
            region.add((x, y))
            near = {(x + i, y + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            queue.extend(near)
        regions.add(frozenset(region))
    return regions


@pytest.mark.parametrize("density", [0.0, 0.1, 0.3, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 17), (23, 1), (31, 40)])
def test_components_are_those_of_a_flood_fill(density: float, shape: tuple[int, int]) -> None:
    mask = np.random.default_rng(7).random(shape) < density
    regions = flooded(mask)
    outlines = [{(int(x), int(y)) for x, y in outline} for outline in component_outlines(mask)]
    assert len(outlines) == len(regions)
    for outline in outlines:
        region = next(region for region in regions if outline & region)
        assert outline <= region
        assert np.array_equal(
            convex_hull(np.array(sorted(outline), float)),
            convex_hull(np.array(sorted(region), float)),
        )


def test_a_spiral_is_one_component() -> None:
    turn, radius = np.linspace(0, 40, 4000), np.linspace(2, 60, 4000)
    mask = np.zeros((128, 128), bool)
    mask[(64 + radius * np.sin(turn)).astype(int), (64 + radius * np.cos(turn)).astype(int)] = True
    assert len(list(component_outlines(mask))) == 1


@pytest.mark.parametrize("angle", [-40, -3, 0, 10, 44])
def test_the_smallest_rectangle_of_a_rectangle_is_itself(angle: float) -> None:
    given = Rectangle(50, 40, 30, 8, math.radians(angle))
    inside = np.random.default_rng(3).random((50, 1)) * (given.corners()[0] - given.corners()[2])
    found = smallest_rectangle(np.concatenate([given.corners(), given.corners()[2] + inside]))
    assert astuple(found) == pytest.approx(astuple(given))


@pytest.mark.parametrize(
    ("points", "sides"), [([[3, 4]], (0, 0)), ([[1, 1], [5, 1], [3, 1]], (4, 0))]
)
def test_points_in_a_line_have_a_flat_rectangle(
    points: list[list[int]], sides: tuple[int, int]
) -> None:
    found = smallest_rectangle(np.array(points, float))
    assert (found.width, found.height) == pytest.approx(sides)


def test_scaling_moves_the_corners_with_the_image() -> None:
    level = Rectangle(20, 10, 12, 4)
    assert level.scaled(2, 3).corners() == pytest.approx(level.corners() * [2, 3])
    askew = Rectangle(20, 10, 12, 4, 0.4)
    assert askew.scaled(2, 2).corners() == pytest.approx(askew.corners() * 2)


def test_a_standing_box_is_read_along_its_long_side() -> None:
    assert Rectangle(5, 5, 8, 11).upright() == Rectangle(5, 5, 8, 11)
    turned = Rectangle(5, 5, 8, 12).upright()
    assert (turned.width, turned.height) == (12, 8)
    assert turned.corners()[0] == pytest.approx([1, 11])  # text that runs upwards


def test_a_level_cut_is_a_slice() -> None:
    image = np.random.default_rng(1).integers(0, 255, (20, 30, 3), np.uint8)
    cut = Rectangle(15, 9, 10, 6).cut_out(image)
    assert np.array_equal(cut, image[6:12, 10:20])


def test_a_cut_at_a_right_angle_is_a_rotated_slice() -> None:
    image = np.random.default_rng(1).integers(0, 255, (20, 30, 3), np.uint8)
    cut = Rectangle(15, 9, 10, 6, -math.pi / 2).cut_out(image)
    assert np.array_equal(cut, np.rot90(image[4:14, 12:18], -1))


def test_a_cut_beyond_the_image_repeats_its_edge() -> None:
    image = np.full((10, 10, 3), 200, np.uint8)
    assert (Rectangle(0, 0, 8, 8).cut_out(image) == 200).all()


def test_boxes_are_cores_grown_back() -> None:
    chances = np.zeros((64, 96), np.float32)
    chances[20:30, 10:70] = 0.9
    chances[50, 5] = 1.0  # noise
    (box,) = boxes_of(chances)
    # The mask spreads by a pixel to the right and down; the margin is area x 1.6 / circumference.
    width, height = 60, 10
    margin = 1.6 * width * height / (2 * (width + height))
    assert box.place.width == pytest.approx(width + 1 + 2 * margin)
    assert box.place.height == pytest.approx(height + 1 + 2 * margin)
    assert (box.place.x, box.place.y) == (40.5, 25.5)
    assert 0.7 < box.score <= 0.9


def test_faint_regions_are_no_boxes() -> None:
    chances = np.zeros((64, 96), np.float32)
    chances[20:30, 10:70] = 0.4
    assert boxes_of(chances) == []
    assert boxes_of(np.zeros((32, 32), np.float32)) == []


@pytest.mark.parametrize("turn", [0, 7, 90, 180, -90])
def test_reading_order_goes_line_by_line_as_the_page_is_turned(turn: float) -> None:
    angle = math.radians(turn)
    cosine, sine = math.cos(angle), math.sin(angle)
    places = {
        name: Rectangle(x * cosine - y * sine, x * sine + y * cosine, width, 12, angle)
        for name, (x, y, width) in {
            "a": (10, 11, 30),
            "b": (60, 9, 30),
            "c": (110, 10, 30),
            "d": (10, 40, 20),
            "e": (60, 41, 20),
        }.items()
    }
    given = "ebdca"
    order = reading_order([places[name] for name in given], [False] * 5)
    assert "".join(given[index] for index in order) == "abcde"


def test_reading_order_counts_what_stands_on_its_head_the_other_way() -> None:
    places = [Rectangle(50, y, 40, 12) for y in (10, 30, 50)]
    assert reading_order(places, [True, True, False]) == [2, 1, 0]
    assert reading_order([], []) == []


def test_normalised_channels_are_blue_green_red() -> None:
    image = np.zeros((1, 2, 3), np.uint8)
    image[0, 1] = (255, 51, 0)
    made = normalise(image)
    assert made.shape == (3, 1, 2)
    assert made[:, 0, 1] == pytest.approx([-1, -0.6, 1])


def test_strips_are_padded_with_zero_and_squeezed() -> None:
    white = np.full((24, 24, 3), 255, np.uint8)
    batch = batch_of_strips([white, np.tile(white, (1, 9, 1))], 48, 96)
    assert batch.shape == (2, 3, 48, 96)
    assert (batch[0, :, :, :48] == 1).all()
    assert (batch[0, :, :, 48:] == 0).all()
    assert (batch[1] == 1).all()


def test_directions_are_averaged_over_the_pieces_of_a_strip() -> None:
    seen = []

    def network(batch: np.ndarray) -> np.ndarray:
        seen.append(len(batch))
        turned = batch.mean(axis=(1, 2, 3)) > 0  # white pieces count as turned
        return np.stack([1 - turned, turned], axis=1).astype(np.float32)

    black, white = (np.full((10, 40, 3), shade, np.uint8) for shade in (0, 255))
    strips = [white, black, np.tile(white, (1, 5, 1)), np.concatenate([white, black], axis=1)]
    assert upside_down(strips, network) == [True, False, True, False]
    assert seen == [6, 3]
    assert upside_down([], network) == []


def test_decoding_drops_blanks_and_repetitions() -> None:
    classes = alphabet("a\nb\nc\n")
    assert classes == ["", "a", "b", "c", " "]
    steps = [1, 1, 0, 1, 2, 4, 4, 3, 0, 4]
    chances = np.full((len(steps), 5), 0.01, np.float32)
    chances[np.arange(len(steps)), steps] = 0.5
    chances[0, 1] = 0.9
    text, confidence = decode(chances, classes)
    assert text == "aab c"
    assert confidence == pytest.approx((0.9 + 5 * 0.5) / 6)
    assert decode(np.eye(5, dtype=np.float32)[[0, 0]], classes) == ("", 0.0)
