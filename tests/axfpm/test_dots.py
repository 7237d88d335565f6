"""Rows of partial products, held against products of powers of two."""

import pytest

from axfpm.dots import drawing, partial_products
from golden.cells import CELLS
from golden.designs import MITCHELL, CellBlocks, Masks, TableBlocks
from golden.reference import significand_product

DESIGNS = {
    "exact": CellBlocks(CELLS["exact"], 1),
    "AMA5": CellBlocks(CELLS["AMA5"], 4),
    "AMA5 of 2": CellBlocks(CELLS["AMA5"], 2),
    "masks": Masks("mine", 0b10010001, 0b01101110, 0b10001000),
}


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_the_rows_hold_every_bit_of_the_product_of_all_ones(design):
    # All ones on both sides set every bit of every row, so that the rows sum up to that product.
    ones = (1 << 8) - 1
    total = sum(1 << weight for row in partial_products(design, 8) for weight in row)
    assert total == significand_product(design, ones, ones, 8)


def test_of_576_bits_252_are_left_in_12_rows():
    rows = partial_products(DESIGNS["AMA5"], 24)
    assert (len(rows), sum(map(len, rows))) == (12, 252)
    assert sum(map(len, partial_products(DESIGNS["exact"], 24))) == 576


def test_cells_without_a_closed_form_take_all_bits_in():
    assert partial_products(CellBlocks(CELLS["AMA1"], 4), 8) == partial_products(DESIGNS["exact"], 8)


@pytest.mark.parametrize("design", [MITCHELL, TableBlocks("mine", 1, (0, 0, 0, 1))])
def test_functions_and_tables_have_no_rows(design):
    assert partial_products(design, 8) == ()
    assert drawing(()) == ()


def test_the_drawing_has_the_highest_weight_on_the_left():
    assert drawing(((0, 1), (1, 2, 3))) == ("  oo", "ooo ")
