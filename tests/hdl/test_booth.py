# amaranth: UnusedElaboratable=no
"""Booth rows add up to the product: exhausted where narrow, proved by coefficients for all operands of 24 bits.

A bit of a row is a function of two bits of one operand and three of the other. Written as a polynomial with integer
coefficients, in which every variable is its own square, it has few terms, and two sums of such bits are equal for all
operands where their coefficients are. The rows are computed by the very code that builds them, on polynomials.
"""

import itertools
import random
from collections import Counter

import pytest
from amaranth.hdl import Module, Signal

import hdl.booth
from golden.catalogue import multiplier
from golden.errors import InvalidInput
from hdl.booth import booth_rows
from hdl.compressor import BOOTH, dadda_heights, sum_columns
from hdl.pipeline import pipeline
from hdl.significand import check_hardware


def run(evaluate, p, pairs, hidden=False):
    """Products of pairs; with a hidden bit, the top bits are the constant 1."""

    def circuit(m, words):
        a, b = ([*word[:-1], 1] if hidden else list(word) for word in words)
        return pipeline(m, lambda m, heap: sum_columns(m, heap, 2 * p), booth_rows(m, a, b), stages=0)

    return evaluate(circuit, (p, p), pairs)


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("p", [1, 2, 3, 4, 5, 6])
def test_exhaustive(evaluate, p, hidden):
    pairs = list(itertools.product(range((1 << p - 1) if hidden else 0, 1 << p), repeat=2))
    assert run(evaluate, p, pairs, hidden) == [a * b for a, b in pairs]


@pytest.mark.parametrize("p", [8, 11, 24, 53])
def test_random(evaluate, p):
    rng = random.Random(p)
    pairs = [(rng.getrandbits(p), rng.getrandbits(p)) for _ in range(50)] + [((1 << p) - 1, (1 << p) - 1)]
    assert run(evaluate, p, pairs) == [a * b for a, b in pairs]


class Polynomial:
    """A bit, or a sum of bits with factors: set of variables -> coefficient."""

    def __init__(self, terms):
        self.terms = {key: value for key, value in terms.items() if value}

    def __add__(self, other):
        return Polynomial(
            {key: self.terms.get(key, 0) + other.terms.get(key, 0) for key in {*self.terms, *other.terms}}
        )

    def __mul__(self, factor):
        return Polynomial({key: value * factor for key, value in self.terms.items()})

    def __and__(self, other):
        product = Counter()
        for (x, c), (y, d) in itertools.product(self.terms.items(), other.terms.items()):
            product[x | y] += c * d
        return Polynomial(product)

    def __or__(self, other):
        return self + other + (self & other) * -1

    def __xor__(self, other):
        return self + other + (self & other) * -2

    def __invert__(self):
        return Polynomial({frozenset(): 1}) + self * -1


def coefficients(p, hidden):
    """Coefficients modulo 2^(2p) of the sum of all rows' bits, and those of the product."""

    def names(operand):
        return [frozenset() if hidden and k == p - 1 else frozenset([f"{operand}{k}"]) for k in range(p)]

    def bits(operand):
        return [Polynomial({name: 1}) if name else 1 for name in names(operand)]

    def reduced(terms):
        return Polynomial({key: value % (1 << 2 * p) for key, value in terms.items()}).terms

    total, product = Counter(), Counter()
    for weight, column in booth_rows(Module(), bits("a"), bits("b")).items():
        for bit in column:
            terms = {frozenset(): bit} if isinstance(bit, int) else bit.terms
            total.update({key: value << weight for key, value in terms.items()})
    for (i, x), (j, y) in itertools.product(enumerate(names("a")), enumerate(names("b"))):
        product[x | y] += 1 << i + j
    return reduced(total), reduced(product)


@pytest.fixture
def symbolic(monkeypatch):
    """Rows of polynomials: a wire is its value."""
    monkeypatch.setattr(hdl.booth, "hold", lambda m, value, name: value)


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("p", [2, 3, 8, 11, 24, 53])
def test_rows_are_the_product_for_all_operands(symbolic, p, hidden):
    total, product = coefficients(p, hidden)
    assert len(product) == p * p
    assert total == product


def one_wrong_digit(monkeypatch, digit, triple):
    """Let one digit's rows take another triple of bits than theirs."""
    right = hdl.booth._add_row

    def wrong(m, heap, a, bits, i):
        return right(m, heap, a, triple(bits) if i == digit else bits, i)

    monkeypatch.setattr(hdl.booth, "_add_row", wrong)


WRONG = {
    "without its lowest bit": lambda bits: [0, *bits[1:]],
    "without its sign": lambda bits: [*bits[:2], 0],
    "reversed": lambda bits: bits[::-1],
}


@pytest.mark.parametrize("digit", [0, 7, 11])
@pytest.mark.parametrize("mutant", WRONG)
def test_a_wrong_digit_has_other_coefficients(symbolic, monkeypatch, mutant, digit):
    # The first digit has no lowest bit, and the last no sign.
    harmless = (mutant, digit) in {("without its lowest bit", 0), ("without its sign", 11)}
    one_wrong_digit(monkeypatch, digit, WRONG[mutant])
    total, product = coefficients(24, hidden=True)
    assert (total == product) == harmless


def test_a_wrong_digit_gives_wrong_products(evaluate, monkeypatch):
    one_wrong_digit(monkeypatch, 3, WRONG["reversed"])
    rng = random.Random(0)
    pairs = [(rng.getrandbits(24), rng.getrandbits(24)) for _ in range(20)]
    assert run(evaluate, 24, pairs) != [a * b for a, b in pairs]


@pytest.mark.parametrize(("p", "rows"), [(4, 3), (8, 5), (11, 6), (24, 13), (53, 27)])
def test_columns_are_no_higher_than_there_are_rows(p, rows):
    a, b = ([*Signal(p - 1), 1] for _ in range(2))
    heap = booth_rows(Module(), a, b)
    # A zero in a column costs nothing.
    assert max(sum(not isinstance(bit, int) or bit == 1 for bit in bits) for bits in heap.values()) == rows
    assert max(heap) < 2 * p


def test_half_the_rows_save_two_levels():
    assert len(dadda_heights(13)) == len(dadda_heights(24)) - 2


def test_only_exact_products_have_digits():
    check_hardware(multiplier("exact").design, BOOTH)
    check_hardware(multiplier("ax-fpm:block=1").design, BOOTH)
    for name in ("ax-fpm", "mitchell"):
        with pytest.raises(InvalidInput, match=r"cannot be written with Booth digits; choose from dadda, wallace"):
            check_hardware(multiplier(name).design, BOOTH)
