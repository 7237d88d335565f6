"""What training on multipliers recovers, as the tables of a page: ``axfpm.pages`` puts them there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from golden.robustness.recovery import Recovery, RecoveryRow

__all__ = ["measured_recoveries", "recovery_tables"]

COLUMNS = (
    "multiplier",
    "exactly, as trained",
    "on it, as trained",
    "on it, calibrated",
    "on it, trained on it",
    "as trained - exactly",
    "trained on it - exactly",
    "gained",
)


def measured_recoveries() -> dict[str, Recovery]:
    """Return those that come with the package, by the name of their first network."""
    from golden.robustness.recovery import MEASURED, read

    return {path.stem: read(path) for path in sorted(MEASURED.glob("*.json"))}


def recovery_tables(found: Mapping[str, Recovery]) -> str:
    """Return one table for each network: images classified correctly in percent, and differences in points."""
    return "\n\n".join(part for each in found.values() for part in _of_network(each))


def _of_network(found: Recovery) -> list[str]:
    seeds = ", ".join(map(str, found.seeds))
    told = "; ".join(f"{key} {value}" for key, value in found.settings.items())
    head = (
        f"### {found.model} on {found.data}\n\n`python benchmarks/fine_tuning.py --network {found.network}`: networks "
        f"of the seeds {seeds}, {found.samples:,} test images, epochs on the multiplier: {found.epochs} ({told}). "
        "Percent of each network; differences are points, means over networks with intervals that hold together at 95%."
    )
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|", *(_line(found, row) for row in found.rows)]
    return [head, "\n".join(lines)]


def _line(found: Recovery, row: RecoveryRow) -> str:
    ways = [", ".join(f"{share:.1f}" for share in found.accuracies(row, way)) for way in row.correct]
    points = ["{:+.1f} [{:+.1f}, {:+.1f}]".format(*pair) for pair in (row.lost, row.left, row.gained)]
    return f"| {' | '.join([f'`{row.multiplier}`', *ways, *points])} |"
