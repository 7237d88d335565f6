"""Entry points of other packages, each loaded alone: what is wrong with one costs nothing but that one."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

from golden.errors import AxfpmWarning, InvalidInput, InvalidType

__all__ = ["load_plugins", "warn_of"]


def load_plugins(group: str, add: Callable[[str, Any], object]) -> dict[str, str]:
    """Load a group's entry points and hand each to ``add(name, value)``.

    Returns
    -------
    dict of str to str
        By name, what is wrong with it: the first thing that loading or adding raised; empty where nothing did.
    """
    from importlib.metadata import entry_points  # takes milliseconds, and most runs need no plug-in

    found: dict[str, str] = {}
    for entry in entry_points(group=group):
        problem = ""
        try:
            add(entry.name, entry.load())
        except (Exception, SystemExit) as error:
            reason = str(error).partition("\n")[0] or "no reason given"
            problem = reason if isinstance(error, InvalidInput | InvalidType) else f"{type(error).__name__}: {reason}"
        found[entry.name] = found.get(entry.name) or problem
    return found


def warn_of(found: Mapping[str, str]) -> None:
    """Warn of each plug-in that is left out."""
    for name, problem in found.items():
        if problem:
            message = f"the plug-in {name!r} is left out ({problem}); update or uninstall its package"
            warnings.warn(AxfpmWarning(message), stacklevel=4)
