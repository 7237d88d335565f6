"""Operand pairs for a multiplier of any format: directed at every corner of its arithmetic, then seeded random."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from golden.catalogue import Multiplier
from golden.checks import check_seed
from golden.formats import Format
from golden.significand import significand_products
from sim.limits import check_vectors
from sim.stimulus.corners import bit_lengths

__all__ = [
    "RANDOM_KINDS",
    "Anchor",
    "Stimulus",
    "anchors",
    "arrange",
    "multiplier_operands",
    "special_pairs",
    "special_words",
    "stream_of",
    "structured_fractions",
    "words_of",
]

RANDOM_KINDS = ("random bits", "random CNN-like", "random structured")
"""Uniform bit patterns; rectified activations against normal weights; significands of extreme digits."""

# Digits at which approximate 4 x 4 blocks differ most from the exact product, and their neighbours.
_DIGITS = np.array([0, 1, 7, 8, 14, 15], np.uint32)
_CANDIDATES = 1024


@dataclass(frozen=True)
class Stimulus:
    """Operand pairs, each with the kind it was made for.

    Parameters
    ----------
    a, b : numpy.ndarray
        Words of the activation and the weight: uint32, shape (N,).
    kind : numpy.ndarray
        Index into ``kinds`` of each pair: uint8, shape (N,).
    kinds : tuple of str
        Names of the kinds.
    """

    a: np.ndarray
    b: np.ndarray
    kind: np.ndarray
    kinds: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.a)

    def counts(self) -> dict[str, int]:
        """How many pairs of each kind there are."""
        return dict(zip(self.kinds, np.bincount(self.kind, minlength=len(self.kinds)).tolist(), strict=True))


@dataclass(frozen=True)
class Anchor:
    """A product that the arithmetic's specification states in full."""

    multiplier: str
    a: int
    b: int
    y: int


def anchors() -> tuple[Anchor, ...]:
    """The products stated by the specification, from the table ``anchors.hex`` beside this file."""
    lines = (Path(__file__).parent / "anchors.hex").read_text(encoding="ascii").splitlines()
    rows = (line.split() for line in lines if line and not line.startswith("#"))
    return tuple(Anchor(name, int(a, 16), int(b, 16), int(y, 16)) for name, a, b, y in rows)


def special_words(f: Format) -> np.ndarray:
    """Every kind of special value of a format, of both signs, and the finite values at the ends of its range.

    Returns
    -------
    numpy.ndarray
        Words, uint32, shape (26,).
    """
    width, top = f.word_fraction_bits, f.exponent_mask
    ones = (1 << width) - 1
    infinity = top << width
    positive = [
        0,
        1,  # the smallest subnormal: only a low bit, which narrow formats do not hold
        ones,  # the largest subnormal
        1 << width,  # the smallest normal
        1 << width | ones,
        f.bias << width,  # 1.0
        (f.bias << width) + ones,  # just below 2.0
        (top - 1) << width,
        infinity - 1,  # the largest finite value
        infinity,
        infinity | 1 << (width - 1),  # the canonical quiet NaN
        infinity | 1,  # signalling, its payload in the low bit alone
        infinity | ones,  # quiet, the payload all ones
    ]
    words = np.array(positive, np.uint32)
    return np.concatenate([words, words | np.uint32(1 << (f.word_bits - 1))])


def multiplier_operands(m: Multiplier, n: int, seed: int = 0) -> Stimulus:
    """Operand pairs for a multiplier.

    The directed pairs, in rotation over their kinds, fill at most half of the ``n`` places; random ones, a third each
    of the three kinds, the rest.

    Parameters
    ----------
    m : Multiplier
        Decides the format, and which corners there are to aim at.
    n : int
        How many pairs.
    seed : int
        Equal seeds give equal pairs.

    Raises
    ------
    InvalidInput
        If ``n`` or ``seed`` is out of range.
    """
    check_vectors(n)
    check_seed(seed)
    random = {name: (_RANDOM[name], stream_of(seed, name)) for name in RANDOM_KINDS}
    return arrange(_directed(m, seed), random, m.format, n)


