"""Sound like speech, made up: a buzzing source through moving resonances, in syllables."""

from __future__ import annotations

import numpy as np

# Frequency in Hz and bandwidth in Hz of three resonances, for the vowels a, i, u, e.
VOWELS = np.array(
    [
        [[730, 90], [1090, 110], [2440, 170]],
        [[270, 60], [2290, 120], [3010, 180]],
        [[300, 60], [870, 100], [2240, 160]],
        [[530, 80], [1840, 110], [2480, 170]],
    ],
    float,
)


def speak(seconds: float, rate: int, seed: int = 0) -> np.ndarray:
    """Sound of `rate` samples a second between -1 and 1: half a second of near silence first.

    Harmonics of a pitch that glides around 120 Hz are weighted by the resonances of a vowel that
    changes four times a second; between the vowels it is quiet.
    """
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    pitch = (120 + 40 * rng.random()) * (1 + 0.12 * np.sin(2 * np.pi * 0.7 * time + rng.random()))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    vowel = VOWELS[rng.integers(0, 4, int(seconds * 4) + 2)]
    position = time * 4
    index, blend = position.astype(int), (position % 1)[:, None, None]
    resonances = vowel[index] * (1 - blend) + vowel[index + 1] * blend
    sound = np.zeros_like(time)
    for harmonic in range(1, int(0.45 * rate / pitch.max())):
        distance = (harmonic * pitch)[:, None] - resonances[:, :, 0]
        gain = (1 / (1 + (2 * distance / resonances[:, :, 1]) ** 2)).sum(axis=1)
        sound += gain * np.sin(harmonic * phase) / harmonic**0.5
    syllables = np.clip(1.6 * np.sin(np.pi * (position % 1)), 0, 1)
    sound *= syllables * (time > 0.5)
    sound = 0.3 * sound / np.abs(sound).max() + 0.002 * rng.standard_normal(time.size)
    return sound.astype(np.float32)
