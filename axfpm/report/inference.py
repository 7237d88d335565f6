"""The section on the energy of an inference, rendered from the files that come with the package, and its verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axfpm.report import figures
from axfpm.report.section import Figure, Scope, Section, Table
from golden.progress import Progress

if TYPE_CHECKING:
    from synth.energy.inference.technologies import Inferences

__all__ = ["TITLE", "inference"]

TITLE = "Energy of an inference"
COMMAND = "axfpm energy inference --library osu018 --library nangate45 -o FILE"


def inference(scope: Scope, progress: Progress) -> Section:
    """Energy of one image of each network that was measured, whatever the scope."""
    from synth.energy.inference import technologies

    found = [technologies.read(path) for path in sorted(technologies.MEASURED.glob("*.json"))]
    if not found:
        return Section("inference", TITLE, not_run=f"no inference comes with this version; `{COMMAND}` measures one")
    return Section(
        key="inference",
        title=TITLE,
        command=COMMAND,
        paragraphs=[sentence for each in found for sentence in _words(each)],
        tables=[table for each in found for table in _tables(each)],
        figures=[_figure(each) for each in found],
        data={"networks": [each.to_dict() for each in found]},
        origin="file",
    )


def _words(found: Inferences) -> list[str]:
    first = found.results[0]
    verdicts = "; ".join(
        f"{verdict.claim.text} ({verdict.claim.source}), against {verdict.baseline}: {verdict.verdict}"
        for verdict in found.verdicts
    )
    return [f"Measured before: {first}.", f"{first.network}: {verdicts}."]


def _figure(found: Inferences) -> Figure:
    """Ratios to the first baseline, by library."""
    first = found.results[0]
    baseline = next(row.name for row in first.rows if row.baseline)
    rows = [
        {
            **{"group": row.name, "target": result.library, "value": ratio.energy},
            **dict(zip(("low", "high"), ratio.interval, strict=True)),
        }
        for result in found.results
        for row in result.rows
        if (ratio := row.ratios.get(baseline)) is not None and row.name != baseline
    ]
    said = "; ".join(f"{r['group']} on {r['target']}: {r['value']:.2f} [{r['low']:.2f}, {r['high']:.2f}]" for r in rows)
    return Figure(
        f"Energy of one image of {first.network}, divided by that of {baseline}; 95% intervals. Left of 1 is a saving.",
        f"Shares of {baseline}'s energy. {said}.",
        figures.intervals(rows, title=f"energy of an image / {baseline}'s", alt_text=f"{said}."),
    )


def _tables(found: Inferences) -> list[Table]:
    tables = []
    for result in found.results:
        where = f"{result.network} on {result.library}"
        tables += [
            Table(f"Energy of one image, {where}; {result.conditions.intervals}", result.columns, result.table()),
            Table(f"Energy of one multiply-accumulate, pJ, {where}", result.layer_columns, result.layer_table()),
        ]
    return tables
