"""Drawn dots are the bits of partial products."""

import re

import pytest

from axfpm.pictures.rows import LEFT, STEP, draw_rows, rows_of
from golden.catalogue import Multiplier, multiplier
from golden.designs import TableBlocks
from golden.errors import InvalidInput
from golden.formats import FORMATS
from golden.reference import significand_product

EXACT_DIGITS = [[a * b for b in range(16)] for a in range(16)]


def drawn(svg):
    """Columns of the dots, from the left, where the highest weight stands."""
    data = max(re.findall(r'<path d="((?:M[\d.]+ [\d.]+h0)+)"', svg), key=len)
    return [round((float(x) - LEFT) / STEP) for x in re.findall(r"M([\d.]+) ", data)]


@pytest.mark.parametrize("name", ["exact-trunc", "ax-fpm", "bf16", "ax-fpm:block=2", "e8m2"])
def test_dots_add_up_to_the_product_of_all_ones(name):
    m = multiplier(name)
    ones = (1 << m.precision) - 1
    product = significand_product(m.design, ones, ones, m.precision)
    columns = drawn(draw_rows(m).svg())
    highest = max(max(row) for row in rows_of(m)[0])
    assert sum(1 << (highest - column) for column in columns) == product


def test_the_paper_s_multiplier_has_252_bits():
    svg = draw_rows(multiplier("ax-fpm")).svg()
    assert len(drawn(svg)) == 252
    assert "ax-fpm: 12 rows, 252 bits" in svg


def test_cells_without_rows_are_said_to_take_them_in():
    svg = draw_rows(multiplier("ax-fpm:cell=AMA1")).svg()
    assert len(drawn(svg)) == 576
    assert "they enter 4 x 4 arrays of AMA1 cells" in svg


def test_block_tables_are_drawn_by_products_of_digits():
    m = Multiplier(FORMATS["bfloat16"], TableBlocks("mine", 4, EXACT_DIGITS))
    rows, kind = rows_of(m)
    assert (len(rows), kind) == (4, "digit products")
    assert len(drawn(draw_rows(m).svg())) == 4 * 8


def test_a_function_has_none():
    with pytest.raises(InvalidInput, match="mitchell has no partial products to draw"):
        draw_rows(multiplier("mitchell"))
