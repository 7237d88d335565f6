"""The wire load of a library: what capacitance it guesses for the wire of a net that is not laid out.

A ``wire_load`` group says how long the wires of a net of so many loads are together (``fanout_length``), and what each
unit of length adds to the net. Between two fanouts of its table the length is on the straight line through both; beyond
the last one it grows by ``slope`` for each load more, and so it shrinks below the first, to 0 at the least. A net
without any load has no wire. So has OpenSTA it, ``default_wire_load`` of the first part being the default of all.

The resistance of wires has no place here: it delays a change by 3 ps at the most (sky130; 0.3 ps in SG13G2, 0.02 ps in
Nangate45, for an inverter that drives six).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from golden.errors import InvalidInput
from synth.liberty_cells import name_of, number, word

if TYPE_CHECKING:
    from synth.cell_library import Library

__all__ = ["NO_WIRES", "WireLoad", "default_wire_load", "layout"]

NO_WIRES = "pre-layout, no wires"


@dataclass(frozen=True)
class WireLoad:
    """A ``wire_load`` group.

    Parameters
    ----------
    name : str
        Its name.
    ff : float
        Capacitance of a unit of length, fF.
    slope : float
        Length for each load beyond the table.
    fanouts, lengths : tuple of float
        The table, fanouts ascending.
    """

    name: str
    ff: float
    slope: float
    fanouts: tuple[float, ...]
    lengths: tuple[float, ...]

    def capacitance_ff(self, fanout: np.ndarray) -> np.ndarray:
        """Return the capacitance of the wires of nets by their number of loads, fF: float64, of the same shape."""
        inside = np.interp(fanout, self.fanouts, self.lengths)
        beyond = np.maximum(fanout - self.fanouts[-1], 0) - np.maximum(self.fanouts[0] - fanout, 0)
        lengths = np.maximum(inside + self.slope * beyond, 0)
        return np.where(np.asarray(fanout) > 0, lengths * self.ff, 0.0)


def default_wire_load(library: Library) -> WireLoad:
    """Return the wire load that a library names as its default.

    Raises
    ------
    InvalidInput
        If it names none, or one that it does not describe.
    """
    header = library.parts[0].header()
    name = word(header, "default_wire_load")
    if not name:
        raise InvalidInput(
            f"the library {library.name} has no default wire load; leave out wire loads, or give a library that has one"
        )
    group = next((each for each in header.get_groups("wire_load") if name_of(each) == name), None)
    table = [] if group is None else sorted((float(n), float(at)) for n, at in group.get_attributes("fanout_length"))
    if group is None or not table:
        raise InvalidInput(f"the library {library.name} does not describe its default wire load {name!r}; mend it")
    fanouts, lengths = zip(*table, strict=True)
    unit = library.capacitance_f * 1e15
    return WireLoad(name, number(group, "capacitance", 0.0) * unit, number(group, "slope", 0.0), fanouts, lengths)


def layout(library: Library) -> str:
    """What is known of the layout, in words: nothing, but what a wire load guesses where it is asked for."""
    if not library.wire_loads:
        return NO_WIRES
    return f"pre-layout, wires by the library's default wire load {default_wire_load(library).name}"
