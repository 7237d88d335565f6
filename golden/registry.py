"""Tables that outside packages may add to: one rule for all of them."""

from __future__ import annotations

from typing import TypeVar

from golden.errors import InvalidInput

__all__ = ["add_entry"]

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
