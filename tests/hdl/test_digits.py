import pytest

from golden.cells import CELLS, Cell
from hdl.bits import word_of
from hdl.digits import cell_block, table_block


def literal_block(cell: Cell, n: int, a: int, b: int) -> int:
    """The n x n row-ripple array, cell by cell, as the definition says it."""
    bits = [0] * (2 * n)
    for j in range(n):
        bits[j] = (a & 1) & (b >> j & 1)
    for i in range(1, n):
        carry = 0
        for j in range(n):
            row = (a >> i & 1 & b >> j) << 2 | bits[i + j] << 1 | carry
            bits[i + j], carry = int(cell.sum[row]), int(cell.carry[row])
        bits[i + n] = carry
    return sum(bit << weight for weight, bit in enumerate(bits))


def run(evaluate, build, n: int) -> list[int]:
    return evaluate(lambda m, ab: word_of(build(m, list(ab[0]), list(ab[1]))), (n, n), pairs(n))


def pairs(n: int) -> list[tuple[int, int]]:
    return [(a, b) for a in range(1 << n) for b in range(1 << n)]


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("name", CELLS)
def test_cell_block(evaluate, name, n):
    cell = CELLS[name]
    outputs = run(evaluate, lambda m, a, b: cell_block(m, cell, a, b), n)
    assert outputs == [literal_block(cell, n, a, b) for a, b in pairs(n)]


@pytest.mark.parametrize("n", [2, 3, 4])
def test_exact_block_multiplies(evaluate, n):
    assert run(evaluate, lambda m, a, b: cell_block(m, CELLS["exact"], a, b), n) == [a * b for a, b in pairs(n)]


@pytest.mark.parametrize("n", [2, 3, 4])
def test_ama5_block_closed_form(evaluate, n):
    top = 1 << (n - 1)
    expected = [(b if a & 1 else 0) + ((a & ~1) << n if b & top else 0) for a, b in pairs(n)]
    assert run(evaluate, lambda m, a, b: cell_block(m, CELLS["AMA5"], a, b), n) == expected


def test_plugin_cell_block(evaluate):
    cell = Cell("inverted", "10010110", "11101000")
    expected = [literal_block(cell, 3, a, b) for a, b in pairs(3)]
    assert run(evaluate, lambda m, a, b: cell_block(m, cell, a, b), 3) == expected


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_table_block(evaluate, n):
    # An arbitrary table without symmetry between a and b.
    table = tuple((a * 37 + b * b * 11 + 5) % (1 << 2 * n) for a, b in pairs(n))
    assert run(evaluate, lambda m, a, b: table_block(m, table, a, b), n) == list(table)
