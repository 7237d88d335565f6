import numpy as np
import pytest

from golden.catalogue import multiplier
from golden.cells import CELLS, Cell
from golden.designs import CellBlocks, Masks, TableBlocks
from golden.reference import block_product, significand_product
from golden.significand import ama5_masks, block_table, chunk_size, closed_form, significand_products


def rippled(n, cell):
    """The n x n array with a product a_i b_j as the symbol (i, j), for cells whose outputs are inputs."""
    running = [(0, j) for j in range(n)] + [None] * n
    for i in range(1, n):
        carry = None
        for j in range(n):
            running[i + j], carry = cell((i, j), running[i + j], carry)
        running[i + n] = carry
    return running


def block_coefficients(n):
    """Coefficient of a_k b_l in an AMA5 block, by symbolic execution of the array."""
    ama5 = CELLS["AMA5"]
    for a, b, c in np.ndindex(2, 2, 2):  # the lemma that makes symbols legitimate: Sum = B and Cout = A
        assert ama5(a, b, c) == (b, a)
    matrix = [[0] * n for _ in range(n)]
    for weight, symbol in enumerate(rippled(n, lambda a, b, c: (b, a))):
        if symbol is not None:
            matrix[symbol[0]][symbol[1]] += 1 << weight
    return matrix


@pytest.mark.parametrize(("precision", "n"), [(p, n) for p in (4, 8, 24) for n in range(1, p + 1) if p % n == 0])
def test_closed_form_is_the_block_form_for_all_operands(precision, n):
    """Both forms are bilinear over the integers: equal coefficient matrices prove them equal for all 2^(2p) pairs."""
    block = block_coefficients(n)
    blocks = [[0] * precision for _ in range(precision)]
    for i in range(0, precision, n):
        for j in range(0, precision, n):
            for k in range(n):
                for l in range(n):
                    blocks[i + k][j + l] += block[k][l] << (i + j)
    low, high, top = ama5_masks(n, precision)
    closed = [
        [((low >> k & 1) << (k + l)) + ((high >> k & 1) * (top >> l & 1) << (k + l + 1)) for l in range(precision)]
        for k in range(precision)
    ]
    assert closed == blocks
    # The symbolic block is the literal one, on all its inputs where they can be tried.
    if n <= 6:
        for a, b in np.ndindex(1 << n, 1 << n):
            total = sum(block[k][m] for k in range(n) for m in range(n) if a >> k & 1 and b >> m & 1)
            assert total == block_product(CELLS["AMA5"], n, a, b)


def test_masks_of_the_paper():
    assert ama5_masks(4, 24) == (0x111111, 0xEEEEEE, 0x888888)


@pytest.mark.parametrize("cell", CELLS.values(), ids=str)
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_block_table_is_the_literal_array(cell, n):
    expected = [[block_product(cell, n, a, b) for b in range(1 << n)] for a in range(1 << n)]
    assert block_table(CellBlocks(cell, n)).tolist() == expected


@pytest.mark.parametrize("cell", CELLS.values(), ids=str)
@pytest.mark.parametrize(("precision", "n"), [(24, 1), (24, 2), (24, 3), (24, 6), (24, 8), (24, 12), (24, 24), (8, 8)])
def test_products_are_the_literal_ones(cell, precision, n):
    rng = np.random.default_rng(n)
    hidden = np.uint64(1 << (precision - 1))
    a, b = rng.integers(0, 1 << (precision - 1), (2, 300), dtype=np.uint64) | hidden
    a[:3] = (1 << precision) - 1
    b[1:4] = (1 << precision) - 1
    design = CellBlocks(cell, n)
    expected = [significand_product(design, int(x), int(y), precision) for x, y in zip(a, b, strict=True)]
    assert significand_products(design, a, b, precision).tolist() == expected


def test_every_bfloat16_significand_pair():
    a, b = (g.ravel().astype(np.uint64) for g in np.meshgrid(range(128, 256), range(128, 256), indexing="ij"))
    for name in ("bf16", "ax-bf16", "ax-bf16:block=2", "ax-bf16:block=8", "ax-bf16:cell=AMA1", "ax-bf16:cell=AMA3"):
        design = multiplier(name).design
        expected = [significand_product(design, int(x), int(y), 8) for x, y in zip(a, b, strict=True)]
        assert significand_products(design, a, b, 8).tolist() == expected, name


def test_leading_one_of_ax_fpm_is_at_47_or_48():
    rng = np.random.default_rng(7)
    a, b = rng.integers(1 << 23, 1 << 24, (2, 200_000), dtype=np.uint64)
    a[0] = b[0] = 1 << 23
    tops = np.log2(significand_products(multiplier("ax-fpm").design, a, b, 24).astype(float)).astype(int)
    assert set(tops.tolist()) == {47, 48}


def test_outside_designs():
    a, b = np.array([[0x800000, 0xFFFFFF, 0xABCDEF], [0xFFFFFF, 0x800001, 0xC0FFEE]], np.uint64)
    exact = TableBlocks("exact", 3, tuple(x * y for x in range(8) for y in range(8)))
    assert (significand_products(exact, a, b, 24) == a * b).all()
    masks = Masks("as ax-fpm", *ama5_masks(4, 24))
    blocks = CellBlocks(CELLS["AMA5"], 4)
    assert (significand_products(masks, a, b, 24) == significand_products(blocks, a, b, 24)).all()
    renamed = CellBlocks(Cell("wires", "00110011", "00001111"), 4)
    assert closed_form(renamed, 24) == closed_form(blocks, 24)


def test_long_chunks_only_for_bit_sliced_arrays():
    assert chunk_size(CellBlocks(CELLS["AMA1"], 24)) > chunk_size(CellBlocks(CELLS["AMA1"], 8))
    assert chunk_size(CellBlocks(CELLS["AMA5"], 24)) == chunk_size(CellBlocks(CELLS["exact"], 1))
