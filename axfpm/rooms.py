"""Whether ``golden``, ``hdl``, ``sim`` and ``synth`` are this package's own, found out without importing them.

Folders are import names, and a user may well start Python where a folder ``sim`` of theirs stands.
"""

import os
import sys
from typing import Any

__all__ = ["HOME", "ROOMS", "place_of", "shadowing"]

ROOMS = ("golden", "hdl", "sim", "synth")
HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib takes milliseconds


def _spec(room: str) -> Any:
    loaded = sys.modules.get(room)
    if loaded is not None:
        return getattr(loaded, "__spec__", None)
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec = find(room, None) if find is not None else None
        if spec is not None:
            return spec
    return None


def place_of(room: str) -> str | None:
    """The file or folder that an import of a room finds; None where it finds nothing."""
    spec = _spec(room)
    if spec is None:
        return None
    folders = list(spec.submodule_search_locations or ())
    return folders[0] if folders else spec.origin


def shadowing() -> str:
    """One sentence on the first room that another file or folder hides; empty where none is hidden."""
    for room in ROOMS:
        own, found = os.path.join(HOME, room), place_of(room)  # noqa: PTH118 - as above
        if found is None or found == own or os.path.realpath(found) == os.path.realpath(own):
            continue
        return (
            f"`import {room}` finds {found} instead of {own}, which axfpm needs; start Python in another folder, "
            "rename what was found, or take its folder off PYTHONPATH"
        )
    return ""
