"""The section on the energy of an inference, rendered from the files that come with the package, and its verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axfpm.report.section import Scope, Section, Table
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


def _tables(found: Inferences) -> list[Table]:
    tables = []
    for result in found.results:
        where = f"{result.network} on {result.library}"
        tables += [
            Table(f"Energy of one image, {where}; {result.conditions.intervals}", result.columns, result.table()),
            Table(f"Energy of one multiply-accumulate, pJ, {where}", result.layer_columns, result.layer_table()),
        ]
    return tables
