"""The energy sum: switching, internal and leakage energy of a recording, by clock cycle and by cell.

*Switching.* A net of capacitance C that is charged from a supply V takes C V^2, of which half is stored; discharging it
turns that half into heat. Counted evenly, every change costs C V^2 / 2, with C the sum of the capacitances of the pins
on the net for that direction, the output load included. That is Liberty's division of labour too: its tables hold what
a cell takes from the supply beyond C V^2 / 2 of its load. Nets that cells drive and nets that the design's inputs drive
are counted apart: the energy of the latter, the clock's pins among them, is spent by whoever drives the inputs.

*Wires* add to C where a wire load is asked for, by the number of loads that a net leads to: input pins, and outputs of
the design, which are one each, as in OpenSTA's delays.

*Internal* and *leakage* are explained in ``kinds``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synth.energy.kinds import Conditions, Kind
from synth.energy.netlist import Netlist
from synth.energy.toggles import Toggles

__all__ = ["Charges", "charge", "net_loads"]


@dataclass(frozen=True)
class Charges:
    """Energies of a recording, pJ.

    Parameters
    ----------
    switching, internal, inputs : numpy.ndarray
        float64, (cycles,): in the loads that cells drive, inside them, and in the loads at the design's inputs.
    leakage : float
        Per cycle.
    cell_switching, cell_internal, cell_leakage : numpy.ndarray
        float64, (instances,): the same by cell, over the whole recording.
    cell_changes : numpy.ndarray
        int64, (instances,): changes of the outputs of each cell.
    unmatched : int
        Changes of outputs for which no condition of a group held, charged by a mean.
    """

    switching: np.ndarray
    internal: np.ndarray
    inputs: np.ndarray
    leakage: float
    cell_switching: np.ndarray
    cell_internal: np.ndarray
    cell_leakage: np.ndarray
    cell_changes: np.ndarray
    unmatched: int


def net_loads(netlist: Netlist, conditions: Conditions) -> np.ndarray:
    """Return the capacitance on each net for its fall and its rise, fF: float64, (nets, 2)."""
    loads, fanout = np.zeros((netlist.nets, 2)), np.zeros(netlist.nets, np.int64)
    for each in netlist.instances:
        pins = conditions.cells[each.cell].pins
        for name, net in each.nets.items():
            loads[net] += pins[name].fall_ff, pins[name].rise_ff
            fanout[net] += not pins[name].output
    for nets in netlist.outputs.values():
        for net in nets:
            loads[net] += conditions.load_ff
            fanout[net] += 1
    if conditions.wires is not None:
        loads += conditions.wires.capacitance_ff(fanout)[:, None]
    return loads


def charge(toggles: Toggles, netlist: Netlist, conditions: Conditions, *, period: int) -> Charges:
    """Charge every change of a recording.

    Parameters
    ----------
    toggles : Toggles
        The recording.
    netlist : Netlist
        What was recorded.
    conditions : Conditions
        Cells, supply, load, slews, delays.
    period : int
        The cycle, fs: a divisor of the recording's length.
    """
    cycles, cells = (toggles.end - toggles.begin) // period, len(netlist.instances)
    loads = net_loads(netlist, conditions)
    pj = (0.5 * loads * conditions.volt**2 * 1e-3)[toggles.net, toggles.rising.astype(np.int64)]  # fF V^2 = 1e-3 pJ
    cycle = (toggles.time - toggles.begin) // period
    driver = _drivers(netlist, conditions)[toggles.net]
    driven = driver >= 0
    internal, cell_internal, cell_leakage = np.zeros(cycles), np.zeros(cells), np.zeros(cells)
    unmatched = 0
    for name in sorted(netlist.used):
        kind = Kind(conditions.cells[name], netlist, toggles, conditions, loads)
        for pin in kind.cell.pins.values():
            if pin.internal:
                charged = kind.output(pin) if pin.output else kind.input(pin)
                internal += np.bincount((charged.time - toggles.begin) // period, charged.pj, cycles)
                cell_internal += np.bincount(charged.who, charged.pj, cells)
                unmatched += charged.unmatched
        cell_leakage[kind.places] = kind.leakage()
    return Charges(
        switching=np.bincount(cycle[driven], pj[driven], cycles),
        internal=internal,
        inputs=np.bincount(cycle[~driven], pj[~driven], cycles),
        leakage=float(cell_leakage.sum()) / max(cycles, 1),
        cell_switching=np.bincount(driver[driven], pj[driven], cells),
        cell_internal=cell_internal,
        cell_leakage=cell_leakage,
        cell_changes=np.bincount(driver[driven], minlength=cells),
        unmatched=unmatched,
    )


def _drivers(netlist: Netlist, conditions: Conditions) -> np.ndarray:
    """The instance that drives each net, int64, (nets,); -1 where none does."""
    drivers = np.full(netlist.nets, -1)
    for k, each in enumerate(netlist.instances):
        for name, net in each.nets.items():
            if conditions.cells[each.cell].pins[name].output:
                drivers[net] = k
    return drivers
