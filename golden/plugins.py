"""Entry points of other packages, each loaded alone: what is wrong with one costs nothing but that one."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from golden.errors import AxfpmWarning, InvalidInput, InvalidType

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["load_plugins", "reason", "warn_of"]


def load_plugins(group: str, add: Callable[[str, Any], object]) -> dict[str, str]:
    """Load a group's entry points and hand each to ``add(name, value)``.

    Returns
    -------
    dict of str to str
        By name, what is wrong with it: the first thing that loading or adding raised; empty where nothing did.
    """
    entries, found = _entries(group)
    for entry in entries:
        problem = ""
        try:
            with contextlib.redirect_stdout(sys.stderr):  # standard output is the command's result
                value = entry.load()
            add(entry.name, value)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # code of others may raise or exit as it likes
            problem = reason(error)
        found[entry.name] = found.get(entry.name) or problem
    return found


def _entries(group: str) -> tuple[list[EntryPoint], dict[str, str]]:
    """A group's entry points, and what is wrong with packages whose list of them cannot be read."""
    from importlib import metadata  # takes milliseconds, and most runs need no plug-in

    with contextlib.suppress(Exception):
        return list(metadata.entry_points(group=group)), {}
    # One list is damaged, and spoils the rest: each package alone, the first of a name as Python's own search has it.
    entries: dict[str, list[EntryPoint]] = {}
    broken: dict[str, str] = {}
    for package in metadata.distributions():
        name = "a package"
        try:
            name = package.name
            entries.setdefault(name, list(package.entry_points.select(group=group)))
        except Exception as error:
            broken[name] = f"its entry_points.txt cannot be read: {reason(error)}"
    return [entry for own in entries.values() for entry in own], broken


def reason(error: BaseException) -> str:
    """What code of others raised, on one line."""
    first = str(error).partition("\n")[0] or "no reason given"
    return first if isinstance(error, InvalidInput | InvalidType) else f"{type(error).__name__}: {first}"


def warn_of(found: Mapping[str, str]) -> None:
    """Warn of each plug-in that is left out."""
    for name, problem in found.items():
        if problem:
            message = f"the plug-in {name!r} is left out ({problem}); update or uninstall its package"
            warnings.warn(AxfpmWarning(message), stacklevel=4)
