"""Designs are what they compute: plug-ins of every kind, under names of their own and under those of other designs."""

import numpy as np
import pytest
import torch

from golden import kernels
from golden.catalogue import MULTIPLIERS, Multiplier, multiplier, register_cell
from golden.cells import CELLS, Cell
from golden.designs import MITCHELL, CellBlocks, Function, Masks, TableBlocks, table_of
from golden.errors import InvalidInput
from golden.formats import FP32
from golden.multiply import multiply_words
from golden.pytorch import approximate, surrogate
from golden.reference import multiply_word
from golden.significand import ama5_masks

AMA5 = ("00110011", "00001111")
OWN = ("00110011", "00010111")
"""AMA5's Sum, the exact Cout: nobody's cell."""

TABLE = tuple((a * b) & ~3 for a in range(16) for b in range(16))
OTHER_TABLE = tuple(a * b for a in range(16) for b in range(16))


def total(a, b, precision):
    return (a + b) << np.uint64(precision - 2)


# The same under two names, and another under the first one's name.
KINDS = {
    "cell": (CellBlocks(CELLS["AMA5"], 4), CellBlocks(Cell("wires", *AMA5), 4), CellBlocks(Cell("AMA5", *OWN), 4)),
    "table": (TableBlocks("lossy", 4, TABLE), TableBlocks("mine", 4, TABLE), TableBlocks("lossy", 4, OTHER_TABLE)),
    "masks": (Masks("rows", *ama5_masks(4, 24)), Masks("mine", *ama5_masks(4, 24)), Masks("rows", 0xFFFF00, 0, 0)),
    "function": (MITCHELL, Function("logarithmic", MITCHELL.function), Function("mitchell", total)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_names_do_not_count(kind):
    design, renamed, impostor = KINDS[kind]
    assert renamed == design != impostor
    assert hash(renamed) == hash(design)
    m, same, other = (Multiplier(FP32, d) for d in (design, renamed, impostor))
    assert str(same) == str(m) if m in MULTIPLIERS.values() else renamed.name in str(same)
    assert str(other) not in MULTIPLIERS
    assert kernels.select(same, "float32") is kernels.select(m, "float32")

    rng = np.random.default_rng(3)
    a, b = (rng.integers(0x3F800000, 0x40000000, 60, np.uint32) for _ in "ab")
    products = []
    for each in (m, same, other):
        got = multiply_words(a, b, each)
        assert got.tolist() == [multiply_word(int(x), int(y), each) for x, y in zip(a, b, strict=True)]
        x, w = (v[:42].view(np.float32).reshape(shape) for v, shape in ((a, (6, 7)), (b, (7, 6))))
        row = kernels.matmul(x[:1, :1].copy(), w[:1].copy(), None, each, "float32")
        assert row.view(np.uint32).ravel().tolist() == multiply_words(np.repeat(a[:1], 6), b[:6], each).tolist()
        products.append(got)
    assert (products[0] == products[1]).all()
    assert (products[0] != products[2]).any()


def test_a_renamed_cell_has_gradients_and_a_surrogate():
    renamed = Multiplier(FP32, CellBlocks(Cell("wires", *AMA5), 4))
    impostor = Multiplier(FP32, CellBlocks(Cell("AMA5", *OWN), 4))
    layer = torch.nn.Linear(5, 3)
    x = torch.randn(2, 5, requires_grad=True)
    found = []
    for m in ("ax-fpm", renamed):
        with approximate(m, gradient="masked"):
            (grad,) = torch.autograd.grad(layer(x).sum(), x)
        found.append((grad, surrogate(layer, m)(x)))
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))
    with pytest.raises(InvalidInput, match="has no two-product form"):
        surrogate(layer, impostor)


def test_the_dial_spells_cells_by_their_tables(monkeypatch):
    monkeypatch.setattr(CELLS, "_entries", dict(CELLS))
    unregistered = Multiplier(FP32, CellBlocks(Cell("mine", CELLS["AMA3"].sum, CELLS["AMA3"].carry), 2))
    assert str(unregistered) == "exact-trunc:cell=AMA3,block=2"
    assert multiplier(str(unregistered)) == unregistered
    named_exact = Multiplier(FP32, CellBlocks(Cell("AMA5", CELLS["exact"].sum, CELLS["exact"].carry), 4))
    assert multiplier(str(named_exact)) == named_exact
    impostor = Multiplier(FP32, CellBlocks(Cell("AMA5", *OWN), 4))
    assert "AMA5 cells of Sum 00110011 and Cout 00010111" in str(impostor)
    register_cell(Cell("wires", *AMA5))
    assert str(multiplier("exact-trunc:cell=wires,block=4")) == "ax-fpm"
    register_cell(Cell("own", *OWN))
    assert str(impostor) == "ax-fpm:cell=own"
    assert multiplier(str(impostor)) == impostor
    with pytest.raises(InvalidInput, match="'a,b' cannot name a cell"):
        register_cell(Cell("a,b", *OWN))


def test_a_function_on_digits_becomes_a_table():
    def no_carry(a, b):
        return a * b & 7

    assert table_of(no_carry, block=3) == TableBlocks("x", 3, [[a * b & 7 for b in range(8)] for a in range(8)])
    assert table_of(no_carry, block=3).name == "no_carry"
    with pytest.raises(
        InvalidInput, match="block table 'sum' needs 4 entries from 0 to 3; for the digits 0 and 1 it has"
    ):
        table_of(lambda a, b: a - b, block=1, name="sum")
    with pytest.raises(InvalidInput, match="block=9 is too large; give at most 8"):
        table_of(no_carry, block=9)
