"""A processing element cycle by cycle: its registers and outputs from the words on its ports, by the golden arithmetic.

What ``hdl.pe`` documents of its ports, as arrays over cycles. A register shows in cycle t what it took at the end of an
earlier one. So the streams of every element of an array follow from those at the array's sides.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from golden.add import add_words
from golden.catalogue import Multiplier
from golden.formats import FP32
from golden.multiply import multiply_words

__all__ = ["INPUTS", "OUTPUTS", "element_ports", "outputs"]

INPUTS = ("a", "a_valid", "a_first", "a_bypass", "p", "p_valid", "p_last", "w", "w_load")
OUTPUTS = ("a_out", "a_out_valid", "a_out_first", "a_out_bypass", "p_out", "p_out_valid", "p_out_last")
MINUS_ZERO = np.uint32(1 << 31)

Words = dict[str, np.ndarray]


def later(words: np.ndarray, cycles: int) -> np.ndarray:
    """Return words so many cycles later, after zeros."""
    return np.concatenate([np.zeros(cycles, words.dtype), words])[: words.size]


def held(words: np.ndarray, when: np.ndarray) -> np.ndarray:
    """Return what a register shows that takes a word where ``when`` is 1; 0 before it has taken one."""
    place = np.maximum.accumulate(np.where(when == 1, np.arange(1, words.size + 1), 0))
    return later(np.concatenate([np.zeros(1, words.dtype), words])[place], 1)


def outputs(inputs: Mapping[str, np.ndarray], multiplier: Multiplier, *, stages: int, adder_stages: int) -> Words:
    """Return the outputs of an element that was reset before the first cycle and is enabled in each.

    Parameters
    ----------
    inputs : mapping of str to numpy.ndarray
        For each of ``INPUTS`` its words, uint32, (n,), one for each cycle.
    multiplier : Multiplier
        Of float32 words.
    stages, adder_stages : int
        As of ``hdl.pe.ProcessingElement``.

    Returns
    -------
    dict of str to numpy.ndarray
        For each of ``OUTPUTS`` its words, uint32, (n,), as they stand before the end of each cycle.
    """
    valid, bypass = inputs["a_valid"], inputs["a_bypass"]
    a = held(inputs["a"], valid & (bypass ^ 1))
    weight = held(held(inputs["w"], inputs["w_load"]), valid & inputs["a_first"])
    bypassed = later(bypass, 1)
    product = later(np.where(bypassed == 1, MINUS_ZERO, multiply_words(a, weight, multiplier)), stages)
    found = {
        "a_out": a,
        "a_out_valid": later(valid, 1),
        "a_out_first": later(inputs["a_first"], 1),
        "a_out_bypass": bypassed,
        "p_out": later(add_words(inputs["p"], product, FP32), adder_stages),
        "p_out_valid": later(inputs["p_valid"], adder_stages),
        "p_out_last": later(inputs["p_last"], adder_stages),
    }
    return {name: words.astype(np.uint32) for name, words in found.items()}


def element_ports(a: np.ndarray, b: np.ndarray, sums: np.ndarray, *, stages: int) -> Words:
    """Return the inputs of an element that multiplies pair after pair and adds each product to a sum.

    A weight waits in the shadow register from the cycle before the first activation that meets it. The sum comes when
    its product is there. In the first cycle, which only sets the state, the second one's weight is loaded.

    Parameters
    ----------
    a, b, sums : numpy.ndarray
        uint32, (n,), n from 2 on: activations, weights, and the sums that the products are added to.
    stages : int
        Registers in the multiplier.
    """
    n = a.size
    change = np.concatenate([[True], b[1:] != b[:-1]])
    load = np.concatenate([change[1:], [False]])
    load[0] = True
    ones, zeros = np.ones(n, np.uint32), np.zeros(n, np.uint32)
    return {
        "a": a,
        "a_valid": ones,
        "a_first": change.astype(np.uint32),
        "a_bypass": zeros,
        "p": np.concatenate([np.repeat(sums[:1], 1 + stages), sums])[:n],
        "p_valid": ones,
        "p_last": zeros,
        "w": np.concatenate([b[1:], b[-1:]]),
        "w_load": load.astype(np.uint32),
    }
