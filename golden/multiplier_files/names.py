"""Names of multipliers in files: ``PATH[:MEMBER][:key=value,...]``.

``my.py:spec:carry=widen`` is the variable ``spec`` of a Python file, dialled. The path ends in a suffix by which the
file is read, so that no catalogue name can be meant.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from golden.errors import InvalidInput
from golden.files import expand

__all__ = ["FileName", "file_part", "is_file", "split"]

_FILE = re.compile(r"(.+?\.(?:py|v|sv|csv|npy|json))(?=$|[:+])", re.IGNORECASE | re.DOTALL)
_UNCLEAR = ",+="
"""Characters that stand between names, modifiers and settings elsewhere."""


@dataclass(frozen=True)
class FileName:
    """A name taken apart.

    Parameters
    ----------
    path : str
        As it was given, without detours.
    member : str
        The variable or module; empty where none is named.
    settings : str
        The dial; empty where nothing is dialled.
    """

    path: str
    member: str
    settings: str

    @property
    def name(self) -> str:
        """The name without the dial."""
        return f"{self.path}:{self.member}" if self.member else self.path

    @property
    def place(self) -> Path:
        """Where the file is."""
        return expand(self.path)

    @property
    def suffix(self) -> str:
        """How the path ends, in lower case: ``.py``."""
        return Path(self.path).suffix.lower()


def file_part(name: str) -> str | None:
    """The path at the start of a name; None where it names no file."""
    found = _FILE.match(name)
    return found[1] if found else None


def is_file(name: str) -> bool:
    """Whether a name as a whole is a path."""
    return file_part(name) == name


def split(name: str) -> FileName:
    """Take a name of a file apart.

    Raises
    ------
    InvalidInput
        If it cannot be read, or the path has characters that stand for something else in lists of names.
    """
    path = file_part(name)
    assert path is not None, name
    rest = name[len(path) :]
    member, colon, settings = rest.removeprefix(":").partition(":")
    if "=" in member and not colon:
        member, settings = "", member
    named = not member or re.fullmatch(r"[A-Za-z_][\w$]*", member)
    if (rest and not rest.strip(":+")) or rest.endswith(":") or rest.startswith(("::", "+")) or not named:
        raise InvalidInput(f"cannot read {name!r}; write FILE:NAME:key=value, as in my.py:spec:carry=widen")
    if not path.isprintable() or any(c in path for c in _UNCLEAR):
        raise InvalidInput(
            f"the path {path!r} has a comma, '+', '=' or an unprintable character, which means something else in lists "
            "of names; rename it"
        )
    return FileName(os.path.normpath(path).replace(os.sep, "/"), member, settings)
