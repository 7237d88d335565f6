import itertools

import pytest
from amaranth.hdl import Cat

from golden.cells import CELLS, EXACT, Cell
from hdl.cells import GATES, full_adder

# Typed from the paper's tables: (Sum, Cout) for A B Cin = 000 .. 111.
TABLES = {
    "exact": ((0, 1, 1, 0, 1, 0, 0, 1), (0, 0, 0, 1, 0, 1, 1, 1)),
    "AMA1": ((0, 1, 0, 0, 0, 0, 0, 1), (0, 0, 1, 1, 0, 1, 1, 1)),
    "AMA2": ((1, 1, 1, 0, 1, 0, 0, 0), (0, 0, 0, 1, 0, 1, 1, 1)),
    "AMA3": ((1, 1, 0, 0, 1, 0, 0, 0), (0, 0, 1, 1, 0, 1, 1, 1)),
    "AMA4": ((0, 1, 0, 1, 0, 0, 0, 1), (0, 0, 0, 0, 1, 1, 1, 1)),
    "AMA5": ((0, 0, 1, 1, 0, 0, 1, 1), (0, 0, 0, 0, 1, 1, 1, 1)),
}
ROWS = list(itertools.product((0, 1), repeat=3))


def run(evaluate, cell: Cell, constants=(None, None, None)) -> list[int]:
    def circuit(m, wires):
        bits = [wire if x is None else x for wire, x in zip(wires, constants, strict=True)]
        return Cat(*full_adder(m, cell, *bits))

    return evaluate(circuit, (1, 1, 1), ROWS)


@pytest.mark.parametrize("name", TABLES)
def test_gates(evaluate, name):
    sums, carries = TABLES[name]
    assert run(evaluate, CELLS[name]) == [s | c << 1 for s, c in zip(sums, carries, strict=True)]


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("constants", [(0, None, None), (None, 1, None), (None, None, 0), (None, 0, 0), (1, None, 1)])
def test_gates_with_constants(evaluate, name, constants):
    sums, carries = TABLES[name]
    for row, output in zip(ROWS, run(evaluate, CELLS[name], constants), strict=True):
        a, b, cin = (v if x is None else x for v, x in zip(row, constants, strict=True))
        index = a << 2 | b << 1 | cin
        assert output == sums[index] | carries[index] << 1


def test_every_catalogue_cell_has_gates():
    assert {(cell.sum, cell.carry) for cell in CELLS.values()} == GATES.keys()


@pytest.mark.parametrize(
    ("sums", "carries"), [("10010110", "11101000"), ("00000000", "11111111"), ("01100110", "00110011")]
)
def test_other_cell_from_its_table(evaluate, sums, carries):
    # The middle one is AMA5's opposite in spirit: constants only.
    outputs = run(evaluate, Cell("other", sums, carries))
    assert outputs == [int(s) | int(c) << 1 for s, c in zip(sums, carries, strict=True)]


def test_a_reused_name_keeps_its_own_table(evaluate):
    flipped = Cell("AMA5", EXACT.sum, EXACT.carry)
    assert run(evaluate, flipped) == run(evaluate, EXACT) != run(evaluate, CELLS["AMA5"])