def arrange(
    directed: Mapping[str, tuple[np.ndarray, np.ndarray]],
    random: Mapping[str, tuple[Callable[..., tuple[np.ndarray, np.ndarray]], np.random.Generator]],
    fmt: Format,
    n: int,
) -> Stimulus:
    """Fill at most half of ``n`` places with directed pairs, in rotation over their kinds, the rest with random ones.

    Parameters
    ----------
    directed : mapping of str to pair of numpy.ndarray
        Pairs by kind.
    random : mapping of str to (callable, generator)
        ``callable(fmt, count, generator)`` makes pairs of a kind; each kind gets an equal share.
    fmt : Format
        The words' format.
    n : int
        How many pairs.
    """
    kinds = (*directed, *random)
    pieces = _in_rotation(directed, (n + 1) // 2)
    missing, shares = n - len(pieces), len(random)
    for k, (make, rng) in enumerate(random.values()):
        a, b = make(fmt, missing // shares + (k < missing % shares), rng)
        pieces += [(x, y, len(directed) + k) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    a, b, kind = (np.array(column) for column in zip(*pieces, strict=True))
    return Stimulus(a.astype(np.uint32), b.astype(np.uint32), kind.astype(np.uint8), kinds)


def _in_rotation(directed: Mapping[str, tuple[np.ndarray, np.ndarray]], limit: int) -> list[tuple[int, int, int]]:
    columns = [list(zip(a.tolist(), b.tolist(), strict=True)) for a, b in directed.values()]
    rows = range(max(len(column) for column in columns))
    order = [(*column[row], k) for row in rows for k, column in enumerate(columns) if row < len(column)]
    return order[:limit]


def stream_of(seed: int, name: str) -> np.random.Generator:
    """Random numbers that depend on the seed and on what they are for."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def words_of(f: Format, sign: np.ndarray, exponent: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    """Put signs, biased exponents and fractions of any integer dtype together as uint32 words."""
    high = sign.astype(np.uint32) << np.uint32(f.word_bits - 1)
    return high | exponent.astype(np.uint32) << np.uint32(f.word_fraction_bits) | fraction.astype(np.uint32)


def _bits(f: Format, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    a, b = rng.integers(0, 1 << f.word_bits, (2, n), np.uint64).astype(np.uint32)
    return a, b


def _cnn_like(f: Format, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    activations = np.maximum(rng.standard_normal(n), 0)
    weights = 0.1 * rng.standard_normal(n)
    return _truncated(f, activations), _truncated(f, weights)


def _truncated(f: Format, x: np.ndarray) -> np.ndarray:
    # x = +-g * 2^k with g in [0.5, 1): biased exponent k - 1 + bias, fraction 2g - 1.
    g, k = np.frexp(np.abs(x))
    exponent = k.astype(np.int64) - 1 + f.bias
    fraction = np.ldexp(2 * g - 1, f.word_fraction_bits).astype(np.int64)
    normal = (x != 0) & (exponent >= 1)
    return words_of(f, np.signbit(x), np.where(normal, exponent, 0), np.where(normal, fraction, 0))


def _structured(f: Format, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    quarter = f.exponent_mask // 4
    exponents = rng.integers(f.bias - quarter, f.bias + quarter, (2, n), endpoint=True)
    sign = rng.integers(0, 2, (2, n))
    a, b = words_of(f, sign, exponents, structured_fractions(f, (2, n), rng))
    return a, b


def structured_fractions(f: Format, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Fractions of extreme hexadecimal digits."""
    digits = -(-f.word_fraction_bits // 4)
    fraction = np.zeros(shape, np.uint32)
    for _ in range(digits):
        fraction = fraction << np.uint32(4) | rng.choice(_DIGITS, shape)
    return fraction & np.uint32((1 << f.word_fraction_bits) - 1)


_RANDOM = dict(zip(RANDOM_KINDS, (_bits, _cnn_like, _structured), strict=True))


def _directed(m: Multiplier, seed: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    f = m.format
    pairs = special_pairs(f, stream_of(seed, "specials"))
    if f.word_bits == 32:
        table = anchors()
        pairs["anchors"] = np.array([x.a for x in table], np.uint32), np.array([x.b for x in table], np.uint32)
    pairs["low exponents"] = _near_exponent(f, (1, 0, -1, 2, -2), stream_of(seed, "low exponents"))
    top = f.exponent_mask
    pairs["high exponents"] = _near_exponent(
        f, (top - 1, top - 2, top, top - 3, top + 1), stream_of(seed, "high exponents")
    )
    if f.dropped_bits:
        pairs["operand rounding"] = _operand_rounding(f, stream_of(seed, "operand rounding"))
    pairs.update(_searched(m, stream_of(seed, "search")))
    return pairs


def special_pairs(f: Format, rng: np.random.Generator) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Every pair of special words, sorted by the classes of the two, so that a short run still meets each."""
    words = special_words(f)
    magnitude = words & np.uint32((1 << (f.word_bits - 1)) - 1)
    infinity = f.exponent_mask << f.word_fraction_bits
    # The class is the number of thresholds that a magnitude reaches.
    thresholds = np.array([1, 1 << f.word_fraction_bits, infinity, infinity + 1])
    classes = np.searchsorted(thresholds, magnitude, side="right")
    names = ("zero", "subnormal", "extreme", "infinity", "NaN")
    pairs: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for i, first in enumerate(names):
        for j, second in enumerate(names):
            a, b = np.meshgrid(words[classes == i], words[classes == j])
            order = rng.permutation(a.size)
            pairs[f"{first} x {second}"] = a.ravel()[order], b.ravel()[order]
    return pairs


def _near_exponent(f: Format, targets: tuple[int, ...], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of normal operands with ea + eb - bias at each target: results at an end of the exponent range."""
    target = np.tile(np.array(targets), 16)
    total = target + f.bias
    ea = rng.integers(np.maximum(1, total - (f.exponent_mask - 1)), np.minimum(f.exponent_mask - 1, total - 1) + 1)
    ones = np.uint32((1 << f.word_fraction_bits) - 1)
    fraction = structured_fractions(f, (2, target.size), rng)
    # A quarter are products of powers of two, a quarter of significands just below two.
    fraction[:, np.arange(target.size) % 4 == 0] = 0
    fraction[:, np.arange(target.size) % 4 == 1] = ones
    sign = rng.integers(0, 2, (2, target.size))
    a, b = words_of(f, sign, np.stack([ea, total - ea]), fraction)
    return a, b


def _operand_rounding(f: Format, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Operands whose dropped bits lie at, just below and just above a tie, below even, odd and all-ones fractions."""
    half = 1 << (f.dropped_bits - 1)
    rests = sorted({0, max(half - 1, 0), half, min(half + 1, 2 * half - 1), 2 * half - 1})
    ones = (1 << f.fraction_bits) - 1
    kept = sorted({0, 1, ones - 1, ones})
    grid = np.array([k << f.dropped_bits | r for k in kept for r in rests], np.uint32)
    # Both ends of the exponent range and its middle: rounding up may leave the binade, and the format.
    exponents = np.array([1, f.bias - 1, f.bias, f.exponent_mask - 2, f.exponent_mask - 1])
    a = words_of(f, np.zeros(1), np.repeat(exponents, grid.size), np.tile(grid, exponents.size))
    b = np.resize(words_of(f, np.ones(1), np.full(grid.size, f.bias), rng.permutation(grid)), a.size)
    swap = rng.integers(0, 2, a.size, np.uint32).astype(bool)
    return np.where(swap, b, a), np.where(swap, a, b)


def _searched(m: Multiplier, rng: np.random.Generator) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Pairs found among candidates by what their significand product does: carry out, tie, round up to a power."""
    f, p = m.format, m.precision
    one = 1 << (p - 1)
    n = _CANDIDATES
    structured = structured_fractions(f, (2, n), rng) >> np.uint32(f.dropped_bits)
    uniform = rng.integers(0, one, (2, n))
    # Few leading bits each, so that the product has few bits too: where it has p + 1, it ends in a tie.
    width = rng.integers(1, p, n) if p > 1 else np.ones(n, np.int64)
    widths = np.stack([width, p - width])
    short = (rng.integers(0, one, (2, n)) >> (p - 1 - np.minimum(widths, p - 1))) << (p - 1 - np.minimum(widths, p - 1))
    # B = any, A = floor(2^(2p-1) / B): exact products just below a power of two, which rounding reaches.
    divisor = uniform[0] + one
    quotient = np.clip(((1 << (2 * p - 1)) - 1) // divisor, one, 2 * one - 1) - one
    A = one + np.concatenate([structured[0], uniform[0], short[0], quotient]).astype(np.uint64)
    B = one + np.concatenate([structured[1], uniform[1], short[1], uniform[0]]).astype(np.uint64)
    P = significand_products(m.design, A, B, p)
    ones = np.uint64(1)
    length = bit_lengths(P)
    drop = np.maximum(length - p, 0).astype(np.uint64)
    rest = P & ((ones << drop) - ones)
    tie = (drop > 0) & (rest << ones == ones << drop)
    high = (P >> drop) == np.uint64(2 * one - 1)
    carry = P >> np.uint64(2 * p) != 0
    chosen = {
        "carry out": carry,
        "no carry out": ~carry & m.design.carries,
        "leading one low": (length < 2 * p - 1) & (P > 0),
        "product zero": P == 0,
        "product tie, even below": tie & (P >> drop & ones == 0),
        "product tie, odd below": tie & (P >> drop & ones == 1),
        "product rounds to a power": (m.product == "nearest") & high & (rest << ones >= ones << drop) & (drop > 0),
    }
    pairs: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, condition in chosen.items():
        found = np.flatnonzero(condition)
        if found.size:
            picked = rng.permutation(found)[:48]
            pairs[name] = _around_one(f, A[picked], B[picked], rng)
    return pairs


def _around_one(f: Format, A: np.ndarray, B: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    fraction = (np.stack([A, B]) - np.uint64(1 << f.fraction_bits)) << np.uint64(f.dropped_bits)
    spread = f.exponent_mask // 8
    exponent = rng.integers(f.bias - spread, f.bias + spread, fraction.shape, endpoint=True)
    a, b = words_of(f, rng.integers(0, 2, fraction.shape), exponent, fraction)
    return a, b
