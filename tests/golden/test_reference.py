from pathlib import Path

import pytest

from golden.catalogue import multiplier
from golden.cells import CELLS
from golden.errors import InvalidInput
from golden.reference import block_product, multiply_word, round_significand

HERE = Path(__file__).parent


def table(name):
    lines = (HERE / name).read_text().splitlines()
    return [line.split() for line in lines if not line.startswith("#")]


@pytest.mark.parametrize(("a", "b", "y", "name"), table("anchors.hex"))
def test_anchor(a, b, y, name):
    assert f"{multiply_word(int(a, 16), int(b, 16), multiplier(name)):08X}" == y


@pytest.mark.parametrize(("a", "b", "fp32", "bf16"), table("authors_products.hex"))
def test_product_of_the_authors(a, b, fp32, bf16):
    assert f"{multiply_word(int(a, 16), int(b, 16), multiplier('ax-fpm')):08X}" == fp32
    assert f"{multiply_word(int(a, 16), int(b, 16), multiplier('ax-bf16')):08X}" == bf16


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_exact_cells_multiply(n):
    for a in range(1 << n):
        for b in range(1 << n):
            assert block_product(CELLS["exact"], n, a, b) == a * b


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6])
def test_ama5_block_collapses(n):
    for a in range(1 << n):
        for b in range(1 << n):
            kept = b if a & 1 else 0
            kept += (a & ~1) << n if b >> (n - 1) & 1 else 0
            assert block_product(CELLS["AMA5"], n, a, b) == kept


def test_ama1_block_by_hand():
    # a = b = 3, n = 2: row 0 leaves 11; row 1 adds 11 at weight 1.
    # j = 0: A = 1, B = 1, Cin = 0, row 110 of AMA1: Sum 0, Cout 1.
    # j = 1: A = 1, B = 0, Cin = 1, row 101 of AMA1: Sum 0, Cout 1.
    assert block_product(CELLS["AMA1"], 2, 3, 3) == 0b1001


def test_rounding_ties_to_even():
    assert [round_significand(v, 2, "nearest") for v in (4, 5, 6, 7, 10, 14)] == [1, 1, 2, 2, 2, 4]
    assert [round_significand(v, 2, "truncate") for v in (4, 5, 6, 7)] == [1, 1, 1, 1]


def test_operand_rounding_carries_into_the_exponent():
    # The largest finite operand rounds to 2^128 in bfloat16; it is not an infinity: classes come from the full word.
    m = multiplier("bf16")
    assert multiply_word(0x7F7FFFFF, 0x3F000000, m) == 0x7F000000
    assert multiply_word(0x7F7FFFFF, 0x3F800000, m) == 0x7F800000
    assert multiply_word(0x7F7FFFFF, 0x00000000, m) == 0x00000000
    # Truncation keeps a NaN whose payload lies in the dropped bits.
    assert multiply_word(0x7F800001, 0x3F800000, multiplier("ax-bf16")) == 0x7FC00000


def test_tininess_is_judged_after_rounding():
    # (1/2 + ulp) * (2^-125 - ulp) lies just below 2^-126 and rounds up to it; truncated it stays below: zero.
    assert multiply_word(0x3F000001, 0x00FFFFFF, multiplier("exact")) == 0x00800000
    assert multiply_word(0x3F000001, 0x00FFFFFE, multiplier("exact-trunc")) == 0
    # 1/2 * (2^-125 - ulp) has 24 significant bits and is not rounded at all: zero, where a subnormal result rounds up.
    assert multiply_word(0x3F000000, 0x00FFFFFF, multiplier("exact")) == 0


def test_wrong_words():
    with pytest.raises(InvalidInput, match="words of toy have 8 bits"):
        multiply_word(256, 0, multiplier("exact:format=toy"))
    with pytest.raises(InvalidInput, match="words of fp32"):
        multiply_word(-1, 0, multiplier("exact"))
