"""Whether an example survives what images go through: its two views are judged beside the example, not instead."""

from __future__ import annotations

import numpy as np

from golden.checks import check_seed
from golden.errors import InvalidInput

__all__ = ["rounded", "shaken"]

LEVELS = 255


def rounded(images: np.ndarray) -> np.ndarray:
    """Images (N, C, H, W) in [0, 1] with every pixel at the nearest of the 256 levels of 8 bits, as they are stored."""
    levels = np.rint(images.astype(np.float64) * LEVELS)
    return (levels.astype(np.float32) / np.float32(LEVELS)).astype(np.float32)


def shaken(images: np.ndarray, amplitude: float, seed: int = 0) -> np.ndarray:
    """Images in [0, 1] with noise, uniform from ``-amplitude`` to ``amplitude``, clipped to [0, 1].

    Parameters
    ----------
    images : ndarray of float32, (N, C, H, W)
        The images.
    amplitude : float
        In pixel values.
    seed : int
        Of the noise.

    Raises
    ------
    InvalidInput
        If the amplitude is negative or above 1, or the seed out of range.
    """
    if not 0 <= amplitude <= 1:
        raise InvalidInput(f"amplitude={amplitude:g} is out of range; give a value from 0 to 1")
    check_seed(seed)
    words = [seed & 0xFFFFFFFF, seed >> 32]
    # RandomState's streams are frozen by NumPy's compatibility policy, Generator's are not.
    noise = np.random.RandomState(words).uniform(-amplitude, amplitude, images.shape)
    return np.clip(images.astype(np.float64) + noise, 0, 1).astype(np.float32)
