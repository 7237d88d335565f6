"""Which of a network's multiply-accumulates are measured: windows, drawn from each layer, the same on every multiplier.

In a weight-stationary array a processing element keeps its weight while activations pass. A window is ``HELD``
successive rows of a layer's activations, one k and one column: the weight of that place, the activations that meet it,
and the sums that come from the rows above, which begin with the bias. Its three coordinates are uniform, so that it is
drawn uniformly from the layer's multiply-accumulates. Where a window lies is drawn once for all multipliers, and what
its words are there is recorded on each: so ratios compare like with like.

Windows of one layer follow each other in a stream, layer after layer, and the stream is a circle: the first operation
changes what the last one left. So each operation is charged what it changes, at a window's first one the weight too:
an engine with default buffers holds a weight longer, which is why that is counted somewhat too often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from golden.assignments import Assignment
from golden.catalogue import Multiplier
from golden.errors import InvalidInput
from golden.sums import matmul
from synth.energy.inference.layers import Layer
from synth.energy.stimulus import HELD

__all__ = ["Place", "Words", "draw_places", "words_of"]


@dataclass(frozen=True)
class Place:
    """Where a window lies: layer, place k in its sums, column of its weights, and its first row of activations."""

    layer: int
    k: int
    column: int
    first: int


@dataclass(frozen=True, eq=False)
class Words:
    """What passes through a processing element in some windows.

    Parameters
    ----------
    a, b, c : numpy.ndarray
        float32, (windows, ``HELD``): activations, weights, and sums from above.
    """

    a: np.ndarray = field(repr=False)
    b: np.ndarray = field(repr=False)
    c: np.ndarray = field(repr=False)

    def stream(self, lead: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return words of a, b and c, uint32, in order: the last ``lead`` of them come before the first, too."""
        flat = (each.reshape(-1) for each in (self.a, self.b, self.c))
        a, b, c = (np.concatenate([each[each.size - lead :], each]).view(np.uint32) for each in flat)
        return a, b, c


def draw_places(layers: Sequence[Layer], each: int, *, seed: int, batch: int) -> tuple[Place, ...]:
    """Draw windows, the same on every machine.

    Parameters
    ----------
    layers : sequence of Layer
        Of any multiplier: shapes alone count.
    each : int
        How many of each layer.
    seed, batch : int
        Which ones; batches of a seed are independent draws.

    Returns
    -------
    tuple of Place
        Those of the first layer, then of the next.

    Raises
    ------
    InvalidInput
        If a layer has less than one window.
    """
    # RandomState's streams are frozen by NumPy's compatibility policy, Generator's are not.
    generator = np.random.RandomState([seed & 0xFFFFFFFF, seed >> 32, batch])
    found = []
    for index, layer in enumerate(layers):
        starts = len(layer.x) // HELD
        if not starts:
            raise InvalidInput(f"layer {layer.name!r} has {len(layer.x)} rows; give images for {HELD} at least")
        for _ in range(each):
            k, column, start = (int(generator.randint(n)) for n in (*layer.w.shape, starts))
            found.append(Place(index, k, column, start * HELD))
    return tuple(found)


def words_of(layers: Sequence[Layer], places: Sequence[Place], multiplier: Multiplier | Assignment) -> Words:
    """Return what passes in windows of a network on a multiplier, or on an assignment of one to each layer.

    The sum from above is the golden one: acc = bias; for each row j < k in order: acc = add(acc, mul(a_j, w_j)).
    """
    a, b, c = np.empty((3, len(places), HELD), np.float32)
    for index, place in enumerate(places):
        layer = layers[place.layer]
        rows, column = layer.x[place.first : place.first + HELD], slice(place.column, place.column + 1)
        a[index], b[index] = rows[:, place.k], layer.w[place.k, place.column]
        own = multiplier.of_layer(layer.name) if isinstance(multiplier, Assignment) else multiplier
        x, w = np.ascontiguousarray(rows[:, : place.k]), np.ascontiguousarray(layer.w[: place.k, column])
        c[index] = matmul(x, w, own, layer.bias[column])[:, 0]
    return Words(a, b, c)
