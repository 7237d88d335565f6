"""The energy of several multipliers under the same conditions: rows, what they hold for, JSON and a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from golden.catalogue import Multiplier, multiplier as look_up
from golden.errors import InvalidInput
from synth.energy.intervals import FEWEST_UNITS
from synth.energy.rows import EnergyRow, Ratio
from synth.wires import NO_WIRES

__all__ = ["SCHEMA", "Conditions", "Energy", "from_dict"]

SCHEMA = 1
"""Counts changes of the keys of ``Energy.to_dict``."""


@dataclass(frozen=True)
class Conditions:
    """What every row of a result was obtained with.

    Parameters
    ----------
    library, corner : str
        The cell library's name and its corner.
    liberty_sha256 : str
        Digest of its content.
    dont_use : tuple of str
        Patterns of its cells that were not used.
    clock : str
        The clock period, in words.
    stimulus : str
        The operands, in words.
    pairs : int
        Products measured of each multiplier, over all of its variants.
    variants : int
        Netlist variants of each multiplier.
    seed : int
        Of the operands.
    tools : mapping of str to str
        Versions of the programs.
    layout : str
        What is known of it, in words.
    """

    library: str
    corner: str
    liberty_sha256: str
    dont_use: tuple[str, ...]
    clock: str
    stimulus: str
    pairs: int
    variants: int
    seed: int
    tools: Mapping[str, str | None]
    layout: str = NO_WIRES

    @property
    def intervals(self) -> str:
        """What the 95% intervals cover, in words."""
        if self.variants >= FEWEST_UNITS:
            return f"95% intervals over {self.variants} netlist variants, each with operands of its own"
        several = "one netlist variant" if self.variants == 1 else f"{self.variants} netlist variants"
        return f"{several}: 95% intervals over batches of operands alone, not over ways to write the netlist"

    def __str__(self) -> str:
        programs = ", ".join(version for version in self.tools.values() if version)
        return (
            f"{self.library}, corner {self.corner}, {self.clock}, {self.layout}; {self.pairs} products, "
            f"{self.stimulus}, seed {self.seed}; all operand bits change at one instant; {self.intervals}; {programs}"
        )


@dataclass(frozen=True)
class Energy:
    """The energy per product of multipliers beside their baselines.

    Parameters
    ----------
    block : str
        What was measured.
    stages : int
        Pipeline stages, 0 where combinational. With stages the clock pins' energy counts, the clock tree's does not.
    conditions : Conditions
        What every row shares.
    rows : tuple of EnergyRow
        The baselines, then the other multipliers in the order they were asked for.
    adder_stages : int or None
        Those of an adder beside the multiplier, where they were given.
    """

    block: str
    stages: int
    conditions: Conditions
    rows: tuple[EnergyRow, ...]
    adder_stages: int | None = None

    def row(self, name: str | Multiplier) -> EnergyRow:
        """Return the row of a multiplier, or of a name in ``[row.name for row in rows]``.

        Raises
        ------
        InvalidInput
            If it is not part of this result.
        """
        names = [row.name for row in self.rows]
        wanted = name if isinstance(name, str) and name in names else str(look_up(name))
        if wanted not in names:
            raise InvalidInput(f"{wanted} is not in this result of {', '.join(names)}")
        return self.rows[names.index(wanted)]

    @property
    def baselines(self) -> tuple[str, ...]:
        """Names of the rows that ratios are taken to."""
        return tuple(row.name for row in self.rows if row.baseline)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types."""
        own = asdict(self.conditions)
        return {
            "schema": SCHEMA,
            "block": self.block,
            "stages": self.stages,
            **({} if self.adder_stages is None else {"adder_stages": self.adder_stages}),
            **own,
            "dont_use": list(self.conditions.dont_use),
            "tools": dict(self.conditions.tools),
            "intervals": self.conditions.intervals,
            "conditions": str(self.conditions),
            "baselines": list(self.baselines),
            "rows": [row.to_dict() for row in self.rows],
        }

    def to_json(self) -> str:
        """Return the result as JSON text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """The head of the table."""
        return (
            "multiplier",
            "pJ",
            "95%",
            "zero delay pJ",
            "switching",
            "internal",
            "leakage",
            "area um^2",
            "path ns",
            *(f"/ {name}" for name in self.baselines),
        )

    def table(self) -> list[tuple[str | float, ...]]:
        """Return the rows of a table whose head is ``columns``: energies in pJ, ratios with their intervals."""
        return [
            (
                row.name,
                row.energy_pj,
                f"{row.energy_interval[0]:.3g} .. {row.energy_interval[1]:.3g}",
                row.energy_pj_zero_delay,
                row.switching_pj + row.inputs_pj,
                row.internal_pj,
                row.leakage_pj,
                row.area_um2,
                row.critical_path_ns,
                *(_shown(row.ratios[name], own=name == row.name) for name in self.baselines),
            )
            for row in self.rows
        ]


def _shown(ratio: Ratio, *, own: bool) -> str:
    return "1" if own else f"{ratio.energy:.3f} [{ratio.interval[0]:.3f}, {ratio.interval[1]:.3f}]"


def from_dict(plain: Mapping[str, Any]) -> Energy:
    """Return the result that ``Energy.to_dict`` wrote.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it wrote no such thing, or in another schema.
    """
    if plain["schema"] != SCHEMA:
        raise ValueError(f"it is of schema {plain['schema']!r}, and this axfpm reads {SCHEMA}")
    own: dict[str, Any] = {key: plain[key] for key in Conditions.__dataclass_fields__}
    own["dont_use"] = tuple(own["dont_use"])
    conditions = Conditions(**own)
    rows, adder = tuple(map(_read_row, plain["rows"])), plain.get("adder_stages")
    return Energy(str(plain["block"]), int(plain["stages"]), conditions, rows, None if adder is None else int(adder))


def _read_row(plain: Mapping[str, Any]) -> EnergyRow:
    pairs = ("energy_interval", "area_range_um2", "critical_path_range_ns")
    ratios = {name: Ratio(**each | {"interval": tuple(each["interval"])}) for name, each in plain["ratios"].items()}
    return EnergyRow(**{**plain, **{key: tuple(plain[key]) for key in pairs}, "ratios": ratios})
