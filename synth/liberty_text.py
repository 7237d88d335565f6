"""Liberty as text: its groups found without parsing what is in them, and taken out where a tool must not see them.

A library of 44 MB is nearly all tables of numbers, which a parser in Python reads for minutes. Finding where groups
begin and end takes a third of a second, and what is left without the tables is parsed in another. A file made by
cutting whole groups out of the original says the rest in the foundry's own words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

__all__ = ["Span", "cut", "skeleton", "spans", "without_wire_loads"]

# Braces and semicolons in comments and strings are no structure. A backslash only continues a line in Liberty.
_TOKEN = re.compile(r'"[^"]*"|/\*.*?\*/|//[^\n]*|[{};]', re.DOTALL)
_HEAD = re.compile(r'([A-Za-z_]\w*)\s*\(((?:"[^"]*"|[^(){}"])*)\)\s*$')
_WIRE_LOAD_ATTRIBUTE = re.compile(
    r'^[ \t]*default_wire_load(?:_\w+)?\s*(?::\s*(?:"[^"]*"|[^;"\n]*)|\([^()]*\))\s*;?', re.MULTILINE
)
_STRUCTURE = frozenset(
    {
        *("library", "operating_conditions", "cell", "pin", "bus", "bundle", "ff", "ff_bank", "latch", "latch_bank"),
        *("statetable", "test_cell"),
    }
)


@dataclass(frozen=True)
class Span:
    """A group's place in a text.

    Parameters
    ----------
    kind, name : str
        ``cell`` and ``INVX1`` of ``cell ("INVX1") { ... }``; the name without quotes.
    depth : int
        How many groups stand around it: 0 for the library.
    start, end : int
        From its kind's first letter to behind its closing brace.
    """

    kind: str
    name: str
    depth: int
    start: int
    end: int


def spans(text: str, wanted: Callable[[str, int], bool]) -> Iterator[Span]:
    """Yield the groups that ``wanted(kind, depth)`` accepts, without looking for more inside of them.

    Raises
    ------
    ValueError
        If braces do not pair up: the text is cut short, or is no Liberty.
    """
    depth, last = 0, 0
    inside: tuple[str, str, int, int] | None = None
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign == "{":
            head = _HEAD.search(text, last, token.start()) if inside is None else None
            if head is not None and wanted(head[1], depth):
                inside = head[1], head[2].strip().strip('"'), depth, head.start()
            depth += 1
        elif sign == "}":
            depth -= 1
            if depth < 0:
                raise ValueError("it closes a group that is not open")
            if inside is not None and inside[2] == depth:
                kind, name, at, start = inside
                yield Span(kind, name, at, start, token.end())
                inside = None
        elif sign.startswith('"'):  # part of the head of a group
            continue
        last = token.end()
    if depth:
        raise ValueError("it ends inside a group: part of it is missing")


def cut(text: str, unwanted: Callable[[Span], bool], wanted: Callable[[str, int], bool]) -> str:
    """Return a text without those of its ``wanted`` groups that are ``unwanted``."""
    kept, at = [], 0
    for span in spans(text, wanted):
        if unwanted(span):
            kept.append(text[at : span.start])
            at = span.end
    return "".join([*kept, text[at:]])


def skeleton(text: str) -> str:
    """Return a library with its cells, pins and registers, and without tables, templates and power and timing groups.

    Raises
    ------
    ValueError
        As for ``spans``.
    """
    return cut(text, lambda _: True, lambda kind, _: kind not in _STRUCTURE)


def without_wire_loads(text: str) -> str:
    """Return a library that says nothing of wires: no ``wire_load`` group, no ``default_wire_load`` attribute.

    Static timing otherwise applies the default to every net, and a figure "without wires" would be none.
    """
    bare = cut(text, lambda _: True, lambda kind, _: kind in ("wire_load", "wire_load_selection", "wire_load_table"))
    return _WIRE_LOAD_ATTRIBUTE.sub("", bare)
