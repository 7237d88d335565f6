"""The cells of a library as the energy sum needs them: pins, functions, registers, and the tables that hold energy.

Everything is in ns, fF, V, pJ and mW, whatever units the library is written in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Cell", "Internal", "Leakage", "Pin", "Register", "Table"]


@dataclass(frozen=True)
class Table:
    """Energy (pJ) over input slew (ns) and output load (fF); an axis of one point does not matter."""

    slew_ns: tuple[float, ...]
    load_ff: tuple[float, ...]
    pj: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Internal:
    """One ``internal_power`` group of a pin: the energy of its rise and of its fall.

    Parameters
    ----------
    related : tuple of str
        The inputs that cause the transition; empty for the tables of an input pin.
    when : str
        Condition on the other pins, empty where there is none.
    supply : str
        ``related_pg_pin``, empty where the table holds for all supplies together.
    rise, fall : Table or None
        Energy for each direction; None where the group has no table for it.
    """

    related: tuple[str, ...]
    when: str
    supply: str
    rise: Table | None
    fall: Table | None


@dataclass(frozen=True)
class Leakage:
    """One ``leakage_power`` group: mW under a condition, empty where there is none, from one supply."""

    when: str
    supply: str
    mw: float


@dataclass(frozen=True)
class Pin:
    """A pin: its capacitance for either direction (fF), an output's function, what it is timed from, its tables."""

    name: str
    output: bool
    rise_ff: float
    fall_ff: float
    function: str
    paths: tuple[str, ...]
    internal: tuple[Internal, ...]


@dataclass(frozen=True)
class Register:
    """An ``ff`` group: names of the state and its inverse, and its expressions, empty where it has none."""

    state: str
    inverse: str
    next_state: str
    clocked_on: str
    clear: str
    preset: str
    both_state: str
    both_inverse: str


@dataclass(frozen=True)
class Cell:
    """A cell: pins by name, its register or None, and what it leaks (mW)."""

    name: str
    pins: Mapping[str, Pin]
    register: Register | None
    leakage_mw: float
    leakage: tuple[Leakage, ...]
