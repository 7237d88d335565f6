"""Options of the commands that map circuits to a cell library: its name, or its files, and cells that are not used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from axfpm.completion import Name
from axfpm.console import InputPath
from golden.errors import InvalidInput

__all__ = ["library_options", "library_source"]

_OPTIONS = (
    click.option(
        "--library",
        type=Name("synth.libraries:LIBRARIES"),
        help="Cell library: osu018 (180 nm, the default), nangate45, sky130hd, sg13g2 or asap7.",
    ),
    click.option(
        "--liberty",
        type=InputPath(),
        multiple=True,
        help="A Liberty file instead, .gz too; repeated, the parts of one library.",
    ),
    click.option("--dont-use", metavar="PATTERN", multiple=True, help="Cells left out, such as 'XOR*'; repeatable."),
    click.option("--wire-loads", is_flag=True, help="Time with the library's own wire load, instead of no wires."),
)


def library_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options ``library``, ``liberty``, ``dont_use`` and ``wire_loads``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def library_source(library: str | None, liberty: tuple[Path, ...]) -> str | tuple[Path, ...] | None:
    """Return what the options name, for ``synth.liberty.read_liberty``; None where they name nothing.

    Raises
    ------
    InvalidInput
        If both a name and files are given, or the name is unknown.
    """
    from synth.libraries import LIBRARIES

    if library is None:
        return liberty or None
    if liberty:
        raise InvalidInput("--library and --liberty both name a cell library; give one of them")
    return LIBRARIES.look_up(library).name
