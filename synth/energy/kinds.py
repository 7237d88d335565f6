"""All instances of one cell at once: what every change of their pins costs inside them, and what they leak.

*Outputs.* A group of an output holds the energy of one rise and of one fall of that output, caused by a change of its
``related_pin``, at that pin's slew and the output's load. So every change of an output is charged once, in its own
direction, to the input that caused it: that whose last change plus its delay comes nearest below the output's change
(the sum equals it, unless a pulse was swallowed). Inputs that did so at once share the charge evenly. Of the groups of
that input, those whose ``when`` holds at the cause count, else those without ``when``; where several hold, their mean,
and where none does, the mean of all of that input.

*Inputs.* A group of an input pin (no ``related_pin``) holds what a change of the pin costs inside the cell whatever the
outputs do, and is charged at every change of the pin while ``when`` holds. Liberty has it so, and so do timing tools;
libraries that characterise it for resting outputs only say so in ``when``.

*Supplies.* Where groups name a ``related_pg_pin``, each holds the energy at that supply pin, and the energies of all
supply pins are summed: by Liberty's definition a cell's power is the sum over its power and ground pins. That ASAP7
means it so can be seen in its numbers. While A of a NAND toggles and B holds the output, the charge that enters through
A's capacitance leaves through the two supply pins, so their charges together are C_A V. For a rise of A its tables hold
0.029 fJ at VDD and 0.064 fJ at VSS, and C_A V^2 / 2 is 0.096 to 0.121 fJ: the energy at a supply pin is V / 2 times its
charge, VDD and VSS hold a half each. The mean of both would be half of the energy, and so would be VDD alone.

*Leakage.* Of the groups of each supply, those whose ``when`` holds, weighted by time, else those without ``when``; the
cell's ``cell_leakage_power`` where there are none.

OpenSTA 2.0.17 does otherwise, and its internal power is no reference; ``tests/synth/energy/test_opensta.py`` finds its
figures again from the same tables. For every change of a pin it charges the sum over the pin's groups of the rise
*plus* the fall energy, each times a probability: 1/2 for each pin in ``when``; without ``when`` 1 for clocks, 1/2 for
other inputs' own groups, and for outputs a guess of how often the other inputs let the change through, which adds up to
1 over a NAND of two inputs, 1.25 of three, 1.75 over an AOI21. So a change of a NAND's output counts twice, and that of
an XOR with four groups four times; clock pins count twice. Of ASAP7's supplies it drops VSS in some cells and adds it
in others.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from synth.energy import boolean
from synth.energy.cells import Cell, Internal, Leakage, Pin
from synth.energy.netlist import Netlist
from synth.energy.tables import look_up
from synth.energy.toggles import Toggles
from synth.wires import WireLoad

__all__ = ["Charged", "Conditions", "Kind"]


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
        By instance (``c0``, ``c1``, ...) and pin: slews of its rise and fall, ns.
    delays : mapping of (str, str, str) to (int, int)
        By instance, input and output: delays to the output's rise and fall, fs; none where there are none.
    wires : WireLoad, optional
        What nets have beside the capacitance of pins; nothing where None.
    """

    cells: Mapping[str, Cell]
    volt: float
    load_ff: float
    slews: Mapping[tuple[str, str], tuple[float, float]]
    delays: Mapping[tuple[str, str, str], tuple[int, int]]
    wires: WireLoad | None = None


@dataclass(frozen=True)
class Charged:
    """What changes of one pin cost.

    Parameters
    ----------
    who : numpy.ndarray
        int64, (changes,): place of the instance in the netlist.
    time : numpy.ndarray
        int64, (changes,): when, fs.
    pj : numpy.ndarray
        float64, (changes,): energy, pJ.
    unmatched : int
        Changes for which no group's condition held although groups have conditions.
    """

    who: np.ndarray
    time: np.ndarray
    pj: np.ndarray
    unmatched: int


