"""Tables that outside packages may add to, and names looked up in them: one rule for all."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TypeVar

from golden.errors import InvalidInput

__all__ = ["add_entry", "did_you_mean", "unknown"]

T = TypeVar("T")


def add_entry(table: dict[str, T], kind: str, name: str, entry: T) -> T:
    """Add an entry under a name, and return it; the same entry may come twice.

    Raises
    ------
    InvalidInput
        If another entry has that name.
    """
    if table.get(name, entry) != entry:
        raise InvalidInput(f"another {kind} is already named {name!r}; choose another name")
    table[name] = entry
    return entry


def did_you_mean(name: object, choices: Iterable[str]) -> str:
    """Up to three choices that ``name`` may be a slip of, as a question; all of them where it resembles none."""
    choices, given = list(choices), str(name).lower()
    lower = {choice.lower(): choice for choice in choices}
    near = [lower[match] for match in difflib.get_close_matches(given, lower, n=3, cutoff=0.7)]
    near = near or [choice for choice in choices if len(given) > 2 and choice.lower().startswith(given)][:3]
    return f"did you mean {' or '.join(near)}?" if near else f"choose from {', '.join(choices)}"


def unknown(kind: str, name: object, choices: Iterable[str], *, more: str = "") -> InvalidInput:
    """The error for a name that is not among ``choices``, for the caller to raise: near misses, or all choices.

    Parameters
    ----------
    kind : str
        What is named, in words: ``data set``.
    name : object
        What was given.
    choices : iterable of str
        Names that exist.
    more : str
        How to see them all, in brackets at the end.
    """
    return InvalidInput(f"unknown {kind} {name!r}; {did_you_mean(name, choices)}{f' ({more})' if more else ''}")
