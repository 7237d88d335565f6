from pathlib import Path

import numpy as np
import pytest

from golden.add import add_words
from golden.catalogue import multiplier
from golden.cells import CELLS
from golden.errors import InvalidInput
from golden.formats import FORMATS, FP32
from golden.reference import (
    add_word,
    block_product,
    multiply_word,
    round_significand,
    significand,
    sum_of_products,
)

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


def test_significands_of_words():
    m = multiplier("e8m2")
    # 1.5; -1.25; 1.9999, which rounds to 2 with a carry into the exponent; zero and infinity have a leading one inside.
    words = (0x3FC00000, 0xBFA00000, 0x3FFFF000, 0x00000000, 0x7F800000)
    assert [significand(word, m) for word in words] == [0b110, 0b101, 0b100, 0b100, 0b100]
    assert significand(0x00000003, multiplier("exact")) == (1 << 23) + 3
    with pytest.raises(InvalidInput, match="words of fp32 have 32 bits"):
        significand(1 << 32, multiplier("exact"))


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


def test_every_toy_sum():
    toy = FORMATS["toy"]
    a, b = np.divmod(np.arange(1 << 16, dtype=np.uint32), np.uint32(256))
    expected = add_words(a, b, toy)
    assert [add_word(x, y, toy) for x, y in zip(a.tolist(), b.tolist(), strict=True)] == expected.tolist()


def test_fp32_sums():
    # Against the CPU's additions: any words, close exponents, few last bits apart, and every pair of the special words.
    rng = np.random.default_rng(5)
    a = rng.integers(0, 1 << 32, 12_000, np.uint64).astype(np.uint32)
    b = rng.integers(0, 1 << 32, a.size, np.uint64).astype(np.uint32)
    near = np.clip((a >> 23 & 255).astype(np.int64) + rng.integers(-27, 28, a.size), 0, 255).astype(np.uint32)
    b[4000:] = (b & 0x807FFFFF | near << 23)[4000:]
    b[8000:] = (a ^ 0x80000000 ^ rng.integers(0, 8, a.size, np.uint32))[8000:]
    ends = [0, 1, 0x7FFFFF, 0x800000, 0x800001, 0x3F800000, 0x33800000, 0x7F7FFFFF, 0x73000000, 0x7F800000, 0x7F800001]
    words = np.array([*ends, *(word | 0x80000000 for word in ends), 0x7FC00000, 0xFFC12345], np.uint32)
    a, b = np.append(a, np.repeat(words, words.size)), np.append(b, np.tile(words, words.size))
    assert [add_word(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True)] == add_words(a, b, FP32).tolist()


ONE, TINY, NAN = 0x3F800000, 0x33800000, 0x7FC00000  # 1, 2^-24


def test_sums_are_in_order():
    exact = multiplier("exact")
    # 1 + 2^-24 is a tie and stays 1, one after the other; 2^-24 + 2^-24 is 2^-23, and counts.
    assert sum_of_products([ONE, TINY, TINY], [ONE] * 3, exact) == ONE
    assert sum_of_products([TINY, TINY, ONE], [ONE] * 3, exact) == ONE + 1
    assert sum_of_products([TINY, TINY], [ONE] * 2, exact, bias=ONE) == ONE


def test_activation_and_weight_of_a_sum():
    a, w = 0x3F5B22D1, 0x3EF126E9  # 0.856, 0.471
    assert sum_of_products([a], [w], multiplier("ax-fpm")) == 0x3EDA273C  # published
    assert sum_of_products([w], [a], multiplier("ax-fpm")) != 0x3EDA273C


def test_no_products_give_the_bias():
    exact = multiplier("exact")
    assert sum_of_products([], [], exact) == 0
    assert sum_of_products([], [], exact, bias=0x80000000) == 0x80000000
    assert sum_of_products([], [], exact, bias=0xFF800000) == 0xFF800000
    assert sum_of_products([], [], exact, bias=0xFF800001) == NAN
    assert sum_of_products([0], [ONE], exact, bias=0x80000000) == 0  # a term of +0 is not nothing


def test_wrong_sums():
    with pytest.raises(InvalidInput, match="2 activations do not meet 1 weights; give one for each"):
        sum_of_products([0, 0], [0], multiplier("exact"))
    with pytest.raises(InvalidInput, match="words of fp32 have 32 bits; got 0x100000000"):
        sum_of_products([], [], multiplier("exact"), bias=1 << 32)
    with pytest.raises(InvalidInput, match="words of toy have 8 bits; got 0x0 and 0x100"):
        add_word(0, 256, FORMATS["toy"])
