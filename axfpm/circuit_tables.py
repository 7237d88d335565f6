"""The measured energies of circuits on several technologies, as tables of a page: ``axfpm.pages`` puts them there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from axfpm.markdown import markdown_table, rows_behind, three_digits, with_interval

if TYPE_CHECKING:
    from synth.energy.technologies import Technologies

__all__ = ["CIRCUITS", "circuit_readme_rows", "circuit_tables", "measured_circuits"]

CIRCUITS = {"mac": "multiplier and adder", "pe": "a processing element"}
"""Blocks that have a file of their own beside that of the multiplier, in words."""
ROW, BEFORE = "| energy of an operation of ", "| both on five technologies"
SUBJECT, EXACT, STRONGEST = "ax-fpm", "exact", "exact-trunc (booth tree)"


def measured_circuits() -> dict[str, Technologies]:
    """Return what comes with the package of ``axfpm energy BLOCK --technologies``, by block."""
    from synth.energy.technologies import MEASURED, read

    files = {block: MEASURED / f"{block}.json" for block in CIRCUITS}
    return {block: read(file) for block, file in files.items() if file.exists()}


def circuit_tables(found: Mapping[str, Technologies]) -> str:
    """Return each block's energy on each technology, ratios to two exact ones, and what became of the prediction."""
    return "\n\n".join(part for block, each in found.items() for part in _of_block(block, each))


def circuit_readme_rows(text: str, found: Mapping[str, Technologies]) -> str:
    """Return README with a row for each block behind that of the multiplier on all technologies.

    Raises
    ------
    InvalidInput
        If there is no such row, and rows to put there.
    """
    rows = [_readme(block, each) for block, each in found.items()]
    return rows_behind(text, BEFORE, ROW, rows, "rows on circuits")


def _readme(block: str, found: Technologies) -> str:
    def spread(name: str, base: str) -> str:
        ratios = found.ratios(name, base).values()
        return f"{min(ratios):.2f} to {max(ratios):.2f}"

    ours = " and ".join(f"{spread(SUBJECT, base)} of {base}" for base in (EXACT, STRONGEST))
    narrow = [name for name in found.names if name != SUBJECT and "exact" not in name]
    others = ", ".join(f"`{name}` {spread(name, EXACT)}" for name in narrow)
    where = f"{CIRCUITS[block]} (`{block}`) on {len(found.libraries)} technologies"
    return f"{ROW}{where} | {SUBJECT} {ours}; {others} of {EXACT} | `{_command(block, found)}` |\n"


def _of_block(block: str, found: Technologies) -> list[str]:
    from synth.energy.inference.claims import PREDICTED, ruled

    columns = ["", *(f"`{library}`" for library in found.libraries)]
    energies = [[name, *(three_digits(each.row(name).energy_pj) for each in found.results)] for name in found.names]
    parts = [f"`{_command(block, found)}`, pJ an operation:", markdown_table(columns, energies)]
    verdicts = []
    for base in (EXACT, STRONGEST):
        ratios = {name: [each.row(name).ratios[base] for each in found.results] for name in found.names if name != base}
        rows = [[name, *map(with_interval, own)] for name, own in ratios.items()]
        parts += [f"Over {base}, with 95% intervals:", markdown_table(columns, rows)]
        ours = zip(found.libraries, ratios[SUBJECT], strict=True)
        verdict, reason = ruled(PREDICTED, {library: (ratio.energy, *ratio.interval) for library, ratio in ours})
        predicted = f"at most {PREDICTED:g} of {base}, as predicted of multiplier and adder"
        verdicts.append(f"- {SUBJECT} {predicted}: {verdict}; {reason}.")
    libraries = zip(found.libraries, found.results, strict=True)
    return [*parts, "\n".join(verdicts), "\n".join(f"- `{library}`: {each.conditions}." for library, each in libraries)]


def _command(block: str, found: Technologies) -> str:
    first = found.results[0]
    named = " ".join(f"--multiplier {row.multiplier}" for row in first.rows if not row.baseline)
    conditions = first.conditions
    return (
        f"axfpm energy {block} {named} --stimulus lenet5 --technologies -n {conditions.pairs} --variants "
        f"{conditions.variants}"
    )
