import numpy as np
import pytest

from golden.catalogue import multiplier
from golden.formats import FORMATS
from golden.multiply import multiply_words
from golden.reference import multiply_word
from sim.exhaustive import all_pairs, every_multiplier, hardware_products

TOYS = [m for name in ("toy", "toy-m2", "toy-m1") for m in every_multiplier(FORMATS[name])]


def reference(a, b, m):
    return np.array([multiply_word(x, y, m) for x, y in zip(a.tolist(), b.tolist(), strict=True)], np.uint32)


def test_every_multiplier_is_there():
    assert len(TOYS) == len(set(TOYS)) == 276
    assert {(m.precision, m.block) for m in TOYS} == {(4, 1), (4, 2), (4, 4), (3, 1), (3, 3), (2, 1), (2, 2)}


def check_toys(designs, literal):
    """All pairs against the array form, which tests/golden holds to the literal one, and ``literal`` pairs directly."""
    a, b = all_pairs(8)
    y = hardware_products(designs, a, b)
    assert y.shape == (len(designs), 65536)
    assert len({row.tobytes() for row in y}) > 50  # the designs do differ
    rng = np.random.default_rng(8)
    for (m, stages), words in zip(designs, y, strict=True):
        np.testing.assert_array_equal(words, multiply_words(a, b, m), err_msg=f"{m}, {stages} stages")
        some = rng.choice(a.size, literal, replace=False) if literal < a.size else np.arange(a.size)
        np.testing.assert_array_equal(words[some], reference(a[some], b[some], m), err_msg=f"{m}, {stages} stages")


def test_toy_formats_on_all_operand_pairs(verilator):
    # Every multiplier without stages; every sixth, in rotation, with 1, 2 or 3.
    pipelined = [(m, 1 + i // 6 % 3) for i, m in enumerate(TOYS) if i % 6 == 0]
    check_toys([(m, 0) for m in TOYS] + pipelined, literal=256)


@pytest.mark.long
@pytest.mark.parametrize("stages", [0, 1, 2, 3])
def test_toy_formats_at_every_latency(verilator, stages):
    check_toys([(m, stages) for m in TOYS], literal=1 << 16 if stages == 0 else 256)


def test_booth_digits_on_all_operand_pairs_of_toy_formats(verilator):
    a, b = all_pairs(8)
    exact = [m for m in TOYS if m.block == 1 and m.cell is not None and m.cell.is_exact]
    assert {m.precision for m in exact} == {2, 3, 4}
    designs = [(m, i % 3) for i, m in enumerate(exact)]
    for (m, stages), words in zip(designs, hardware_products(designs, a, b, tree="booth"), strict=True):
        np.testing.assert_array_equal(words, multiply_words(a, b, m), err_msg=f"{m}, {stages} stages")


def bfloat16_significand_pairs():
    significands = np.arange(128, dtype=np.uint32) << np.uint32(16)
    one = np.uint32(127 << 23)
    return np.repeat(significands, 128) | one, np.tile(significands, 128) | one


def test_booth_digits_on_all_bfloat16_significand_pairs(verilator):
    a, b = bfloat16_significand_pairs()
    names = ("bf16", "bf16-trunc", "bf16:product=nearest")
    y = hardware_products([(multiplier(name), 0) for name in names], a, b, tree="booth")
    for name, words in zip(names, y, strict=True):
        np.testing.assert_array_equal(words, reference(a, b, multiplier(name)), err_msg=name)


def test_all_bfloat16_significand_pairs(verilator):
    a, b = bfloat16_significand_pairs()
    names = ("ax-bf16", "bf16", "bf16-trunc")
    y = hardware_products([(multiplier(name), 0) for name in names], a, b)
    for name, words in zip(names, y, strict=True):
        np.testing.assert_array_equal(words, reference(a, b, multiplier(name)), err_msg=name)
    products = (a.view(np.float32) * b.view(np.float32)).view(np.uint32)
    np.testing.assert_array_equal(y[1], products)
