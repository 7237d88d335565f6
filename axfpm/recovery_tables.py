"""What training on multipliers recovers, as the tables of a page: ``axfpm.pages`` puts them there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from axfpm.markdown import markdown_table, rows_behind

if TYPE_CHECKING:
    from golden.robustness.recovery import Recovery, RecoveryRow

__all__ = ["measured_recoveries", "recovery_rows", "recovery_tables"]

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
ROW = "| clean accuracy on the multiplier before and after training on it"
BEFORE = "| a step of training on "
COMMAND = "python benchmarks/fine_tuning.py --network"
CONTROL = "exact"
"""Training on it is only more training, which README leaves out."""


def measured_recoveries() -> dict[str, Recovery]:
    """Return those that come with the package, by the name of their first network."""
    from golden.robustness.recovery import MEASURED, read

    return {path.stem: read(path) for path in sorted(MEASURED.glob("*.json"))}


def recovery_tables(found: Mapping[str, Recovery]) -> str:
    """Return one table for each network: images classified correctly in percent, and differences in points."""
    return "\n\n".join(part for each in found.values() for part in _of_network(each))


def recovery_rows(text: str, found: Mapping[str, Recovery]) -> str:
    """Return README with one row for each network behind that on a step of training.

    Raises
    ------
    InvalidInput
        If there is no such row, and rows to put there.
    """
    return rows_behind(text, BEFORE, ROW, [*map(_readme, found.values())], "rows on training")


def _readme(found: Recovery) -> str:
    def mean(row: RecoveryRow, way: str) -> float:
        return sum(found.accuracies(row, way)) / len(found.seeds)

    parts = [
        f"{row.multiplier} {mean(row, 'raw'):.1f}%, {mean(row, 'trained'):.1f}%: {_points(row.gained)} points, "
        f"{_points(row.left)} from exact torch"
        for row in found.rows
        if row.multiplier != CONTROL
    ]
    return (
        f"{ROW} (epochs: {found.epochs}), {found.model} on {found.data}, {len(found.seeds)} networks, "
        f"{found.samples:,} test images | {'; '.join(parts)} | `{COMMAND} {found.network}` |\n"
    )


def _points(pair: tuple[float, float, float]) -> str:
    return "{:+.2f} [{:+.2f}, {:+.2f}]".format(*pair)


def _of_network(found: Recovery) -> list[str]:
    seeds = ", ".join(map(str, found.seeds))
    told = "; ".join(f"{key} {value}" for key, value in found.settings.items())
    head = (
        f"### {found.model} on {found.data}\n\n`{COMMAND} {found.network}`: networks "
        f"of the seeds {seeds}, {found.samples:,} test images, epochs on the multiplier: {found.epochs} ({told}). "
        "Percent of each network; differences are points, means over networks with intervals that hold together at 95%."
    )
    return [head, markdown_table(COLUMNS, [_line(found, row) for row in found.rows])]


def _line(found: Recovery, row: RecoveryRow) -> list[str]:
    ways = [", ".join(f"{share:.2f}" for share in found.accuracies(row, way)) for way in row.correct]
    points = [_points(pair) for pair in (row.lost, row.left, row.gained)]
    return [f"`{row.multiplier}`", *ways, *points]
