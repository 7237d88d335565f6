"""The section on energy: three multipliers measured now, ratios on five technologies measured before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axfpm.report import figures
from axfpm.report.section import Figure, Origin, Scope, Section, Table
from golden.catalogue import multiplier as look_up
from golden.metrics import error
from golden.progress import Progress

if TYPE_CHECKING:
    from synth.energy.result import Energy
    from synth.energy.rows import EnergyRow
    from synth.energy.technologies import Technologies

__all__ = ["TITLE", "energy", "narrow_answer"]

TITLE = "Energy"
APPROXIMATE, EXACT = "ax-fpm", "exact-trunc"
QUICK_PAIRS = 320
SAMPLES = 1 << 17


def energy(scope: Scope, progress: Progress) -> Section:
    """Energy of one product from simulated activity."""
    from synth.energy.comparison import DEFAULT_NAMES, STRONGEST, energy as measure
    from synth.energy.technologies import MEASURED, Technologies, read

    kept = MEASURED / "technologies.json"
    known = read(kept) if kept.is_file() else None
    if scope.full:
        found = measure(
            multiplier=DEFAULT_NAMES,
            stimulus="lenet5",
            controls=(STRONGEST,),
            seed=scope.seed,
            jobs=2,
            progress=progress,
        )
    else:
        found = measure(
            multiplier=APPROXIMATE,
            stimulus="lenet5-digits",
            pairs=QUICK_PAIRS,
            variants=1,
            baselines=(EXACT, "e8m2"),
            controls=(STRONGEST,),
            seed=scope.seed,
            jobs=2,
            progress=progress,
        )
    shown = found if known is None else known.results[0]
    errors = _errors(shown, scope.seed)
    row = found.row(APPROXIMATE)
    ratio, strongest = row.ratios[EXACT], row.ratios[STRONGEST.name]
    return Section(
        key="energy",
        title=TITLE,
        command=(
            "axfpm energy --stimulus lenet5"
            if scope.full
            else f"axfpm energy --multiplier {APPROXIMATE} --stimulus lenet5-digits -n {QUICK_PAIRS} --variants 1"
        ),
        paragraphs=(
            f"Gate-level netlists, each proved equal to its design, were simulated with the delays of their cells and "
            f"every product compared with the golden model. {APPROXIMATE} takes {ratio.energy:.2f} "
            f"[{ratio.interval[0]:.2f}, {ratio.interval[1]:.2f}] of the energy of {EXACT}, which has the same rounding "
            f"and the same Dadda tree; if nothing glitched, {ratio.energy_zero_delay:.2f}. Of an exact product with "
            f"Booth digits, which no approximate one can have, {strongest.energy:.2f} [{strongest.interval[0]:.2f}, "
            f"{strongest.interval[1]:.2f}].",
            narrow_answer(known or Technologies((found,)), errors),
            f"Conditions: {found.conditions}.",
            _of_technologies(known),
        ),
        tables=(
            Table(f"Energy of one product, pJ; {found.conditions}", found.columns, found.table()),
            *(_ratio_tables(known) if known is not None else ()),
        ),
        figures=_plots(shown, errors, "run" if known is None else "file"),
        data={**found.to_dict(), "technologies": None if known is None else known.to_dict()["rows"]},
    )


def _of_technologies(known: Technologies | None) -> str:
    command = "axfpm energy --technologies --stimulus lenet5 --multiplier NAME ... -o FILE"
    if known is None:
        return f"Ratios on five technologies do not come with this version; `{command}` measures them."
    spread = known.spread(APPROXIMATE, EXACT)
    return (
        f"Over {len(known.results)} technologies the ratio to {EXACT} is {spread}; these figures were measured before "
        f"and are rendered from their file, and `{command}` makes them anew."
    )


def narrow_answer(together: Technologies, errors: dict[str, float]) -> str:
    """Say which narrow exact multiplier errs no more than ax-fpm, and at what energy: the cheapest one measured.

    Parameters
    ----------
    together : Technologies
        Results; the first is the one that energies are quoted of.
    errors : dict of str to float
        Mean relative error of its rows, by name.
    """
    first = together.results[0]
    ours = first.row(APPROXIMATE)
    fitting = [
        row
        for row in first.rows
        if _is_narrow(row) and row.name in together.names and errors[row.name] <= errors[APPROXIMATE]
    ]
    if not fitting:
        return f"No narrow exact multiplier that errs no more than {APPROXIMATE} was measured."
    best = min(fitting, key=lambda row: row.energy_pj)
    shares = [result.row(best.name).energy_pj / result.row(APPROXIMATE).energy_pj for result in together.results]
    several = f", {min(shares):.3f} to {max(shares):.3f} over {len(shares)} technologies" if len(shares) > 1 else ""
    verdict = "less" if best.energy_pj < ours.energy_pj else "more"
    fractions = look_up(best.multiplier).precision - 1
    return (
        f"The exact multiplier of {fractions} fraction bit{'s' * (fractions != 1)}, {best.name}, errs by "
        f"{errors[best.name]:.3f} where {APPROXIMATE} errs by {errors[APPROXIMATE]:.3f}, and takes {verdict} energy: "
        f"{best.energy_pj:.3g} pJ a product against {ours.energy_pj:.3g} pJ on {first.conditions.library} "
        f"({best.energy_pj / ours.energy_pj:.3f}{several})."
    )


def _is_narrow(row: EnergyRow) -> bool:
    m = look_up(row.multiplier)
    return m.design.is_exact and m.precision < look_up("exact").precision


def _errors(result: Energy, seed: int) -> dict[str, float]:
    return {row.name: error(row.multiplier, n=SAMPLES, seed=seed).mred for row in result.rows}


def _ratio_tables(known: Technologies) -> list[Table]:
    what = f"measured before, {known.results[0].conditions.stimulus}; {known.results[0].conditions.intervals}"
    return [
        Table(f"Energy divided by that of {base}; {what}", known.columns(base), known.table(base), origin="file")
        for base in known.baselines
    ]


def _plots(result: Energy, errors: dict[str, float], origin: Origin) -> tuple[Figure, ...]:
    rows = [
        {
            "name": row.name,
            "error": errors[row.name],
            "energy": row.energy_pj,
            "area": row.area_um2,
            "delay": row.critical_path_ns,
        }
        for row in result.rows
    ]
    where = f"{result.conditions.library}; {result.conditions.stimulus}"
    energies = "; ".join(f"{r['name']}: error {r['error']:.2g}, {r['energy']:.3g} pJ" for r in rows)
    areas = "; ".join(f"{r['name']}: {r['delay']:.3g} ns, {r['area']:,.0f} um^2" for r in rows)
    delay, area = ("delay", "critical path, ns"), ("area", "area, um^2")
    return (
        Figure(
            f"Error against energy; nothing lies left of and below the line. {where}.",
            f"{energies}.",
            figures.against(rows, ("error", figures.ERROR_TITLE), ("energy", "energy, pJ"), alt_text=f"{energies}."),
            origin=origin,
        ),
        Figure(
            f"Delay against area; nothing lies left of and below the line. {where}.",
            f"{areas}.",
            figures.against(rows, delay, area, alt_text=f"{areas}."),
            origin=origin,
        ),
    )
