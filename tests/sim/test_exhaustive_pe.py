"""Every step of toy processing elements: all triples of weight, activation and partial sum."""

import re
from typing import Any

import numpy as np
import pytest
from toy_adder import toy_sums

from golden.catalogue import multiplier
from golden.reference import multiply_word
from hdl.verilog import generate
from sim.exhaustive import hardware_steps

NAMES = ("ax-fpm:format=toy", "exact:format=toy", "ax-fpm-wrap:format=toy,cell=AMA1,block=2")


def expected_steps(name):
    """p + a w by the literal product and the rational sum: shape (256, 256, 256), by w, a, p."""
    m = multiplier(name)
    products = np.array([[multiply_word(a, w, m) for a in range(256)] for w in range(256)])
    return toy_sums().astype(np.uint8).reshape(256, 256)[products]  # the sum of x and y does not depend on their order


def elements(names, **stages: Any):
    return {
        f"element_{i}": generate("pe", name=f"element_{i}", multiplier=name, **stages) for i, name in enumerate(names)
    }


def without_sticky(name, **stages: Any):
    """An element whose adder ignores what alignment shifts out."""
    text = generate("pe", name="spoilt", multiplier=name, **stages)
    text, count = re.subn(r"^  assign sticky = .*;$", "  assign sticky = 1'h0;", text, flags=re.MULTILINE)
    assert count == 1
    return {"spoilt": text}


def test_toy_element_on_all_triples(verilator):
    (got,) = hardware_steps(elements(NAMES[:1], stages=1, adder_stages=1), stages=1, adder_stages=1)
    expected = expected_steps(NAMES[0])
    assert np.array_equal(got, expected), f"{np.count_nonzero(got != expected)} of 2^24 differ"
    # The comparison is able to fail: another cell, and operands exchanged.
    assert np.count_nonzero(got != expected_steps(f"{NAMES[0]},cell=AMA4")) > 100_000
    assert np.count_nonzero(got != expected.swapaxes(0, 1)) > 100_000


@pytest.mark.long
@pytest.mark.parametrize(("stages", "adder_stages"), [(1, 1), (0, 1), (2, 3), (3, 2)])
def test_toy_elements_at_every_latency(verilator, stages, adder_stages):
    depth: dict[str, Any] = {"stages": stages, "adder_stages": adder_stages}
    *got, spoilt = hardware_steps(elements(NAMES, **depth) | without_sticky(NAMES[0], **depth), **depth)
    for words, name in zip(got, NAMES, strict=True):
        assert np.array_equal(words, expected_steps(name)), name
    assert np.count_nonzero(spoilt != got[0]) > 10_000
