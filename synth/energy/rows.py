"""What one multiplier takes: figures over all of its netlist variants, and ratios to the baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from synth.energy.intervals import FEWEST_UNITS, mean_interval, ratio_interval
from synth.energy.measured import Measured

__all__ = ["Design", "EnergyRow", "Ratio", "Run", "make_rows"]


@dataclass(frozen=True)
class Design:
    """What is built: a multiplier, with the compressor tree that adds its partial products."""

    multiplier: str
    tree: str = "dadda"
    baseline: bool = False

    @property
    def name(self) -> str:
        """The name of its row, and of ratios to it."""
        return self.multiplier if self.tree == "dadda" else f"{self.multiplier} ({self.tree} tree)"


@dataclass(frozen=True)
class Run:
    """One netlist variant of a design, measured on one batch of operands at one clock period (ns)."""

    area_um2: float
    critical_path_ns: float
    period_ns: float
    measured: Measured


@dataclass(frozen=True)
class Ratio:
    """A multiplier's figures divided by a baseline's; below 1 is a saving.

    Parameters
    ----------
    energy, energy_zero_delay : float
        Energy with glitches, and without.
    interval : tuple of float
        95% interval of ``energy``.
    area, critical_path : float
        Means over the variants.
    """

    energy: float
    interval: tuple[float, float]
    energy_zero_delay: float
    area: float
    critical_path: float


@dataclass(frozen=True)
class EnergyRow:
    """One multiplier: means over its netlist variants and their operands.

    Parameters
    ----------
    multiplier, tree : str
        Its canonical name, and the compressor tree it is built with.
    baseline : bool
        Whether ratios are taken to it.
    energy_pj, energy_pj_zero_delay : float
        Energy of one product (pJ) with glitches, and if nothing glitched.
    energy_interval : tuple of float
        95% interval of ``energy_pj``.
    switching_pj, internal_pj, inputs_pj, leakage_pj : float
        Its parts: in the loads that cells drive, inside of cells, in the pins that the inputs drive, and leakage over
        one period.
    toggles, toggles_zero_delay : float
        Changes of nets for each product.
    area_um2, critical_path_ns : float
        Means over the variants.
    area_range_um2, critical_path_range_ns : tuple of float
        The least and the greatest.
    period_ns, power_uw : float
        Mean clock period, and energy with glitches over it.
    unmatched : float
        Share of changes that no condition of the library's tables covers, charged by a mean.
    ratios : dict of str to Ratio
        By baseline.
    """

    multiplier: str
    tree: str
    baseline: bool
    energy_pj: float
    energy_pj_zero_delay: float
    energy_interval: tuple[float, float]
    switching_pj: float
    internal_pj: float
    inputs_pj: float
    leakage_pj: float
    toggles: float
    toggles_zero_delay: float
    area_um2: float
    critical_path_ns: float
    area_range_um2: tuple[float, float]
    critical_path_range_ns: tuple[float, float]
    period_ns: float
    power_uw: float
    unmatched: float
    ratios: dict[str, Ratio]

    @property
    def name(self) -> str:
        """The name of the row."""
        return Design(self.multiplier, self.tree).name

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain JSON types."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()} | {
            "ratios": {name: {**asdict(r), "interval": list(r.interval)} for name, r in self.ratios.items()}
        }


def make_rows(runs: Sequence[tuple[Design, Sequence[Run]]]) -> tuple[EnergyRow, ...]:
    """Sum up the runs of each design, and set them beside the baselines among them.

    Runs of equal place have the same operands in every design. With fewer than ``FEWEST_UNITS`` of them each is cut
    into batches of successive operations, and intervals are over those.
    """
    bases = {design.name: own for design, own in runs if design.baseline}
    return tuple(_row(design, own, bases) for design, own in runs)


def _units(runs: Sequence[Run], *, zero_delay: bool = False) -> np.ndarray:
    """Mean energy (pJ) of each unit: of each run, or of equal batches of each where there are few runs."""
    parts = -(-FEWEST_UNITS // len(runs)) if len(runs) < FEWEST_UNITS else 1
    found = (run.measured.zero_delay if zero_delay else run.measured.with_glitches for run in runs)
    return np.array([part.mean() for each in found for part in np.array_split(each.total, parts)])


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _row(design: Design, runs: Sequence[Run], bases: dict[str, Sequence[Run]]) -> EnergyRow:
    own = [run.measured.with_glitches for run in runs]
    energy = _mean([run.measured.energy_pj for run in runs])
    period = _mean([run.period_ns for run in runs])
    areas, paths = [run.area_um2 for run in runs], [run.critical_path_ns for run in runs]
    return EnergyRow(
        multiplier=design.multiplier,
        tree=design.tree,
        baseline=design.baseline,
        energy_pj=energy,
        energy_pj_zero_delay=_mean([run.measured.energy_pj_zero_delay for run in runs]),
        energy_interval=mean_interval(_units(runs)),
        switching_pj=_mean([each.switching.mean() for each in own]),
        internal_pj=_mean([each.internal.mean() for each in own]),
        inputs_pj=_mean([each.inputs.mean() for each in own]),
        leakage_pj=_mean([each.leakage for each in own]),
        toggles=_mean([each.toggles.mean() for each in own]),
        toggles_zero_delay=_mean([run.measured.zero_delay.toggles.mean() for run in runs]),
        area_um2=_mean(areas),
        critical_path_ns=_mean(paths),
        area_range_um2=(min(areas), max(areas)),
        critical_path_range_ns=(min(paths), max(paths)),
        period_ns=period,
        power_uw=1000 * energy / period,  # pJ / ns is mW
        unmatched=_mean([run.measured.unmatched for run in runs]),
        ratios={name: _ratio(runs, base) for name, base in bases.items()},
    )


def _ratio(runs: Sequence[Run], base: Sequence[Run]) -> Ratio:
    def divided(figure: str) -> float:
        return _mean([getattr(run, figure) for run in runs]) / _mean([getattr(run, figure) for run in base])

    def of_measured(figure: str) -> float:
        return _mean([getattr(run.measured, figure) for run in runs]) / _mean(
            [getattr(run.measured, figure) for run in base]
        )

    return Ratio(
        energy=of_measured("energy_pj"),
        interval=ratio_interval(_units(runs), _units(base)),
        energy_zero_delay=of_measured("energy_pj_zero_delay"),
        area=divided("area_um2"),
        critical_path=divided("critical_path_ns"),
    )
