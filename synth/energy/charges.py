"""The energy of every change of a net, from Liberty tables: switching, internal, and what leaks meanwhile.

*Switching.* A net of capacitance C that is charged from a supply V takes C V^2, of which half is stored; discharging it
turns that half into heat. Counted evenly, every change costs C V^2 / 2, with C the sum of the capacitances of the pins
on the net for that direction, the output load included. That is Liberty's division of labour too: its tables hold what
a cell takes from the supply beyond C V^2 / 2 of its load.

*Internal.* An output's ``internal_power`` group holds the energy of one rise and of one fall of that output, caused by a
change of its ``related_pin``, at that pin's slew and the output's load. So every change of an output is charged once, in
its own direction, to the input that caused it: that whose last change plus its delay comes nearest below the output's
change (their sum equals it, unless a pulse was swallowed). Inputs that did so at once share the charge evenly. Of the
groups of that input, those whose ``when`` holds at the cause count, else those without ``when``; where several hold, their
mean, and where none does the mean of all. An input pin's own group (no ``related_pin``) holds what its change costs
inside the cell whatever the outputs do, and is charged at every change of the pin while ``when`` holds.

*Supplies.* Where groups name a ``related_pg_pin``, each holds the energy at that supply pin, and the energies of all
supply pins are summed: Liberty says that a cell's power is the sum over its power and ground pins. That ASAP7 means it
so can be seen in its numbers. While A of a NAND toggles and B holds the output, the charge that enters through A's
capacitance leaves through the two supply pins, so their charges together are C_A V. Its tables hold 0.029 + 0.064 fJ
there (rise at A), and C_A V^2 / 2 is 0.095 to 0.121 fJ: a supply pin's energy is V / 2 times its charge, and VDD and VSS
each hold a half. Their mean would be half of the energy, as would be VDD alone.

*Leakage.* Of the ``leakage_power`` groups of each supply, those whose ``when`` holds, weighted by time, else that without
``when``; ``cell_leakage_power`` where there are none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from synth.energy import boolean
from synth.energy.cells import Cell, Internal, Pin
from synth.energy.netlist import Netlist
from synth.energy.tables import look_up
from synth.energy.toggles import Toggles

__all__ = ["Charges", "Conditions", "charge", "net_loads"]


@dataclass(frozen=True)
class Conditions:
    """What energies depend on beside the changes themselves.

    Parameters
    ----------
    cells : mapping of str to Cell
        The cells of the netlist.
    volt : float
        The supply, V.
    load_ff : float
        What hangs on each output bit, fF.
    slews : mapping of (str, str) to (float, float)
        By instance and pin: slews of its rise and fall, ns.
    delays : mapping of (str, str, str) to (int, int)
        By instance, input and output: delays to the output's rise and fall, fs; none where there are none.
    """

    cells: Mapping[str, Cell]
    volt: float
    load_ff: float
    slews: Mapping[tuple[str, str], tuple[float, float]]
    delays: Mapping[tuple[str, str, str], tuple[int, int]]


@dataclass(frozen=True)
class Charges:
    """Energies (pJ), by cycle and by cell.

    Parameters
    ----------
    switching, internal, inputs : numpy.ndarray
        float64, (cycles,): in the loads that cells drive, inside them, and in the loads at the netlist's inputs.
    leakage : float
        Per cycle.
    cell_switching, cell_internal, cell_leakage : numpy.ndarray
        float64, (instances,): the same by cell, over the whole recording.
    unmatched : int
        Output changes for which no group's condition held.
    """

    switching: np.ndarray
    internal: np.ndarray
    inputs: np.ndarray
    leakage: float
    cell_switching: np.ndarray
    cell_internal: np.ndarray
    cell_leakage: np.ndarray
    unmatched: int


def net_loads(netlist: Netlist, conditions: Conditions) -> np.ndarray:
    """Return the capacitance on each net for its fall and its rise, fF: float64, (nets, 2)."""
    loads = np.zeros((netlist.nets, 2))
    for each in netlist.instances:
        pins = conditions.cells[each.cell].pins
        for name, net in each.nets.items():
            loads[net] += pins[name].fall_ff, pins[name].rise_ff
    for nets in netlist.outputs.values():
        for net in nets:
            loads[net] += conditions.load_ff
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

    Returns
    -------
    Charges
    """
    cycles = (toggles.end - toggles.begin) // period
    loads = net_loads(netlist, conditions)
    joules = 0.5 * loads * conditions.volt**2 * 1e-3  # fF V^2 = fJ
    each = joules[toggles.net, toggles.rising.astype(np.int64)]
    cycle = (toggles.time - toggles.begin) // period
    driver = np.full(netlist.nets, -1)
    for k, instance in enumerate(netlist.instances):
        pins = conditions.cells[instance.cell].pins
        for name, net in instance.nets.items():
            if pins[name].output:
                driver[net] = k
    driven = driver[toggles.net] >= 0
    by_cell = np.bincount(driver[toggles.net[driven]], each[driven], len(netlist.instances))
    internal, cell_internal = np.zeros(cycles), np.zeros(len(netlist.instances))
    cell_leakage = np.zeros(len(netlist.instances))
    unmatched = 0
    for name in sorted(netlist.used):
        group = _Kind(conditions.cells[name], netlist, toggles, conditions, loads)
        for pin in group.cell.pins.values():
            if pin.name not in group.nets or not pin.internal:
                continue
            who, when, energy, missed = group.output(pin) if pin.output else group.input(pin)
            internal += np.bincount((when - toggles.begin) // period, energy, cycles)
            cell_internal += np.bincount(group.places[who], energy, cell_internal.size)
            unmatched += missed
        cell_leakage[group.places] = group.leakage()
    return Charges(
        switching=np.bincount(cycle[driven], each[driven], cycles),
        internal=internal,
        inputs=np.bincount(cycle[~driven], each[~driven], cycles),
        leakage=float(cell_leakage.sum()) / max(cycles, 1),
        cell_switching=by_cell,
        cell_internal=cell_internal,
        cell_leakage=cell_leakage,
        unmatched=unmatched,
    )


class _Kind:
    """All instances of one cell, their changes charged together."""

    def __init__(
        self, cell: Cell, netlist: Netlist, toggles: Toggles, conditions: Conditions, loads: np.ndarray
    ) -> None:
        chosen = [(k, each) for k, each in enumerate(netlist.instances) if each.cell == cell.name]
        self.cell, self.toggles, self.conditions = cell, toggles, conditions
        self.places = np.array([k for k, _ in chosen])
        self.nets: dict[str, np.ndarray] = {}
        """Net of each instance by pin; an output that is not connected in every instance has net 0 there."""
        for name in cell.pins:
            nets = np.array([each.nets.get(name, 0) for _, each in chosen])
            if nets.any() or any(name in each.nets for _, each in chosen):
                self.nets[name] = nets
        self.loads = loads

    def changes(self, pin: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return whose pin changes, when (fs), and whether it rises."""
        nets = self.nets[pin]
        first, count = self.toggles.first[nets], np.diff(self.toggles.first)[nets]
        who = np.repeat(np.arange(nets.size), count)
        place = np.arange(who.size) - np.repeat(np.cumsum(count) - count, count)
        rising = self.toggles.start[nets][who] ^ (place % 2 == 0)
        return who, self.toggles.time[first[who] + place], rising

    def slews(self, pin: str) -> np.ndarray:
        """Slews of a pin's fall and rise in each instance, ns: (2, instances)."""
        found = [self.conditions.slews[f"c{k}", pin] for k in self.places]
        return np.array(found).reshape(-1, 2).T[::-1]

    def delays(self, source: str, target: str) -> np.ndarray:
        """Delays from an input to an output's fall and rise, fs: (2, instances)."""
        found = [self.conditions.delays.get((f"c{k}", source, target), (0, 0)) for k in self.places]
        return np.array(found, np.int64).reshape(-1, 2).T[::-1]

    def holds(self, when: str, who: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Whether a condition holds: inputs after changes at that time, outputs before them."""
        register = self.cell.register

        def state(name: str) -> np.ndarray:
            pin = self.cell.pins.get(name)
            if pin is None and register is not None and name in (register.state, register.inverse):
                outputs = {p.function: p.name for p in self.cell.pins.values() if p.output and p.name in self.nets}
                if name in outputs:
                    return state(outputs[name])
                other = register.inverse if name == register.state else register.state
                return ~state(outputs[other])
            if name not in self.nets:
                return self._unconnected(name, who, time, state)
            return self.toggles.state(self.nets[name][who], time, before=pin is not None and pin.output)

        return np.broadcast_to(boolean.evaluate(when, state), who.shape) if when else np.ones(who.shape, bool)

    def _unconnected(self, name: str, who: np.ndarray, time: np.ndarray, state) -> np.ndarray:
        """The value of an output that no net is connected to: its function of the other pins."""
        pin = self.cell.pins.get(name)
        if pin is None or not pin.output:
            return np.zeros(who.shape, bool)
        return np.broadcast_to(boolean.evaluate(pin.function, state), who.shape)

    def input(self, pin: Pin) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        """Charge an input pin's changes: whose, when, energy (pJ)."""
        who, time, rising = self.changes(pin.name)
        slews = self.slews(pin.name)
        energies = [
            (entry, np.stack([_energies(entry, rise, slews[int(rise)], np.zeros(self.places.size)) for rise in (0, 1)]))
            for entry in pin.internal
        ]
        energy = np.zeros(who.size)
        for supply in dict.fromkeys(entry.supply for entry in pin.internal):
            mine = [(entry, value) for entry, value in energies if entry.supply == supply]
            values = np.array([value[rising.astype(np.int64), who] for _, value in mine])
            holds = np.array([self.holds(entry.when, who, time) for entry, _ in mine])
            energy += _mean(values, _preferred([entry for entry, _ in mine], holds))[0]
        return who, time, energy, 0

    def output(self, pin: Pin) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        """Charge an output pin's changes: whose, when, energy (pJ), and for how many no condition held."""
        who, time, rising = self.changes(pin.name)
        up = rising.astype(np.int64)
        sources = [name for name in dict.fromkeys(n for e in pin.internal for n in e.related) if name in self.nets]
        load = self.loads[self.nets[pin.name]].T
        # When each input last changed early enough to be the cause, and when the output would follow that.
        delays = {name: self.delays(name, pin.name)[up, who] for name in sources}
        caused = {name: self.toggles.last(self.nets[name][who], time - delays[name]) for name in sources}
        follows = {name: caused[name] + delays[name] for name in sources}
        latest = np.max(list(follows.values()), axis=0) if sources else time
        entries: list[tuple[Internal, np.ndarray, np.ndarray, np.ndarray]] = []
        for entry in pin.internal:
            for name in [name for name in entry.related if name in self.nets]:
                slews = self.slews(name)
                grid = np.array([[_energies(entry, u, slews[d], load[u]) for d in (0, 1)] for u in (0, 1)])
                down = self.toggles.state(self.nets[name][who], caused[name]).astype(np.int64)
                holds = self.holds(entry.when, who, caused[name])
                entries.append((entry, grid[up, down, who], follows[name] == latest, holds))
        energy, missed = np.zeros(who.size), 0
        for supply in dict.fromkeys(entry.supply for entry, *_ in entries):
            mine = [each for each in entries if each[0].supply == supply]
            values, cause, holds = (np.array([each[k] for each in mine]) for k in (1, 2, 3))
            weights = _preferred([entry for entry, *_ in mine], holds & cause, cause)
            charged, lost = _mean(values, weights, fallback=cause)
            energy += charged
            missed += lost
        return who, time, energy, missed

    def leakage(self) -> np.ndarray:
        """What each instance leaks over the whole recording, pJ."""
        begin, end = self.toggles.begin, self.toggles.end
        if not self.cell.leakage:
            return np.full(self.places.size, self.cell.leakage_mw * (end - begin) * 1e-6)  # mW ns = pJ
        pins = [name for name in self.nets]
        parts = [self.changes(name)[:2] for name in pins]
        who = np.concatenate([*(part[0] for part in parts), np.arange(self.places.size)])
        time = np.concatenate([*(part[1] for part in parts), np.full(self.places.size, begin)])
        order = np.lexsort((time, who))
        who, time = who[order], time[order]
        until = np.where(np.append(who[1:] == who[:-1], False), np.append(time[1:], end), end)
        energy = np.zeros(self.places.size)
        for supply in dict.fromkeys(each.supply for each in self.cell.leakage):
            mine = [each for each in self.cell.leakage if each.supply == supply]
            values = np.array([np.full(who.shape, each.mw) for each in mine])
            holds = np.array([self.now(each.when, who, time) for each in mine])
            conditional = np.array([bool(each.when) for each in mine])[:, None]
            weights = np.where((holds & conditional).any(axis=0), holds & conditional, ~conditional & holds)
            power, lost = _mean(values, weights)
            none = ~weights.any(axis=0)
            power = np.where(none & (self.cell.leakage_mw > 0), self.cell.leakage_mw, power)
            energy += np.bincount(who, power * (until - time) * 1e-6, self.places.size)
        return energy

    def now(self, when: str, who: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Whether a condition holds after all changes at a time, outputs as their functions of the inputs."""

        def state(name: str) -> np.ndarray:
            if name in self.nets:
                return self.toggles.state(self.nets[name][who], time)
            return self._unconnected(name, who, time, state)

        return np.broadcast_to(boolean.evaluate(when, state), who.shape) if when else np.ones(who.shape, bool)


def _energies(entry: Internal, rise: int, slew_ns: np.ndarray, load_ff: np.ndarray) -> np.ndarray:
    """Energy of each instance for a direction; not a number where the group has no table for it."""
    table = entry.rise if rise else entry.fall
    return np.full(slew_ns.shape, np.nan) if table is None else look_up(table, slew_ns, load_ff)


def _preferred(entries: Sequence[Internal], holds: np.ndarray, cause: np.ndarray | None = None) -> np.ndarray:
    """Which groups count: those with a condition that holds, and where there is none those without a condition."""
    conditional = np.array([bool(entry.when) for entry in entries])[:, None]
    special = holds & conditional
    return np.where(special.any(axis=0), special, holds & ~conditional)


def _mean(values: np.ndarray, weights: np.ndarray, fallback: np.ndarray | None = None) -> tuple[np.ndarray, int]:
    """Return the mean over those groups that count and have a table; else of ``fallback``, else 0 or all."""
    there = ~np.isnan(values)
    weights = weights & there
    lost = ~weights.any(axis=0)
    if fallback is not None and lost.any():
        weights = np.where(lost, np.where((fallback & there).any(axis=0), fallback & there, there), weights)
    count = weights.sum(axis=0)
    return np.where(weights, np.nan_to_num(values), 0.0).sum(axis=0) / np.maximum(count, 1), int(lost.sum())
