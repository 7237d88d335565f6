"""Operand pairs for a floating-point adder, and the corners that they meet."""

from __future__ import annotations

import numpy as np

from golden.add import word_values
from golden.checks import check_seed
from golden.formats import Format
from sim.limits import check_vectors
from sim.stimulus.stimulus import Stimulus, arrange, special_pairs, stream_of, structured_fractions, words_of

__all__ = ["ADDER_RANDOM_KINDS", "adder_corners", "adder_operands"]

ADDER_RANDOM_KINDS = ("random bits", "random near exponents", "random cancellation")
"""Uniform bit patterns; exponents so close that the significands meet; operands that differ in a few last bits."""


def adder_operands(fmt: Format, n: int, seed: int = 0) -> Stimulus:
    """Operand pairs for an adder: directed ones in at most half of the places, random ones in the rest.

    Parameters
    ----------
    fmt : Format
        All fields of its word are added.
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
    rng = stream_of(seed, "sums")
    directed = {**special_pairs(fmt, stream_of(seed, "specials")), **_directed(fmt, rng)}
    random = dict(zip(ADDER_RANDOM_KINDS, (_bits, _near, _cancelling), strict=True))
    return arrange(directed, {name: (make, stream_of(seed, name)) for name, make in random.items()}, fmt, n)


def _bits(f: Format, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    a, b = rng.integers(0, 1 << f.word_bits, (2, n), np.uint64).astype(np.uint32)
    return a, b


def _near(f: Format, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    reach = f.word_fraction_bits + 4
    ea = rng.integers(0, f.exponent_mask, n)
    eb = np.clip(ea + rng.integers(-reach, reach, n, endpoint=True), 0, f.exponent_mask - 1)
    fraction = rng.integers(0, 1 << f.word_fraction_bits, (2, n))
    a, b = words_of(f, rng.integers(0, 2, (2, n)), np.stack([ea, eb]), fraction)
    return a, b


def _cancelling(f: Format, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    a, _ = _near(f, n, rng)
    magnitude = a & np.uint32((1 << (f.word_bits - 1)) - 1)
    width = rng.integers(0, f.word_fraction_bits + 2, n)
    near = np.maximum(magnitude.astype(np.int64) - rng.integers(0, 1 << width), 0).astype(np.uint32)
    return a, near | (~a & np.uint32(1 << (f.word_bits - 1)))


def _directed(f: Format, rng: np.random.Generator) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    low, top = f.word_fraction_bits, f.exponent_mask
    p, ones = low + 1, (1 << low) - 1
    pairs: dict[str, list[tuple[int, int]]] = {}

    def put(name: str, *fields: tuple[int, int]) -> None:
        """Add a pair of (exponent, fraction) with every pair of signs, in either order."""
        e, x = (np.array(column) for column in zip(*fields, strict=True))
        for signs in ((0, 0), (0, 1), (1, 0), (1, 1)):
            a, b = words_of(f, np.array(signs), e, x).tolist()
            pairs.setdefault(name, []).extend([(a, b), (b, a)])

    def exponent(least: int) -> int:
        return int(rng.integers(least, top))

    def fraction() -> int:
        return int(structured_fractions(f, (1,), rng)[0])

    for d in range(min(31, top - 1)):
        e = exponent(1 + d)
        put("alignment distance", (e, fraction()), (e - d, fraction()))
    # The smaller significand's low d bits are what alignment shifts out: half a unit, one more, one less, the last bit
    # alone, all of them. The larger one is even, odd, or all ones, which rounds up to a power.
    for d in range(1, min(p + 3, top - 2)):
        e, lost = exponent(1 + d), (1 << min(d, low)) - 1
        kept = fraction() & ~lost
        half = 1 << (d - 1) if d <= low else 0
        for big in (fraction() & ~1, fraction() | 1, ones, 0):
            put("tie", (e, big), (e - d, kept & ~lost | half))
            put("just above a tie", (e, big), (e - d, kept | half | 1))
            put("just below a tie", (e, big), (e - d, kept | (half - 1) & lost if half else ones))
        put("sticky bit alone", (e, fraction()), (e - d, kept | 1))
    for _ in range(8):
        e, x = exponent(2), fraction()
        put("carry out", (e, ones), (e, ones - (x & 1)))
        put("equal magnitudes", (e, x), (e, x))
        for ulps in (1, 2, 3):
            put("cancellation of all but the last bits", (e, x | 3), (e, (x | 3) - ulps))
        put("cancellation across a power", (e, 0), (e - 1, ones - (x & 3)))
        put("cancellation with a guard bit", (e, x & 1), (e - 1, ones if x & 2 else ones - 1))
        put("subnormal and subnormal", (0, x), (0, fraction()))
        put("subnormal and normal", (0, x), (1 + int(rng.integers(0, 3)), fraction()))
        put("smallest normal numbers", (1, x), (1, fraction()))
        put("largest numbers", (top - 1, ones - (x & 1)), (top - 1 - int(rng.integers(0, p)), fraction()))
        put("half a unit of the largest", (top - 1, ones), (max(top - 1 - p, 1), x & 1))
        put("far apart", (top - 1 - (x & 1), x), (int(rng.integers(0, 2)), fraction()))
    return {
        name: (
            np.array([a for a, _ in rows], np.uint32)[order := rng.permutation(len(rows))],
            np.array([b for _, b in rows], np.uint32)[order],
        )
        for name, rows in pairs.items()
    }


def adder_corners(a: np.ndarray, b: np.ndarray, y: np.ndarray, f: Format) -> dict[str, int]:
    """Count how often each corner of an addition occurs.

    Parameters
    ----------
    a, b, y : numpy.ndarray
        Words of operands and sums: uint32, shape (N,).
    f : Format
        Their format.
    """
    low, top = f.word_fraction_bits, f.exponent_mask
    sign = np.uint32(1 << (f.word_bits - 1))
    exponents = [(x >> np.uint32(low) & np.uint32(top)).astype(np.int64) for x in (a, b, y)]
    magnitudes = [(x & ~sign).astype(np.int64) for x in (a, b, y)]
    ea, eb, ey = exponents
    infinity = top << low
    nan = [x > infinity for x in magnitudes]
    infinite = [x == infinity for x in magnitudes]
    subnormal = [(e == 0) & (x != 0) for e, x in zip(exponents, magnitudes, strict=True)]
    finite = (ea < top) & (eb < top)
    subtract = (a ^ b) & sign != 0
    nonzero = finite & (magnitudes[0] != 0) & (magnitudes[1] != 0)
    distance = np.abs(np.maximum(ea, 1) - np.maximum(eb, 1))
    small = np.where(magnitudes[0] < magnitudes[1], magnitudes[0], magnitudes[1])
    small_e = np.minimum(ea, eb)
    significand = (small & ((1 << low) - 1)) + ((small_e > 0).astype(np.int64) << low)
    lost = significand & ((1 << np.clip(distance - 2, 0, low + 1)) - 1)
    with np.errstate(all="ignore"):
        error = (word_values(a, f) + word_values(b, f)) - word_values(y, f)
        # With 28 places between them, both significands still fit one float64: the error is exact.
        exact = nonzero & (distance <= 28) & (ey < top)
        half = np.ldexp(1.0, np.maximum(ey, 1) - f.bias - low - 1)
        tie = exact & (np.abs(error) == half)
        upwards = np.signbit(error) != np.signbit(word_values(y, f))
    largest = np.maximum(ea, eb)
    corners = {
        "NaN operand": nan[0] | nan[1],
        "both NaN": nan[0] & nan[1],
        "infinity less infinity": infinite[0] & infinite[1] & subtract,
        "infinity and infinity": infinite[0] & infinite[1] & ~subtract,
        "infinity and finite": (infinite[0] ^ infinite[1]) & ~nan[0] & ~nan[1],
        "zero and finite": finite & ((magnitudes[0] == 0) ^ (magnitudes[1] == 0)),
        "-0 and -0": (a == sign) & (b == sign),
        "+0 and -0": (magnitudes[0] == 0) & (magnitudes[1] == 0) & subtract,
        "subnormal and subnormal": subnormal[0] & subnormal[1],
        "subnormal and normal": nonzero & (subnormal[0] ^ subnormal[1]),
        "subnormals reach the normal range": subnormal[0] & subnormal[1] & (ey == 1),
        "normal less normal is subnormal": nonzero & ~subnormal[0] & ~subnormal[1] & subnormal[2],
        "exact cancellation": nonzero & subtract & (magnitudes[2] == 0),
        "leading zeros beyond one": nonzero & subtract & (ey < largest - 1) & (ey > 0),
        "one leading zero": nonzero & subtract & (ey == largest - 1) & (ey > 0),
        "carry out": nonzero & ~subtract & (ey == largest + 1) & (largest > 0),
        "overflow": finite & (ey == top),
        "negative overflow": finite & (ey == top) & (y & sign != 0),
        "tie to the even one below": tie & ~upwards,
        "tie to the even one above": tie & upwards,
        "sticky bit": nonzero & (lost != 0),
        "sticky bit alone in a subtraction": nonzero & subtract & (distance > low + 2),
        "equal exponents": nonzero & (distance == 0),
        "exponents one apart": nonzero & (distance == 1),
        "distance of the precision": nonzero & (distance == low + 1),
        "distance of the precision and one": nonzero & (distance == low + 2),
        "distance beyond": nonzero & (distance > low + 2),
    }
    return {name: int(np.count_nonzero(hit)) for name, hit in corners.items()}
