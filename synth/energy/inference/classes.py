"""Energy by classes of operations: the second path to the energy of a layer.

What an operation takes hangs most on whether its activation is zero, which makes the product one, and whether the one
before it was. Where weights are held, zeros are all that can be counted of *every* multiply-accumulate of a layer
without drawing any, and so the sums can be found twice: as the mean over windows that were drawn, and as

    sum over classes of (share of the class among all of the layer) x (mean energy of the class where it was drawn)

The first hangs on how many zeros the draw happens to have, the second does not. Within a window a class is the pair
(zero before, zero now); the first operation of each window, which changes the weight too, has classes of its own.
"""

from __future__ import annotations

import numpy as np

from synth.energy.inference.layers import Layer
from synth.energy.stimulus import HELD

__all__ = ["CLASSES", "classes_of", "energy_by_classes", "shares_of"]

CLASSES = ("x to x", "x to 0", "0 to x", "0 to 0", "new weight, x", "new weight, 0")
"""Of operations: x is an activation that is not zero."""
FIRST = 4
"""Where those of the first operations of windows begin."""


def classes_of(a: np.ndarray) -> np.ndarray:
    """Return the class of each operation.

    Parameters
    ----------
    a : numpy.ndarray
        float32, (..., ``HELD``, k): activations of windows along the last axis but one.

    Returns
    -------
    numpy.ndarray
        int64, of the same shape: places in ``CLASSES``.
    """
    zero = (a == 0).astype(np.int64)
    found = np.empty(a.shape, np.int64)
    found[..., 0, :] = FIRST + zero[..., 0, :]
    found[..., 1:, :] = 2 * zero[..., :-1, :] + zero[..., 1:, :]
    return found


def shares_of(layer: Layer) -> np.ndarray:
    """Return the share of each class among all multiply-accumulates of all windows of a layer, float64, (classes,).

    Every column of weights meets the same activations, so that the share among activations is that among products.
    """
    whole = len(layer.x) // HELD * HELD
    windows = layer.x[:whole].reshape(-1, HELD, layer.x.shape[1])
    counts = np.bincount(classes_of(windows).reshape(-1), minlength=len(CLASSES))
    return counts / counts.sum()


def energy_by_classes(shares: np.ndarray, a: np.ndarray, energy: np.ndarray) -> float:
    """Return the mean energy of a layer's operations by its classes.

    Parameters
    ----------
    shares : numpy.ndarray
        float64, (classes,): as ``shares_of`` returns them.
    a : numpy.ndarray
        float32, (windows, ``HELD``): activations of the windows that were drawn.
    energy : numpy.ndarray
        float64, (windows, ``HELD``): what each operation took, pJ.

    Returns
    -------
    float
        pJ; a class that was not drawn counts as the mean of all that were.
    """
    found = classes_of(a[..., None])[..., 0].reshape(-1)
    counts = np.bincount(found, minlength=len(CLASSES))
    sums = np.bincount(found, weights=energy.reshape(-1), minlength=len(CLASSES))
    means = np.where(counts > 0, sums / np.maximum(counts, 1), energy.mean())
    return float(shares @ means)
