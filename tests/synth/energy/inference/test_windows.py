"""Windows: drawn alike from every place, the same on every multiplier, with the sums that come from above."""

import numpy as np
import pytest

from golden.add import add_words
from golden.catalogue import multiplier
from golden.errors import InvalidInput
from golden.formats import FP32
from golden.multiply import multiply_words
from synth.energy.inference.layers import Layer
from synth.energy.inference.windows import Place, draw_places, words_of
from synth.energy.stimulus import HELD


def layer(name, rows, k, columns, seed):
    generator = np.random.RandomState(seed)
    x, w, bias = (generator.standard_normal(shape).astype(np.float32) for shape in ((rows, k), (k, columns), columns))
    return Layer(name, np.maximum(x, 0), w, bias, 1)


LAYERS = (layer("first", 3 * HELD + 7, 4, 2, 1), layer("second", HELD, 6, 5, 2))
FIRST = (Place(0, 3, 1, 64), Place(0, 3, 1, 64), Place(0, 1, 0, 64))
"""Windows of seed 0, batch 0."""


def test_every_layer_has_as_many_and_every_place_its_chance():
    places = draw_places(LAYERS, 3000, seed=0, batch=0)
    assert [place.layer for place in places] == [0] * 3000 + [1] * 3000
    first = np.array([[p.k, p.column, p.first] for p in places[:3000]])
    assert np.bincount(first[:, 0]) / 3000 == pytest.approx(np.full(4, 0.25), abs=0.04)
    assert np.bincount(first[:, 1]) / 3000 == pytest.approx(np.full(2, 0.5), abs=0.04)
    assert set(first[:, 2]) == {0, HELD, 2 * HELD}  # whole windows
    assert {p.first for p in places[3000:]} == {0}


def test_draws_are_the_same_everywhere_and_differ_between_batches_and_seeds():
    draws = [draw_places(LAYERS, 9, seed=seed, batch=batch) for seed in (0, 1, 1 << 40) for batch in (0, 1)]
    assert len(set(draws)) == 6
    assert draw_places(LAYERS, 9, seed=1, batch=1) == draws[3]
    assert draws[0][:3] == FIRST


@pytest.mark.parametrize("name", ["exact", "ax-fpm", "mitchell"])
def test_the_sum_of_a_row_is_what_the_next_row_gets(name):
    m = multiplier(name)
    k = LAYERS[1].w.shape[0]
    words = words_of(LAYERS, [Place(1, row, 2, 0) for row in range(k)], m)
    a, b, c = (each.view(np.uint32) for each in (words.a, words.b, words.c))
    assert (words.c[0] == LAYERS[1].bias[2]).all()
    for row in range(k - 1):
        assert np.array_equal(add_words(c[row], multiply_words(a[row], b[row], m), FP32), c[row + 1])


def test_a_weight_meets_successive_activations():
    words = words_of(LAYERS, [Place(0, 3, 1, HELD)], multiplier("exact"))
    assert np.array_equal(words.a[0], LAYERS[0].x[HELD : 2 * HELD, 3])
    assert (words.b == LAYERS[0].w[3, 1]).all()


def test_a_stream_is_a_circle():
    words = words_of(LAYERS, [Place(0, 1, 1, 0), Place(1, 2, 4, 0)], multiplier("exact"))
    for stream, own in zip(words.stream(3), (words.a, words.b, words.c), strict=True):
        assert stream.dtype == np.uint32
        assert np.array_equal(stream[3:], own.reshape(-1).view(np.uint32))
        assert np.array_equal(stream[:3], stream[-3:])
    assert words.stream(0)[0].size == 2 * HELD


def test_a_layer_of_few_rows():
    with pytest.raises(InvalidInput, match="layer 'tiny' has 63 rows; give images for 64 at least"):
        draw_places([layer("tiny", HELD - 1, 1, 1, 0)], 1, seed=0, batch=0)
