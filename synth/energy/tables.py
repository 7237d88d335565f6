"""Looking up energy tables: straight lines between points, and on beyond the first and the last.

Within the rectangle of points (s0, s1) x (l0, l1) that a slew s and a load l lie in, or in the nearest one, with
u = (s - s0) / (s1 - s0) and v = (l - l0) / (l1 - l0),

    E = (1 - u) (1 - v) E00 + (1 - u) v E01 + u (1 - v) E10 + u v E11

which is what timing tools do with Liberty tables; u and v below 0 or above 1 extrapolate.
"""

from __future__ import annotations

import numpy as np

from synth.energy.cells import Table

__all__ = ["look_up"]


def look_up(table: Table, slew_ns: np.ndarray, load_ff: np.ndarray) -> np.ndarray:
    """Return energies at slews and loads.

    Parameters
    ----------
    table : Table
        The energies of one direction.
    slew_ns, load_ff : numpy.ndarray
        float64, of one shape.

    Returns
    -------
    numpy.ndarray
        float64, of that shape, pJ.
    """
    values = np.array(table.pj)
    i, u = _place(table.slew_ns, slew_ns)
    j, v = _place(table.load_ff, load_ff)
    di, dj = int(len(table.slew_ns) > 1), int(len(table.load_ff) > 1)
    low = (1 - v) * values[i, j] + v * values[i, j + dj]
    high = (1 - v) * values[i + di, j] + v * values[i + di, j + dj]
    return (1 - u) * low + u * high


def _place(axis: tuple[float, ...], at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return in which interval of an axis values lie, or the nearest, and how far in."""
    if len(axis) == 1:
        return np.zeros(at.shape, np.int64), np.zeros(at.shape)
    points = np.array(axis)
    k = np.clip(np.searchsorted(points, at, side="right") - 1, 0, len(axis) - 2)
    return k, (at - points[k]) / (points[k + 1] - points[k])
