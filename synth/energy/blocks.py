"""The circuits whose energy is measured: what a pair of float32 words is on their ports, and what is right.

The significand product gets the significands of the very words that the whole multiplier gets, those of zeros included:
the hardware multiplies them whatever becomes of the product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from golden.catalogue import Multiplier
from golden.multiply import multiply_words
from golden.reference import significand
from golden.registry import Registry
from golden.significand import significand_products

__all__ = ["BLOCKS", "Block"]

Streams = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Block:
    """A circuit that multiplies.

    Parameters
    ----------
    streams : callable
        ``streams(a, b, multiplier) -> (a, b, y)``: of words, uint32, (n,), what is on the ports of the circuit,
        unsigned integers, (n,).
    """

    streams: Callable[[np.ndarray, np.ndarray, Multiplier], Streams]


def _words(a: np.ndarray, b: np.ndarray, m: Multiplier) -> Streams:
    return a, b, multiply_words(a, b, m)


def _significands(a: np.ndarray, b: np.ndarray, m: Multiplier) -> Streams:
    whole = [np.array([significand(word, m) for word in words.tolist()], np.uint64) for words in (a, b)]
    low = np.uint64((1 << (m.precision - 1)) - 1)
    product = significand_products(m.design, whole[0], whole[1], m.precision)
    return whole[0] & low, whole[1] & low, product


BLOCKS = Registry(
    "block",
    {"multiplier": Block(_words), "significand": Block(_significands)},
    said="energy is not measured of the block",
)
"""Blocks by name, which are those of ``hdl.circuits.CIRCUITS``."""
