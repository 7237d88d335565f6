"""Floating-point products over arrays, bit-exact, for every multiplier of the catalogue."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from golden.catalogue import Multiplier, multiplier as look_up
from golden.errors import InvalidInput, InvalidType
from golden.significand import chunk_size, significand_products

__all__ = ["as_float32", "float32_array", "multiply", "multiply_words", "require_float32_words"]


def multiply(a: Any, b: Any, multiplier: str | Multiplier = "ax-fpm") -> np.ndarray:
    """Elementwise products y = mul(a, b) on a multiplier, bit for bit.

    Parameters
    ----------
    a, b : array_like of float32
        Activations and weights, broadcast against each other. Python scalars are rounded to float32.
    multiplier : str or Multiplier
        Catalogue or dial name, or a Multiplier whose format travels in FP32 words.

    Returns
    -------
    ndarray of float32
        Products, of the broadcast shape.

    Raises
    ------
    InvalidType
        (a TypeError) If an array has a dtype other than float32.
    InvalidInput
        (a ValueError) If the multiplier is unknown or not carried in FP32 words, or the shapes do not broadcast.
    """
    m = require_float32_words(look_up(multiplier))
    x, w = as_float32(a, "a"), as_float32(b, "b")
    return multiply_words(x.view(np.uint32), w.view(np.uint32), m).view(np.float32)


def require_float32_words(m: Multiplier) -> Multiplier:
    """Return ``m``; raise InvalidInput unless its operands are FP32 words."""
    if m.format.word_bits != 32:
        raise InvalidInput(
            f"{str(m)!r} works on {m.format.word_bits}-bit words, not on float32 values; "
            "use golden.multiply.multiply_words, or choose a format of 8 exponent bits"
        )
    return m


def as_float32(value: Any, name: str) -> np.ndarray:
    """``value`` as a float32 array, without silent conversion of other dtypes."""
    if isinstance(value, bool | int | float) and not isinstance(value, np.generic):
        with np.errstate(over="ignore"):  # beyond the range a Python scalar becomes infinity, as IEEE 754 rounds it
            try:
                wide = float(value)
            except OverflowError:
                wide = math.inf if value > 0 else -math.inf
            return np.asarray(np.float64(wide)).astype(np.float32)
    return float32_array(value, name)


def float32_array(value: Any, name: str) -> np.ndarray:
    """``value`` as it is, as an array of float32.

    Raises
    ------
    InvalidType
        If it is another dtype's, or no array.
    """
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if array.dtype == np.float32:
            return array
        said, remedy = f"has dtype {array.dtype}", "convert it with .astype('float32')"
    else:
        try:
            array = np.asarray(value)
        except ValueError as error:  # rows of different lengths, among others
            raise InvalidType(f"{name} is no array ({str(error).partition('.')[0]}); give one of float32") from None
        if array.dtype == np.float32:
            return array
        said, remedy = f"is of type {type(value).__name__}", f"give numpy.asarray({name}, 'float32')"
        if array.dtype.kind not in "biuf":
            remedy = "give an array of float32"
    raise InvalidType(f"{name} {said}, and products are defined on float32; {remedy}")


def multiply_words(a: np.ndarray, b: np.ndarray, m: Multiplier) -> np.ndarray:
    """Elementwise products on words of the multiplier's format.

    Parameters
    ----------
    a, b : ndarray of uint32
        Words of ``m.format``: FP32 words for formats of 8 exponent bits, 8-bit words for the toy formats.
    m : Multiplier
        The multiplier.

    Returns
    -------
    ndarray of uint32
        Words of the products, of the broadcast shape.

    Raises
    ------
    InvalidType
        If an array is not uint32.
    InvalidInput
        If the shapes do not broadcast, or a word has more bits than the format.
    """
    if a.dtype != np.uint32 or b.dtype != np.uint32:
        raise InvalidType(f"words are uint32 arrays, not {a.dtype} and {b.dtype}")
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise InvalidInput(f"shapes {a.shape} and {b.shape} do not broadcast; make them equal or 1 wide") from None
    if m.format.word_bits < 32 and any((x >> np.uint32(m.format.word_bits)).any() for x in (a, b)):
        raise InvalidInput(f"a word of format {m.format.name!r} has {m.format.word_bits} bits; a larger one was given")
    out = np.empty(shape, np.uint32)
    flat_out = out.reshape(-1)
    flat_a, flat_b = (np.broadcast_to(x, shape).reshape(-1) if x.size > 1 else x.reshape(-1) for x in (a, b))
    step = chunk_size(m.design)
    for start in range(0, flat_out.size, step):
        part = slice(start, start + step)
        chunk_a = flat_a[part] if flat_a.size > 1 else flat_a
        chunk_b = flat_b[part] if flat_b.size > 1 else flat_b
        flat_out[part] = _multiply_chunk(chunk_a, chunk_b, m)
    return out


def _multiply_chunk(a: np.ndarray, b: np.ndarray, m: Multiplier) -> np.ndarray:
    f, p = m.format, m.format.precision
    width = f.word_fraction_bits
    infinity = f.exponent_mask << width
    magnitude_mask = np.uint32((1 << (f.word_bits - 1)) - 1)
    sign = (a ^ b) & ~magnitude_mask & np.uint32((1 << f.word_bits) - 1)
    full_a, full_b = a & magnitude_mask, b & magnitude_mask
    x, y = _round_operand(full_a, m), _round_operand(full_b, m)

    hidden = np.uint64(1 << (p - 1))
    low = np.uint32((1 << (p - 1)) - 1)
    # Widened by name: NumPy before 2 keeps uint32 where an array meets a wider scalar, and products would overflow.
    A = (x >> np.uint32(f.dropped_bits) & low).astype(np.uint64) | hidden
    B = (y >> np.uint32(f.dropped_bits) & low).astype(np.uint64) | hidden
    A, B = np.broadcast_arrays(A, B)
    P = significand_products(m.design, A, B, p)
    if m.carry == "wrap":
        P &= np.uint64((1 << 2 * p) - 1)

    # P < 2^53, so its conversion to float64 is exact and does the normalising: the float64's exponent field is t + 1023
    # and its 52 fraction bits are those below the leading one. Keeping the top `kept` of them and shifting the exponent
    # field to the word's, e = ea + eb - bias + t - (2p - 2) remains to be added to t + 1023. Rounding to nearest adds
    # half a unit (less one where even), and its carry runs into the exponent by itself. P = 0 has an exponent field of
    # 0, which leaves e far below 1: the flush.
    bits = P.astype(np.float64).view(np.int64)
    kept = width if m.product == "exact" else p - 1
    drop = 52 - kept
    if m.product == "nearest":
        bits += (bits >> drop & 1) + ((1 << (drop - 1)) - 1)
    word = (bits >> drop) << (width - kept)
    exponents = (x >> np.uint32(width)).astype(np.int64) + (y >> np.uint32(width)).astype(np.int64)
    word += (exponents - (f.bias + 2 * p - 2 + 1023)) << width
    if m.carry == "halve":
        word -= (P >> np.uint64(2 * p)).astype(np.int64) << width
    np.minimum(word, infinity, out=word)
    word[word < 1 << width] = 0

    result = word.astype(np.uint32)
    tiny = np.uint32(1 << width)
    zero = (full_a < tiny) | (full_b < tiny)
    result[zero] = 0
    result |= sign
    if full_a.max(initial=0) >= infinity or full_b.max(initial=0) >= infinity:
        infinite = (full_a >= infinity) | (full_b >= infinity)
        result[infinite] = (sign | np.uint32(infinity))[infinite]
        nan = (full_a > infinity) | (full_b > infinity) | (infinite & zero)
        result[nan] = infinity | 1 << (width - 1)
    return result


def _round_operand(magnitude: np.ndarray, m: Multiplier) -> np.ndarray:
    """Operand magnitudes rounded to the format, low bits undefined; a carry runs into the biased exponent."""
    drop = m.format.dropped_bits
    if m.operands == "truncate" or drop == 0:
        return magnitude
    half_less_one = np.uint32((1 << (drop - 1)) - 1)
    return magnitude + half_less_one + (magnitude >> np.uint32(drop) & np.uint32(1))
