"""Reading a cell library: by name, from one Liberty file, or from several that are one library in parts.

Files are plain or gzipped. Not for logic are cells whose description says so (``dont_use``, no area, no function, a
latch, a ``statetable`` as clock gates have it, scan pins, three-state outputs) and those of the library's and the
user's patterns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import takewhile
from pathlib import Path

from golden.errors import InvalidInput
from golden.files import expand
from synth.cell_library import Library
from synth.liberty_part import Part, read_part
from synth.libraries import LIBRARIES, recognise
from synth.tools import default_liberty
from synth.wires import default_wire_load

__all__ = ["Library", "LibrarySource", "read_liberty"]

LibrarySource = str | Path | Sequence[str | Path] | Library | None
"""A library's name, its file or files, a library that was read, or None for the default one."""


def read_liberty(source: LibrarySource = None, *, dont_use: Sequence[str] = (), wire_loads: bool = False) -> Library:
    """Read a cell library.

    What each file says of its cells is kept in the cache under the file's digest.

    Parameters
    ----------
    source : str, path, sequence of them, or Library
        A name in ``synth.libraries.LIBRARIES``, a Liberty file (``.gz`` too), or the files of a library in parts; the
        default library where None. A ``Library`` is returned as it is, with what is asked here added.
    dont_use : sequence of str
        Patterns (``*``, ``?``, ``[...]``) of cells that are not used, beside the library's own.
    wire_loads : bool
        Keep the library's default wire load, for static timing.

    Raises
    ------
    InvalidInput
        If a file cannot be read, is cut short or not Liberty, its parts do not belong together, it has no cells that a
        netlist could be made of, a pattern matches none of them, a name is unknown, or wire loads are asked for and it
        has no default one.
    MissingTool
        If no file is given and none is installed, or the package liberty-parser is missing.
    """
    if isinstance(source, Library):
        library = source
        wire_loads = wire_loads or source.wire_loads
    else:
        library = _read(_files(source))
    for pattern in dont_use:
        if not any(fnmatchcase(cell.name, pattern) for cell in library.cells):
            raise InvalidInput(f"the pattern {pattern!r} matches no cell of {library.name}; give one that does")
    patterns = tuple(dict.fromkeys([*library.dont_use, *dont_use]))
    library = Library(library.files, library.sha256, library.name, library.parts, patterns, wire_loads)
    where = ", ".join(str(file) for file in library.files)
    if not library.combinational:
        raise InvalidInput(
            f"{where} has no usable combinational cells with area and function; give a standard-cell library"
        )
    if not library.buffers and not library.inverters:
        raise InvalidInput(f"{where} has neither buffer nor inverter; give a standard-cell library")
    if wire_loads:
        default_wire_load(library)
    return library


def _files(source: str | Path | Sequence[str | Path] | None) -> tuple[Path, ...]:
    if source is None:
        return (default_liberty(),)
    if isinstance(source, str):
        if source in LIBRARIES:
            return LIBRARIES[source].paths()
        if not expand(source).exists() and "/" not in source and "." not in source:
            LIBRARIES.look_up(source)
    if isinstance(source, str | Path):
        return (expand(source),)
    if not source:
        raise InvalidInput("there is no Liberty file; give at least one")
    return tuple(expand(each) for each in source)


def _read(files: tuple[Path, ...]) -> Library:
    parts = sorted((read_part(path) for path in files), key=lambda part: (part.name, part.sha256))
    _check_parts(parts)
    if len(parts) == 1:
        name, digest = parts[0].name, parts[0].sha256
    else:
        names = [part.name for part in parts]
        shared = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
        name = "".join(letters[0] for letters in shared).rstrip("_-") or "+".join(names)
        digest = hashlib.sha256(" ".join(part.sha256 for part in parts).encode()).hexdigest()
    known = recognise(name)
    return Library(files, digest, name, tuple(parts), () if known is None else known.dont_use)


def _check_parts(parts: Sequence[Part]) -> None:
    """Refuse files that are not parts of one library: of different units or corners, or with a cell twice."""
    first, *others = parts
    owner: dict[str, Part] = {}
    for other in others:
        for what in ("time_unit", "capacitance_unit", "voltage_unit", "power_unit", "corner_values"):
            mine, theirs = getattr(first, what), getattr(other, what)
            if mine != theirs:
                said = "corner" if what == "corner_values" else what.replace("_", " ")
                raise InvalidInput(
                    f"{first.path} and {other.path} are not parts of one library: {said} {mine or 'none'} and "
                    f"{theirs or 'none'}; give files of one corner"
                )
    for part in parts:
        for cell in part.cells:
            if owner.setdefault(cell.name, part) is not part:
                raise InvalidInput(
                    f"the cell {cell.name} is in {owner[cell.name].path} and in {part.path}; give each part once"
                )
