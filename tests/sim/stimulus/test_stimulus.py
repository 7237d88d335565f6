import numpy as np
import pytest

from golden.catalogue import MULTIPLIERS, multiplier
from golden.errors import InvalidInput
from golden.formats import FORMATS
from golden.multiply import multiply_words
from golden.reference import multiply_word
from sim.stimulus.stimulus import RANDOM_KINDS, anchors, multiplier_operands, special_words


def test_anchors_hold():
    table = anchors()
    assert len(table) == 15
    for anchor in table:
        assert multiply_word(anchor.a, anchor.b, multiplier(anchor.multiplier)) == anchor.y, anchor


@pytest.mark.parametrize("n", [1, 2, 7, 300, 5000])
@pytest.mark.parametrize("name", ["ax-fpm", "bf16", "e8m1", "mitchell", "ax-fpm:format=toy", "bf16:format=toy-m1"])
def test_count_and_width(name, n):
    m = multiplier(name)
    operands = multiplier_operands(m, n, seed=5)
    assert len(operands) == n == sum(operands.counts().values())
    for words in (operands.a, operands.b):
        assert words.dtype == np.uint32
        assert int(words.max()) < 1 << m.format.word_bits


def test_a_short_run_holds_every_kind():
    operands = multiplier_operands(multiplier("ax-bf16"), 300)
    counts = operands.counts()
    assert min(counts.values()) >= 1, counts
    assert all(counts[kind] >= 45 for kind in RANDOM_KINDS)


def test_seed_decides():
    first, again, other = (multiplier_operands(multiplier("ax-fpm"), 400, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.a, again.a)
    assert np.array_equal(first.b, again.b)
    assert not np.array_equal(first.a, other.a)


def test_cnn_like_operands_are_rectified():
    operands = multiplier_operands(multiplier("ax-fpm"), 6000)
    chosen = operands.kind == operands.kinds.index("random CNN-like")
    activations, weights = (words[chosen].view(np.float32) for words in (operands.a, operands.b))
    assert 0.4 < np.mean(activations == 0) < 0.6
    assert np.all(activations >= 0)
    assert 0.09 < np.std(weights) < 0.11


@pytest.mark.parametrize("name", FORMATS)
def test_special_words(name):
    f = FORMATS[name]
    words = special_words(f).tolist()
    infinity = f.exponent_mask << f.word_fraction_bits
    sign = 1 << (f.word_bits - 1)
    assert {0, sign, 1, infinity, infinity | sign, infinity | 1, infinity - 1, 1 << f.word_fraction_bits} <= set(words)


@pytest.mark.parametrize("name", MULTIPLIERS)
def test_directed_pairs_do_what_their_kind_says(name):
    m = multiplier(name)
    operands = multiplier_operands(m, 5000)
    y = multiply_words(operands.a, operands.b, m)
    infinity, width = m.format.exponent_mask << m.format.word_fraction_bits, np.uint32(m.format.word_fraction_bits)
    magnitudes = y & np.uint32((1 << (m.format.word_bits - 1)) - 1)
    for kind in operands.kinds:
        chosen = magnitudes[operands.kind == operands.kinds.index(kind)]
        classes = set(kind.split(" x "))
        nothing = classes & {"zero", "subnormal"}
        if "NaN" in classes or ("infinity" in classes and nothing):
            assert np.all(chosen == infinity + (infinity >> 1 & ~infinity)), kind
        elif "infinity" in classes:
            assert np.all(chosen == infinity), kind
        elif nothing:
            assert np.all(chosen == 0), kind
        elif kind == "low exponents":
            assert {0, 1, 2} <= set((chosen >> width).tolist()), kind
        elif kind == "high exponents":
            top = m.format.exponent_mask
            assert {top - 2, top - 1, top} <= set((chosen >> width).tolist()), kind


def test_no_vectors():
    with pytest.raises(InvalidInput, match="vectors=0 is too small"):
        multiplier_operands(multiplier("ax-fpm"), 0)
