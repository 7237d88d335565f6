"""The layout of block tables: 2^n rows (activation digit) of 2^n products (weight digit), or all of them in one row."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from golden.errors import InvalidInput

__all__ = ["TABLE_WANTED", "flat_table"]

TABLE_WANTED = "2^n rows (digit of the activation) of 2^n products each (digit of the weight), n from 1 to 8"
"""The natural shape of a block table, for messages."""


def flat_table(what: str, block: int, table: Any) -> tuple[int, ...]:
    """Return the entries of a block table in either shape, as one tuple.

    Parameters
    ----------
    what : str
        What the table is called in messages.
    block, table
        As ``golden.designs.TableBlocks`` takes them.

    Raises
    ------
    InvalidInput
        If it has another shape, or a product is out of range or not whole.
    """
    side = 1 << block
    rows = table.tolist() if hasattr(table, "tolist") else table
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        raise InvalidInput(f"{what} is of type {type(table).__name__}; give {side} rows of {side} products")
    rows = [row.tolist() if hasattr(row, "tolist") else row for row in rows]
    if rows and isinstance(rows[0], Sequence):
        widths = {len(row) if isinstance(row, Sequence) else 0 for row in rows}
        if len(rows) != side or widths != {side}:
            shown = "unequal lengths" if len(widths) > 1 else str(*widths)
            raise InvalidInput(f"{what} has {len(rows)} rows of {shown}; a block of {block} bits has {side} of {side}")
        rows = [entry for row in rows for entry in row]
    limit = side * side
    if len(rows) != limit:
        raise InvalidInput(
            f"{what} needs {limit} entries from 0 to {limit - 1}, in {side} rows of {side} or in one row; "
            f"it has {len(rows)}"
        )
    entries = [int(entry) if isinstance(entry, Integral) and not isinstance(entry, bool) else -1 for entry in rows]
    for index, entry in enumerate(entries):
        if not 0 <= entry < limit:
            raise InvalidInput(
                f"{what} needs {limit} entries from 0 to {limit - 1}; for the digits {index >> block} and "
                f"{index & (side - 1)} it has {rows[index]!r}"
            )
    return tuple(entries)
