"""Block tables from files: CSV, ``.npy`` and JSON, 2^n rows (activation digit) of 2^n products (weight digit)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from golden.block_tables import TABLE_WANTED, flat_table
from golden.designs import TableBlocks
from golden.errors import InvalidInput
from golden.multiplier_files.names import FileName

__all__ = ["blocks", "read_csv", "read_json", "read_npy"]


def blocks(what: str, label: str, rows: Any) -> TableBlocks:
    """Return the blocks of a table in its natural shape, whose digit width follows from it.

    Parameters
    ----------
    what : str
        What the table is called in messages: a path, or a variable of a file.
    label : str
        What the design is called, after ``N x N blocks of``.
    rows : array_like
        2^n rows of 2^n products.

    Raises
    ------
    InvalidInput
        If it has another shape, or a product is out of range or not whole.
    """
    rows = rows.tolist() if hasattr(rows, "tolist") else rows
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not rows:
        raise InvalidInput(f"{what} holds no table; give {TABLE_WANTED}")
    rows = [row.tolist() if hasattr(row, "tolist") else row for row in rows]
    if not any(isinstance(row, list | tuple) for row in rows):
        raise InvalidInput(f"{what} holds {len(rows)} entries in one row; give {TABLE_WANTED}")
    widths = {len(row) if isinstance(row, list | tuple) else 0 for row in rows}
    side = len(rows)
    if widths != {side} or side < 2 or side & (side - 1) or side > 256:
        shown = f"{widths.pop()}" if len(widths) == 1 else "unequal lengths"
        raise InvalidInput(f"{what} has {side} row{'s' if side > 1 else ''} of {shown}; give {TABLE_WANTED}")
    block = side.bit_length() - 1
    return TableBlocks(f"{block} x {block} blocks of {label}", block, flat_table(what, block, rows))


def _no_member(name: FileName) -> None:
    if name.member:
        raise InvalidInput(f"{name.path} holds one table and no {name.member!r}; write {name.path}")


def _text(name: FileName, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(f"{name.path} is not text; give {TABLE_WANTED}, as text") from None


def read_csv(name: FileName, content: bytes) -> TableBlocks:
    """Read whole numbers, decimal or ``0x``, with commas between them; lines that begin with ``#`` are notes.

    Raises
    ------
    InvalidInput
        If it is no such table.
    """
    _no_member(name)
    lines = [line for line in io.StringIO(_text(name, content)) if line.strip() and not line.lstrip().startswith("#")]
    rows = [[_whole(cell.strip()) for cell in row] for row in csv.reader(lines)]
    if len(rows) == 1 or all(len(row) == 1 for row in rows):
        rows = [cell for row in rows for cell in row]
    return blocks(name.path, f"the table {name.place.name}", rows)


def _whole(text: str) -> int | str:
    try:
        return int(text, 0)
    except ValueError:
        return text


def read_npy(name: FileName, content: bytes) -> TableBlocks:
    """Read an array of integers; pickled objects are refused.

    Raises
    ------
    InvalidInput
        If it is no such table.
    """
    import numpy as np

    _no_member(name)
    try:
        table = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError):
        raise InvalidInput(f"{name.path} is no array that numpy.save wrote; give {TABLE_WANTED}") from None
    if not isinstance(table, np.ndarray) or table.dtype.kind not in "iu":
        raise InvalidInput(f"{name.path} holds {getattr(table, 'dtype', 'several arrays')}; save an array of integers")
    return blocks(name.path, f"the table {name.place.name}", table)


def read_json(name: FileName, content: bytes) -> TableBlocks:
    """Read nested rows of whole numbers.

    Raises
    ------
    InvalidInput
        If it is no such table.
    """
    _no_member(name)
    text = _text(name, content)
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else error
        raise InvalidInput(f"{name.path} is no JSON ({why}); give {TABLE_WANTED}") from None
    return blocks(name.path, f"the table {name.place.name}", rows)
