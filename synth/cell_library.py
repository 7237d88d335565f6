"""A cell library as the flow uses it: units, corner, which cells are for logic, and the text that tools get.

Tools get a library as it was written, without the cells that must not be mapped (``Library.write``): then no option of
any tool has to be trusted to leave them out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from golden.errors import InvalidInput
from synth.liberty_cells import Cell
from synth.liberty_part import Part, text_of
from synth.liberty_text import Span, cut, skeleton, without_wire_loads
from synth.libraries import DEFAULT_PERIOD_NS, recognise

if TYPE_CHECKING:
    from liberty.types import Group

__all__ = ["Library"]

FANOUT_LOAD = 4
"""Outputs drive this many of the smallest inverter's inputs."""


@dataclass(frozen=True)
class Library:
    """A cell library, of one file or several.

    Parameters
    ----------
    files : tuple of pathlib.Path
        The files, as they were given.
    sha256 : str
        Digest of what is in them, uncompressed, whatever their order.
    name : str
        The library's name.
    parts : tuple of Part
        What each file says, in the order of their names.
    dont_use : tuple of str
        Patterns of cells that are left out, the library's own first.
    wire_loads : bool
        Whether static timing sees the library's own wire loads; without them nets have no capacitance but of pins.
    """

    files: tuple[Path, ...]
    sha256: str
    name: str
    parts: tuple[Part, ...] = field(repr=False)
    dont_use: tuple[str, ...] = ()
    wire_loads: bool = False

    @property
    def time_s(self) -> float:
        """Unit of its times, in seconds."""
        return self.parts[0].time_s

    @property
    def capacitance_f(self) -> float:
        """Unit of its capacitances, in farads."""
        return self.parts[0].capacitance_f

    @property
    def voltage_v(self) -> float:
        """Unit of its voltages, in volts."""
        return self.parts[0].voltage_v

    @property
    def energy_j(self) -> float:
        """Unit of its internal power tables, in joules: Liberty has it as capacitance times voltage squared."""
        return self.capacitance_f * self.voltage_v**2

    @property
    def leakage_w(self) -> float:
        """Unit of its leakage, in watts.

        Raises
        ------
        InvalidInput
            If the library says none.
        """
        if self.parts[0].leakage_w is None:
            raise InvalidInput(f"{self.files[0]} has no leakage_power_unit; write it as 1nW, or give another library")
        return self.parts[0].leakage_w

    @property
    def voltage(self) -> float:
        """Supply voltage of the corner, V."""
        return self.parts[0].voltage

    @property
    def corner(self) -> str:
        """The corner in words."""
        return self.parts[0].corner

    @property
    def period_ns(self) -> float:
        """The clock period where none is asked, ns: that of the named library that this is, else 12."""
        known = recognise(self.name)
        return DEFAULT_PERIOD_NS if known is None else known.period_ns

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell, used or not."""
        return tuple(cell for part in self.parts for cell in part.cells)

    @cached_property
    def usable(self) -> tuple[Cell, ...]:
        """The cells that may be mapped: gates and flip-flops, less those of the ``dont_use`` patterns."""
        return tuple(cell for cell in self.cells if self._may_use(cell))

    def _may_use(self, cell: Cell) -> bool:
        return cell.is_logic and not any(fnmatchcase(cell.name, pattern) for pattern in self.dont_use)

    def _of(self, kind: str) -> tuple[Cell, ...]:
        return tuple(sorted((cell for cell in self.usable if cell.kind == kind), key=_size))

    @property
    def buffers(self) -> tuple[Cell, ...]:
        """Usable buffers, the smallest first."""
        return self._of("buffer")

    @property
    def inverters(self) -> tuple[Cell, ...]:
        """Usable inverters, the smallest first."""
        return self._of("inverter")

    @property
    def flip_flops(self) -> tuple[Cell, ...]:
        """Usable flip-flops, the smallest first."""
        return self._of("flip-flop")

    @property
    def combinational(self) -> int:
        """Number of usable combinational cells."""
        return len(self.usable) - len(self.flip_flops)

    @property
    def driving_cell(self) -> str:
        """The cell that drives every input: the smallest buffer, or inverter where there is no buffer."""
        return (self.buffers or self.inverters)[0].name

    @property
    def load_ff(self) -> float:
        """The load at every output, in fF: four inputs of the smallest inverter (or buffer)."""
        return FANOUT_LOAD * (self.inverters or self.buffers)[0].input_ff

    @property
    def file_names(self) -> tuple[str, ...]:
        """The names under which ``write`` puts the parts into a folder, the first of them ``cells.lib``."""
        return tuple(f"cells{index or ''}.lib" for index in range(len(self.parts)))

    def texts(self, names: Iterable[str] | None = None, *, bare: bool = False) -> tuple[str, ...]:
        """Return the parts as Liberty text, as tools get them: without the cells that are not used.

        Parameters
        ----------
        names : iterable of str, optional
            The cells that stay; the usable ones where None.
        bare : bool
            Functions and registers only, without tables.
        """
        wanted = {cell.name for cell in self.usable} if names is None else set(names)
        return tuple(self._text(part, wanted, bare) for part in self.parts)

    def _text(self, part: Part, wanted: set[str], bare: bool) -> str:
        def unwanted(span: Span) -> bool:
            return span.name not in wanted

        text = cut(text_of(part.path), unwanted, lambda kind, depth: kind == "cell" and depth == 1)
        text = skeleton(text) if bare else text
        return text if self.wire_loads else without_wire_loads(text)

    def write(self, folder: Path, names: Iterable[str] | None = None, *, bare: bool = False) -> None:
        """Write ``texts(names, bare=bare)`` into a folder, as ``file_names``."""
        for name, text in zip(self.file_names, self.texts(names, bare=bare), strict=True):
            (folder / name).write_text(text)

    def groups(self, names: Iterable[str] | None = None, *, without: Sequence[str] = ()) -> dict[str, Group]:
        """Return cells as liberty-parser has them, by name.

        Parameters
        ----------
        names : iterable of str, optional
            Which cells; all that are usable where None, which takes long: a second for 2 MB.
        without : sequence of str
            Kinds of groups that are left out before parsing: ``timing`` is most of a library.

        Raises
        ------
        InvalidInput
            If a name is no cell of the library.
        """
        wanted = tuple(dict.fromkeys(cell.name for cell in self.usable) if names is None else dict.fromkeys(names))
        found: dict[str, Group] = {}
        for part in self.parts:
            here = tuple(cell.name for cell in part.cells if cell.name in set(wanted))
            found |= part.groups(here, tuple(without))
        missing = [name for name in wanted if name not in found]
        if missing:
            raise InvalidInput(f"the library {self.name} has no cell {missing[0]}; give the library it is mapped to")
        return {name: found[name] for name in wanted}

    def headers(self) -> tuple[Group, ...]:
        """Return what each part says outside of its cells (units, templates of tables), parsed."""
        return tuple(part.header() for part in self.parts)

    def header_of(self, cell: str) -> Group:
        """Return the header of the part that a cell is in: templates of one name can differ between parts."""
        return next(part for part in self.parts if any(each.name == cell for each in part.cells)).header()


def _size(cell: Cell) -> tuple[float, float, str]:
    return cell.area, cell.input_ff, cell.name
