import pytest

from golden.errors import InvalidInput, InvalidType
from golden.formats import FORMATS, Format


def test_fp32_traits():
    f = FORMATS["fp32"]
    assert (f.precision, f.bias, f.exponent_mask, f.dropped_bits, f.word_bits) == (24, 127, 255, 0, 32)


def test_narrow_formats_travel_in_fp32_words():
    for name, f in FORMATS.items():
        if f.exponent_bits == 8:
            assert f.word_bits == 32, name
    assert (FORMATS["bfloat16"].precision, FORMATS["bfloat16"].dropped_bits) == (8, 16)
    assert [FORMATS[f"e8m{m}"].precision for m in range(1, 11)] == list(range(2, 12))


def test_toy_words_have_eight_bits():
    assert [FORMATS[n].word_bits for n in ("toy", "toy-m2", "toy-m1")] == [8, 8, 8]
    assert (FORMATS["toy"].bias, FORMATS["toy"].precision) == (7, 4)


@pytest.mark.parametrize(
    ("traits", "message"),
    [
        ((1, 3, 3), "exponent_bits=1 is too small; give at least 2"),
        ((9, 3, 3), "exponent_bits=9 is too large; give at most 8"),
        ((4, 0, 3), "fraction_bits=0 is too small; give at least 1"),
        ((4, 4, 3), "fraction_bits=4 is too large; give at most 3, as its word has no more"),
        ((8, 24, 24), "word_fraction_bits=24 is too large; give at most 23"),
    ],
)
def test_init_wrong_widths(traits, message):
    with pytest.raises(InvalidInput, match=f"^format 'odd': {message}$"):
        Format("odd", *traits)


def test_widths_are_whole_numbers():
    with pytest.raises(InvalidType, match=r"^format 'odd': exponent_bits is a whole number, not float$"):
        Format("odd", 8.0, 3, 3)  # pyright: ignore[reportArgumentType]
