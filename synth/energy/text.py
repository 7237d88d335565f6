"""Liberty as text, cut into its cells without parsing them."""

from __future__ import annotations

import re

from golden.errors import InvalidInput

__all__ = ["cut"]


def cut(text: str) -> tuple[str, dict[str, str]]:
    """Cut a Liberty text into what stands around its cells, itself a library, and the cells by name.

    Raises
    ------
    InvalidInput
        If a cell's group does not end: the file is cut short.
    """
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    cells: dict[str, str] = {}
    around: list[str] = []
    begin = 0
    while True:
        head = _CELL.search(text, begin)
        if head is None:
            return "".join(around) + text[begin:], cells
        around.append(text[begin : head.start()])
        begin = _end(text, head.end())
        if begin < 0:
            raise InvalidInput(f"the Liberty text ends inside the cell {head[1]}; give a whole file")
        cells[head[1]] = text[head.start() : begin]


_CELL = re.compile(r"\bcell\s*\(\s*\"?([^\s\")]+)\"?\s*\)\s*\{")
_BRACE = re.compile(r"[{}]")


def _end(text: str, place: int) -> int:
    """Return the place after the brace that closes the group whose content begins at ``place``; -1 if none does."""
    depth = 1
    for brace in _BRACE.finditer(text, place):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return brace.end()
    return -1
