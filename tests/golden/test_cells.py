import pytest

from golden.cells import CELLS, Cell
from golden.errors import InvalidInput

# The published cells as Boolean expressions, typed from the paper's text rather than from its tables.
EXPRESSIONS = {
    "exact": (lambda a, b, c: a ^ b ^ c, lambda a, b, c: (a & b) | (a & c) | (b & c)),
    "AMA1": (lambda a, b, c: c & (1 ^ a ^ b), lambda a, b, c: b | (a & c)),
    "AMA2": (lambda a, b, c: 1 ^ ((a & b) | (a & c) | (b & c)), lambda a, b, c: (a & b) | (a & c) | (b & c)),
    "AMA3": (lambda a, b, c: 1 ^ (b | (a & c)), lambda a, b, c: b | (a & c)),
    "AMA4": (lambda a, b, c: c & ((1 ^ a) | b), lambda a, b, c: a),
    "AMA5": (lambda a, b, c: b, lambda a, b, c: a),
}


@pytest.mark.parametrize("name", CELLS)
def test_truth_table_is_the_published_expression(name):
    sums, carries = EXPRESSIONS[name]
    for row in range(8):
        a, b, c = row >> 2, row >> 1 & 1, row & 1
        assert CELLS[name](a, b, c) == (sums(a, b, c), carries(a, b, c)), (name, a, b, c)


def test_only_the_exact_cell_is_exact():
    assert [name for name, cell in CELLS.items() if cell.is_exact] == ["exact"]


@pytest.mark.parametrize("table", ["0110100", "011010011", "0110100x", ""])
def test_init_wrong_table(table):
    with pytest.raises(InvalidInput, match="eight characters"):
        Cell("odd", table, "00010111")
