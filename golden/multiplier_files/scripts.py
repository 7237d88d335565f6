"""Variables of Python files as multipliers. A file is run, once for each content, with its own folder last on the path.

What is a function of such a file cannot be pickled by name, as no other process can import it: its design is pickled as
path, variable and digest, and read again there.
"""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from golden.catalogue import Multiplier
from golden.cells import Cell
from golden.designs import MITCHELL, CellBlocks, Design, Function, Masks, TableBlocks
from golden.errors import InvalidInput
from golden.multiplier_files.names import FileName
from golden.multiplier_files.tables import blocks
from golden.plugins import reason
from golden.registry import did_you_mean

__all__ = ["function_again", "read"]

_DESIGNS = (CellBlocks, TableBlocks, Masks, Function)
_USABLE = "a Multiplier, a Design, a Cell, rows of a block table or a mask triple"

_modules: dict[tuple[Path, str], ModuleType] = {}


def read(name: FileName, content: bytes) -> Multiplier | Design:
    """Run a Python file, and return one of its variables as a multiplier or design.

    Raises
    ------
    InvalidInput
        If no variable is named or there is none of that name, it is nothing that multiplies, or the file raises.
    """
    from golden.multiplier_files.reading import digest

    now = digest(content)
    variables = vars(_run(name.path, name.place, content, now))
    if not name.member:
        raise InvalidInput(
            f"{name.path} may hold several multipliers; name a variable of it: {name.path}:{_first(variables)}"
        )
    if name.member not in variables:
        choices = _choices(variables)
        more = f"; {did_you_mean(name.member, choices)}" if choices else f"; give it one: {_USABLE}"
        raise InvalidInput(f"{name.path} has no variable {name.member!r}{more}")
    found = _design(name, variables[name.member])
    source = (str(name.place), name.member, now)
    if isinstance(found, Multiplier):
        return replace(found, design=_with_source(found.design, source))
    return _with_source(found, source)


def function_again(path: str, member: str, digest: str) -> Function:
    """Return the function design of a file that another process has read.

    Raises
    ------
    InvalidInput
        If the file is not there any more, or has changed.
    """
    place = Path(path)
    name = FileName(path, member, "")
    module = _modules.get((place, digest))
    if module is None:
        from golden.multiplier_files.reading import content_of, digest as digest_of

        content = content_of(name)
        if digest_of(content) != digest:
            raise InvalidInput(f"{path} has changed since {name.name} was read; start again")
        module = _run(path, place, content, digest)
    found = _design(name, vars(module)[member])
    design = found.design if isinstance(found, Multiplier) else found
    assert isinstance(design, Function)
    return replace(design, source=(path, member, digest))


def _with_source(design: Design, source: tuple[str, str, str]) -> Design:
    own = isinstance(design, Function) and design.circuit is None and design != MITCHELL
    return replace(design, source=source) if own else design


def _choices(variables: dict[str, Any]) -> list[str]:
    return [key for key, value in variables.items() if isinstance(value, (Multiplier, Cell, *_DESIGNS))]


def _first(variables: dict[str, Any]) -> str:
    return next(iter(_choices(variables)), "spec")


def _run(shown: str, place: Path, content: bytes, digest: str) -> ModuleType:
    key = (place, digest)
    if key in _modules:
        return _modules[key]
    # Dataclasses and the like look their module up by name while it runs.
    module = ModuleType(f"axfpm_file_{digest[:16]}")
    module.__file__ = str(place)
    sys.modules[module.__name__] = module
    folder = str(place.parent)
    sys.path.append(folder)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # standard output is the command's result
            exec(compile(content, str(place), "exec"), module.__dict__)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # code of others may raise or exit as it likes
        del sys.modules[module.__name__]
        raise InvalidInput(
            f"{shown} cannot be run ({reason(error)}); mend it, and try it with: python {shown}"
        ) from None
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)
    _modules[key] = module
    return module


def _design(name: FileName, value: Any) -> Multiplier | Design:
    """What a variable means."""
    if isinstance(value, (Multiplier, *_DESIGNS)):
        return value
    if isinstance(value, Cell):
        return CellBlocks(value, 4)
    if _is_triple(value):
        return Masks(name.member, *map(int, value))
    if isinstance(value, list | tuple) or hasattr(value, "tolist"):
        return blocks(name.name, f"the table {name.member}", value)
    if callable(value):
        raise InvalidInput(
            f"{name.name} is a function; give axfpm.table_of({name.member}, block=8) for one on digits, or "
            f"axfpm.Function({name.member!r}, {name.member}) for one on significands"
        )
    raise InvalidInput(f"{name.name} is of type {type(value).__name__}; give {_USABLE}")


def _is_triple(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 3 and all(isinstance(v, int) for v in value)
