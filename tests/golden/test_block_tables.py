import numpy as np
import pytest

from golden.designs import TableBlocks
from golden.errors import InvalidInput


@pytest.mark.parametrize("shape", ["rows", "tuples", "array", "arrays", "row"])
def test_a_table_in_any_shape(shape):
    rows = [[a * b + (a > b) for b in range(4)] for a in range(4)]
    flat = tuple(entry for row in rows for entry in row)
    given = {
        "rows": rows,
        "tuples": tuple(map(tuple, rows)),
        "array": np.array(rows, np.uint8),
        "arrays": [np.array(row) for row in rows],
        "row": flat,
    }[shape]
    assert TableBlocks("mine", 2, given).table == flat
    assert all(type(entry) is int for entry in TableBlocks("mine", 2, given).table)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([[0] * 4] * 3, "has 3 rows of 4; a block of 2 bits has 4 of 4"),
        ([[0] * 4] * 3 + [[0]], "has 4 rows of unequal lengths; a block of 2 bits has 4 of 4"),
        ([0] * 15, "needs 16 entries from 0 to 15, in 4 rows of 4 or in one row; it has 15"),
        ([[0] * 4] * 3 + [[0, 0, 16, 0]], "needs 16 entries from 0 to 15; for the digits 3 and 2 it has 16"),
        ([0.0] * 16, "for the digits 0 and 0 it has 0.0"),
        (np.zeros((4, 4)), "for the digits 0 and 0 it has 0.0"),
        (7, "is of type int; give 4 rows of 4 products"),
    ],
)
def test_wrong_tables(table, message):
    with pytest.raises(InvalidInput, match=rf"^block table 'mine'.*{message}$"):
        TableBlocks("mine", 2, table)
