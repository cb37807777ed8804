"""What the real models are run on: pages and lines of text, files, sound, words."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from demo.ocr.images import batch_of_strips, normalise
from demo.page import draw_page
from tests.models.voice import speak

__all__ = ["VOCABULARIES", "file_contents", "pages", "strips", "windows"]

VOCABULARIES = {"minilm": 30522, "lstm_tagger": 5000}
"""What the word numbers that an architecture takes are below."""


def pages(batch: int, height: int, width: int) -> np.ndarray:
    """Pages of text as the detection takes them, each a little lower on the paper."""
    page = draw_page().image
    parts = [page.crop((0, 40 * i, page.width, 40 * i + 600)) for i in range(batch)]
    return np.stack([normalise(np.asarray(part.resize((width, height)))) for part in parts])


def strips(batch: int, height: int, width: int) -> np.ndarray:
    """Lines of text as the other two take them: the lines of the page from the top."""
    page = draw_page().image
    tops = (50, 110, 180, 220, 260, 334)[:batch]
    parts = [np.asarray(page.crop((50, top, 50 + width, top + 40))) for top in tops]
    return batch_of_strips(parts, height, width)


def file_contents(count: int) -> np.ndarray:
    """Beginnings and ends of files of several kinds, as magika takes them; 256 is padding.

    None is nearly constant: the variance in magika's normalisation then cancels, and onnxruntime
    itself gives answers 3e-3 apart for a file alone and among others.
    """
    rng = np.random.default_rng(11)
    contents = [
        Path(__file__).with_name("voice.py").read_bytes(),
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + rng.bytes(3000),
        b"{" + b'"name": [1, 2.5, null], ' * 60 + b'"end": true}',
        b"\x7fELF\x02\x01\x01" + rng.bytes(900),
    ]
    rows = np.full((count, 2048), 256, np.int32)
    for row, content in zip(rows, contents, strict=False):
        first, last = content[:1024], content[-1024:]
        row[: len(first)] = list(first)
        row[2048 - len(last) :] = list(last)
    return rows


def windows(calls: int, batch: int, rate: int) -> np.ndarray:
    """Sound for each call, as silero_vad takes it: [calls, batch, samples].

    A window of 32 ms stands after the last 4 ms of the one before it.
    """
    step, context = 512 * rate // 16000, 64 * rate // 16000
    seconds = (calls * step + context) / rate
    sounds = np.stack([speak(seconds, rate, seed) for seed in range(2, 2 + batch)])
    starts = range(0, calls * step, step)
    return np.stack([sounds[:, start : start + context + step] for start in starts])