class Kind:
    """All instances of one cell.

    Parameters
    ----------
    cell : Cell
        The cell.
    netlist : Netlist
        Where its instances are.
    toggles : Toggles
        What was recorded.
    conditions : Conditions
        Slews and delays.
    loads : numpy.ndarray
        float64, (nets, 2): the capacitance on each net for its fall and its rise, fF.
    """

    def __init__(
        self, cell: Cell, netlist: Netlist, toggles: Toggles, conditions: Conditions, loads: np.ndarray
    ) -> None:
        self.cell, self.toggles, self.conditions, self.loads = cell, toggles, conditions, loads
        self.places = np.array([k for k, each in enumerate(netlist.instances) if each.cell == cell.name])
        self.nets = {name: np.array([netlist.instances[k].nets[name] for k in self.places]) for name in cell.pins}
        register = cell.register
        outputs = {pin.function: name for name, pin in cell.pins.items() if pin.output}
        self.states = () if register is None else (register.state, register.inverse)
        self.state_pins = tuple(outputs.get(name) for name in self.states)

    def input(self, pin: Pin) -> Charged:
        """Charge the changes of an input pin."""
        who, time, rising = self._changes(pin.name)
        slews, nothing = self._slews(pin.name), np.zeros(self.places.size)
        pj, unmatched = np.zeros(who.size), 0
        for mine in _by_supply(pin.internal):
            grids = [np.stack([_energies(entry, up, slews[up], nothing) for up in (0, 1)]) for entry in mine]
            values = np.array([grid[rising.astype(np.int64), who] for grid in grids])
            holds = self._holds(mine, who, time, before=True)
            pj += _mean(values, _preferred(mine, holds))[0]
        return Charged(self.places[who], time, pj, unmatched)

    def output(self, pin: Pin) -> Charged:
        """Charge the changes of an output pin."""
        who, time, rising = self._changes(pin.name)
        up = rising.astype(np.int64)
        sources = [name for name in dict.fromkeys(n for e in pin.internal for n in e.related) if name in self.nets]
        load = self.loads[self.nets[pin.name]].T
        # When each input last changed early enough to be the cause, and when the output would follow that.
        delays = {name: self._delays(name, pin.name)[up, who] for name in sources}
        caused = {name: self.toggles.last(self.nets[name][who], time - delays[name]) for name in sources}
        follows = {name: caused[name] + delays[name] for name in sources}
        latest = np.max(list(follows.values()), axis=0) if sources else time
        pj, unmatched = np.zeros(who.size), 0
        for mine in _by_supply(pin.internal):
            rows: list[tuple[Internal, np.ndarray, np.ndarray, np.ndarray]] = []
            for name in sources:
                slews, cause = self._slews(name), follows[name] == latest
                edge = self.toggles.state(self.nets[name][who], caused[name]).astype(np.int64)
                theirs = [entry for entry in mine if name in entry.related]
                for entry, holds in zip(theirs, self._holds(theirs, who, caused[name], before=True), strict=True):
                    grid = np.array([[_energies(entry, u, slews[d], load[u]) for d in (0, 1)] for u in (0, 1)])
                    rows.append((entry, grid[up, edge, who], cause, holds))
            if rows:
                values, cause, holds = (np.array([row[k] for row in rows]) for k in (1, 2, 3))
                weights = _preferred([entry for entry, *_ in rows], holds & cause)
                charged, lost = _mean(values, weights, fallback=cause)
                pj += charged
                unmatched = max(unmatched, lost)
        return Charged(self.places[who], time, pj, unmatched)

    def leakage(self) -> np.ndarray:
        """Return what each instance leaks over the whole recording, pJ: float64, (instances,)."""
        begin, end = self.toggles.begin, self.toggles.end
        if not self.cell.leakage:
            return np.full(self.places.size, self.cell.leakage_mw * (end - begin) * 1e-6)  # mW fs = 1e-6 pJ
        # States are numbers, a bit for each pin that conditions name, and each change flips a bit: so what a cell leaks
        # is looked up for the few states that there are.
        pins = self._pins_of(self.cell.leakage)
        nets = [self.nets[name] for name in pins]
        whole = self.toggles.state(np.concatenate(nets), np.full(len(pins) * self.places.size, end))
        starts, ends = (
            _numbers(each) for each in ([self.toggles.start[net] for net in nets], np.split(whole, len(pins)))
        )
        parts = [self._changes(name)[:2] for name in pins]
        who = np.concatenate([np.arange(self.places.size), *(part[0] for part in parts)])
        time = np.concatenate([np.full(self.places.size, begin), *(part[1] for part in parts)])
        flips = np.concatenate(
            [starts ^ np.append(0, ends[:-1]), *(np.full(part[0].size, 1 << k) for k, part in enumerate(parts))]
        )
        order = np.argsort(who * (end - begin + 1) + (time - begin), kind="stable")
        who, time, state = who[order], time[order], np.bitwise_xor.accumulate(flips[order])
        until = np.where(np.append(who[1:] == who[:-1], False), np.append(time[1:], end), end)
        return np.bincount(who, self._power(pins)[state] * (until - time) * 1e-6, self.places.size)

    def _pins_of(self, groups: Sequence[Internal | Leakage]) -> list[str]:
        """Pins that tell whether conditions hold, in alphabetical order; the first pin where nothing is asked."""
        named = {name for each in groups if each.when for name in boolean.names(each.when)}
        shown = {name: [pin for pin in self.state_pins if pin] for name in self.states}
        return sorted({pin for name in named for pin in shown.get(name, [name])}) or [next(iter(self.nets))]

    def _power(self, pins: Sequence[str]) -> np.ndarray:
        """Return what one instance leaks in each state of some pins, mW: float64, (2**pins,)."""
        numbers = np.arange(1 << len(pins))
        held = {name: numbers >> k & 1 == 1 for k, name in enumerate(pins)}
        total = np.zeros(numbers.shape)
        for mine in _by_supply(self.cell.leakage):
            values = np.array([np.full(numbers.shape, each.mw) for each in mine])
            counting = _preferred(mine, self._where(mine, held.__getitem__, numbers.shape))
            power, lost = _mean(values, counting)
            if lost and self.cell.leakage_mw:
                power = np.where(counting.any(axis=0), power, self.cell.leakage_mw)
            total += power
        return total

    def _changes(self, pin: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return whose pin changes, when (fs), and whether it rises."""
        nets = self.nets[pin]
        first, count = self.toggles.first[nets], np.diff(self.toggles.first)[nets]
        who = np.repeat(np.arange(nets.size), count)
        place = np.arange(who.size) - np.repeat(np.cumsum(count) - count, count)
        return who, self.toggles.time[first[who] + place], self.toggles.start[nets][who] ^ (place % 2 == 0)

    def _slews(self, pin: str) -> np.ndarray:
        """Slews of a pin's fall and rise in each instance, ns: (2, instances)."""
        found = [self.conditions.slews[f"c{k}", pin] for k in self.places]
        return np.array(found).reshape(-1, 2).T[::-1]

    def _delays(self, source: str, target: str) -> np.ndarray:
        """Delays from an input to an output's fall and rise, fs: (2, instances)."""
        found = [self.conditions.delays.get((f"c{k}", source, target), (0, 0)) for k in self.places]
        return np.array(found, np.int64).reshape(-1, 2).T[::-1]

    def _holds(
        self, groups: Sequence[Internal | Leakage], who: np.ndarray, time: np.ndarray, *, before: bool
    ) -> np.ndarray:
        """Whether each group's condition holds: inputs after changes at that time, outputs as well or ``before``."""

        @functools.cache
        def state(name: str) -> np.ndarray:
            output = self.cell.pins[name].output
            return self.toggles.state(self.nets[name][who], time, before=before and output)

        return self._where(groups, state, who.shape)

    def _where(
        self, groups: Sequence[Internal | Leakage], state: Callable[[str], np.ndarray], shape: tuple[int, ...]
    ) -> np.ndarray:
        """Whether each group's condition holds, bool, (groups, ...), for pins whose states are given."""

        def of(name: str) -> np.ndarray:
            if name in self.states:  # of the register: an output shows it, or its inverse
                place = self.states.index(name)
                shown, other = self.state_pins[place], self.state_pins[1 - place]
                return state(shown) if shown else ~state(other or "")
            return state(name)

        always = np.ones(shape, bool)
        rows = [boolean.evaluate(each.when, of) if each.when else always for each in groups]
        return np.array([np.broadcast_to(row, shape) for row in rows])


def _numbers(bits: Sequence[np.ndarray]) -> np.ndarray:
    """Return numbers of bits, the lowest first: int64, of the shape of each."""
    return sum((each.astype(np.int64) << k for k, each in enumerate(bits)), np.zeros(bits[0].shape, np.int64))


def _by_supply(groups: Sequence) -> list[list]:
    supplies = dict.fromkeys(group.supply for group in groups)
    return [[group for group in groups if group.supply == supply] for supply in supplies]


def _energies(entry: Internal, rise: int, slew_ns: np.ndarray, load_ff: np.ndarray) -> np.ndarray:
    """Energy of each instance for a direction; not a number where the group has no table for it."""
    table = entry.rise if rise else entry.fall
    return np.full(slew_ns.shape, np.nan) if table is None else look_up(table, slew_ns, load_ff)


def _preferred(groups: Sequence[Internal | Leakage], holds: np.ndarray) -> np.ndarray:
    """Which groups count: those with a condition that holds, and where there is none those without a condition."""
    conditional = np.array([bool(group.when) for group in groups])[:, None]
    special = holds & conditional
    return np.where(special.any(axis=0), special, holds & ~conditional)


def _mean(values: np.ndarray, weights: np.ndarray, fallback: np.ndarray | None = None) -> tuple[np.ndarray, int]:
    """Return the mean over the groups that count and have a table, and how often there is none.

    There ``fallback`` says which groups to take instead, all where it has none; without it the mean is 0.
    """
    there = ~np.isnan(values)
    weights = weights & there
    lost = ~weights.any(axis=0)
    if fallback is not None and lost.any():
        weights = np.where(lost, np.where((fallback & there).any(axis=0), fallback & there, there), weights)
    total = np.where(weights, np.nan_to_num(values), 0.0).sum(axis=0)
    return total / np.maximum(weights.sum(axis=0), 1), int(lost.sum())
