"""What ``measure`` returns: energies of single operations and of single cells."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

__all__ = ["CellEnergy", "Energy", "Measured", "from_json", "to_json"]


@dataclass(frozen=True)
class Energy:
    """Energy of each operation, pJ.

    Parameters
    ----------
    switching, internal, inputs : numpy.ndarray
        float64, (operations,): in the loads that cells drive, inside the cells, and in the pins that the design's own
        inputs drive, the clock's included.
    leakage : float
        What leaks in one clock cycle.
    toggles : numpy.ndarray
        int64, (operations,): changes of nets that cells drive.
    """

    switching: np.ndarray
    internal: np.ndarray
    inputs: np.ndarray
    leakage: float
    toggles: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """All of it, float64, (operations,): means over blocks of neighbours are what a bootstrap draws from."""
        return self.switching + self.internal + self.inputs + self.leakage


@dataclass(frozen=True)
class CellEnergy:
    """One cell of the netlist: its name there, its library cell, changes of its outputs, its energies in all (pJ)."""

    name: str
    cell: str
    changes: int
    switching: float
    internal: float
    leakage: float


@dataclass(frozen=True)
class Measured:
    """What a netlist takes for each operation.

    Parameters
    ----------
    with_glitches, zero_delay : Energy
        Simulated with the delays of its cells, and without any delay.
    cells : tuple of CellEnergy
        By cell, with glitches.
    unmatched : float
        Share of the changes with glitches for which no condition of the library's tables held, charged by a mean.
    conditions : str
        What the figures were obtained with, in words.
    """

    with_glitches: Energy
    zero_delay: Energy
    cells: tuple[CellEnergy, ...]
    unmatched: float
    conditions: str

    @property
    def operations(self) -> int:
        """How many operations were recorded."""
        return self.with_glitches.switching.size

    @property
    def energy_pj(self) -> float:
        """Mean energy of an operation with glitches, pJ."""
        return float(self.with_glitches.total.mean())

    @property
    def energy_pj_zero_delay(self) -> float:
        """Mean energy of an operation if nothing glitched, pJ."""
        return float(self.zero_delay.total.mean())


def to_json(result: Measured) -> dict[str, Any]:
    """Return a result as plain JSON types."""
    plain = {
        name: {f.name: np.asarray(getattr(each, f.name)).tolist() for f in fields(each)}
        for name, each in (("with_glitches", result.with_glitches), ("zero_delay", result.zero_delay))
    }
    cells = [[c.name, c.cell, c.changes, c.switching, c.internal, c.leakage] for c in result.cells]
    return {**plain, "cells": cells, "unmatched": result.unmatched, "conditions": result.conditions}


def from_json(plain: dict[str, Any]) -> Measured:
    """Return the result that ``to_json`` wrote.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it wrote no such thing.
    """

    def energy(each: dict[str, Any]) -> Energy:
        arrays = {name: np.array(each[name], np.float64) for name in ("switching", "internal", "inputs")}
        return Energy(**arrays, leakage=float(each["leakage"]), toggles=np.array(each["toggles"], np.int64))

    return Measured(
        with_glitches=energy(plain["with_glitches"]),
        zero_delay=energy(plain["zero_delay"]),
        cells=tuple(CellEnergy(*row) for row in plain["cells"]),
        unmatched=float(plain["unmatched"]),
        conditions=str(plain["conditions"]),
    )
