"""Changes of nets over time, from a Value Change Dump: one sorted array, and what pins were at any instant.

All changes of all nets lie in one array, sorted by net and then by time. A net's state at a time follows from the
number of its changes so far, because it alternates between 0 and 1, so states of many pins at many times are found by
one binary search over the array.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from golden.errors import InvalidInput, MissingTool
from synth.energy.netlist import ONE, Netlist

__all__ = ["Toggles", "read_toggles"]

FEMTO = {"zs": 1e-6, "as": 1e-3, "fs": 1, "ps": 10**3, "ns": 10**6, "us": 10**9, "ms": 10**12, "s": 10**15}


@dataclass(frozen=True)
class Toggles:
    """Every change of every net within a recording.

    Parameters
    ----------
    net : numpy.ndarray
        int64, (changes,): which net changed, ascending.
    time : numpy.ndarray
        int64, (changes,): when, fs; ascending for each net.
    first : numpy.ndarray
        int64, (nets + 1,): where each net's changes begin.
    start : numpy.ndarray
        bool, (nets,): each net's value before its first change.
    begin, end : int
        The recording, fs.
    """

    net: np.ndarray
    time: np.ndarray
    first: np.ndarray
    start: np.ndarray
    begin: int
    end: int

    @property
    def rising(self) -> np.ndarray:
        """bool, (changes,): whether each change is a rise."""
        place = np.arange(self.net.size) - self.first[self.net]
        return self.start[self.net] ^ (place % 2 == 0)

    @property
    def counts(self) -> np.ndarray:
        """int64, (nets, 2): falls and rises of each net."""
        counts = np.zeros((self.start.size, 2), np.int64)
        np.add.at(counts, (self.net, self.rising.astype(np.int64)), 1)
        return counts

    def so_far(self, net: np.ndarray, time: np.ndarray, *, before: bool = False) -> np.ndarray:
        """Return how many changes nets had up to given times, those at the very time included unless ``before``.

        Parameters
        ----------
        net, time : numpy.ndarray
            int64, of one shape.
        before : bool
            Whether changes at the very time are left out.

        Returns
        -------
        numpy.ndarray
            int64, of the same shape.
        """
        asked = net * self._span + np.clip(time - self.begin + 1, 0, self._span - 1)
        return np.searchsorted(self._keys, asked, side="left" if before else "right") - self.first[net]

    @property
    def _span(self) -> int:
        return self.end - self.begin + 2

    @cached_property
    def _keys(self) -> np.ndarray:
        """Net and time as one ascending number."""
        return self.net * self._span + (self.time - self.begin + 1)

    def state(self, net: np.ndarray, time: np.ndarray, *, before: bool = False) -> np.ndarray:
        """Return the values of nets at given times, bool: after changes at that very time, or before them."""
        return self.start[net] ^ (self.so_far(net, time, before=before) % 2 == 1)

    def last(self, net: np.ndarray, time: np.ndarray, *, before: bool = False) -> np.ndarray:
        """Return when nets last changed up to given times (fs); one before the recording where they had not yet."""
        count = self.so_far(net, time, before=before)
        place = np.maximum(self.first[net] + count - 1, 0)
        when = self.time[place] if self.time.size else np.zeros_like(time)
        return np.where(count > 0, when, self.begin - 1)


def read_toggles(path: Path, netlist: Netlist, *, begin: int, end: int) -> Toggles:
    """Read the changes of a netlist's nets from a dump of ``bench.simulate``.

    Parameters
    ----------
    path : pathlib.Path
        The dump.
    netlist : Netlist
        What was simulated.
    begin, end : int
        The recording (fs): changes at its very begin are in it, those at its end are not.

    Raises
    ------
    InvalidInput
        If the dump cannot be read, lacks a net, or a net was undefined within the recording.
    MissingTool
        If the package pywellen is missing.
    """
    try:
        from pywellen import Waveform  # pyright: ignore[reportAttributeAccessIssue] - a compiled module without stubs
    except ImportError:
        raise MissingTool("counting toggles needs pywellen; install it with `pip install pywellen`") from None
    if not path.is_file():
        raise InvalidInput(f"the dump {path} cannot be read (no such file); simulate again")
    try:
        wave = Waveform(str(path))
        tick = wave.timescale.factor * FEMTO[str(wave.timescale.unit)]
        variables = {variable.name: variable for variable in wave.all_vars()}
    except Exception as error:  # the reader raises RuntimeError, ValueError and its own panics
        raise InvalidInput(f"the dump {path} cannot be read ({error}); simulate again") from None
    start = np.zeros(netlist.nets, bool)
    start[ONE] = True
    wanted = {n for each in netlist.instances for n in each.nets.values()}
    wanted |= {n for nets in netlist.inputs.values() for n in nets}
    times: dict[int, np.ndarray] = {}
    for net in sorted(wanted - {0, 1}):
        if f"n{net}" not in variables:
            raise InvalidInput(f"the dump {path} lacks the net n{net}; simulate again")
        changes = list(variables[f"n{net}"].tv)
        values = np.array([value if isinstance(value, int) else 2 for _, value in changes])
        when = np.array([time for time, _ in changes], np.int64) * tick
        place = np.searchsorted(when, begin)
        if place == 0 or (values[place - 1 : np.searchsorted(when, end)] > 1).any():
            raise InvalidInput(f"the net n{net} is undefined while it is recorded; give a netlist that settles")
        real = np.flatnonzero(np.diff(values, prepend=values[0]) != 0)
        start[net] = values[place - 1]
        times[net] = when[real[(real >= place) & (when[real] < end)]]
    sizes = np.zeros(netlist.nets, np.int64)
    sizes[list(times)] = [each.size for each in times.values()]
    return Toggles(
        net=np.repeat(np.arange(netlist.nets), sizes),
        time=np.concatenate([*times.values(), np.zeros(0, np.int64)]),
        first=np.concatenate([[0], np.cumsum(sizes)]),
        start=start,
        begin=begin,
        end=end,
    )
