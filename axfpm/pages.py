"""Tables in README and documentation that follow from the measurements that come with the package.

Nothing in them is written by hand: ``python -m axfpm.pages`` puts them where they belong after a measurement, and a
test says where they differ from the files. In a page they stand between two marks; the rows in README, whose table no
mark may part, are known by their beginning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from axfpm.circuit_tables import circuit_readme_rows, circuit_tables, measured_circuits
from axfpm.gpu_tables import gpu_row, gpu_tables, measured_gpu
from axfpm.joint_front.tables import front_pages, front_readme_rows, measured_fronts
from axfpm.markdown import markdown_table, three_digits, with_interval
from axfpm.recovery_tables import measured_recoveries, recovery_rows, recovery_tables
from golden.errors import InvalidInput
from golden.files import write

if TYPE_CHECKING:
    from synth.energy.inference.result import InferenceRow
    from synth.energy.inference.technologies import Inferences

__all__ = ["PAGES", "ROOT", "brought_up_to_date", "measured"]

ROOT = Path(__file__).parents[1]
"""Where the pages are, in a copy of the repository."""
ON_GPU = "<!-- measured on a GPU, by axfpm.pages -->"
TRAINED = "<!-- from the measured trainings, by axfpm.pages -->"
CIRCUITS = "<!-- from the measured circuits, by axfpm.pages -->"
FRONTS = "<!-- from the measured fronts, by axfpm.pages -->"
BEGIN, END = "<!-- from the measured inferences, by axfpm.pages -->", "<!-- end of what axfpm.pages writes -->"
ROW = "| energy of the multiply-accumulates of an image of "
NONE = "None comes with this version."
SUBJECT, NARROW = "ax-fpm", "e8m2"

Found = Mapping[str, "Inferences"]


def measured() -> dict[str, Inferences]:
    """Return the inferences that come with the package, by the name of their network on the command line."""
    from synth.energy.inference.technologies import MEASURED, read

    return {path.stem: read(path) for path in sorted(MEASURED.glob("*.json"))}


def brought_up_to_date(page: str, text: str, found: Found) -> str:
    """Return a page with the tables that follow from inferences.

    Parameters
    ----------
    page : str
        Its name in ``PAGES``.
    text : str
        The page as it is.
    found : mapping of str to Inferences
        As ``measured`` returns them.

    Raises
    ------
    InvalidInput
        If the page has no place for them, or several.
    """
    return PAGES[page](text, found)


def _between(*tables: tuple[str, Callable[[Found], str]]) -> Callable[[str, Found], str]:
    """Of marks and what belongs between each and the next end, in their order on the page."""
    marks = [mark for begin, _ in tables for mark in (begin, END)]
    one = "|".join(map(re.escape, dict.fromkeys(marks)))

    def page(text: str, found: Found) -> str:
        if re.findall(one, text) != marks:
            raise InvalidInput(
                f"there is not one place each for {', '.join(map(repr, marks))}, in this order; put the marks where "
                "tables go"
            )
        kept = re.split(one, text)[::2]
        parts = [f"{begin}\n\n{write_tables(found) or NONE}\n\n{END}" for begin, write_tables in tables]
        return "".join(part for pair in zip(kept, [*parts, ""], strict=True) for part in pair)

    return page


def _rows(text: str, found: Found) -> str:
    text = front_readme_rows(recovery_rows(text, measured_recoveries()), measured_fronts())
    text = circuit_readme_rows(text, measured_circuits())
    lines = gpu_row(text, measured_gpu()).splitlines(keepends=True)
    own = [k for k, line in enumerate(lines) if line.startswith(ROW)]
    # Where there are none yet, they come behind the last row on energy.
    place = own[0] if own else 1 + max((k for k, line in enumerate(lines) if "`axfpm energy" in line), default=-2)
    if place < 0:
        raise InvalidInput("there is no row of a table with a command `axfpm energy`; the rows belong behind it")
    others = [line for k, line in enumerate(lines) if k not in own]
    return "".join([*others[:place], *(_readme(name, each) + "\n" for name, each in found.items()), *others[place:]])


def _readme(name: str, found: Inferences) -> str:
    first, subject = found.results[0], _of_all(found, SUBJECT)
    parts = [
        f"{SUBJECT} "
        + "; ".join(f"{', '.join(with_interval(r.ratios[b]) for r in subject)} of {b}" for b in first.baselines),
        *(
            f"{name} {', '.join(f'{row.ratios[first.baselines[0]].energy:.2f}' for row in _of_all(found, name))} of "
            f"{first.baselines[0]}"
            for name in first.names
            if name not in (SUBJECT, *first.baselines)
        ),
    ]
    where = ", ".join(each.library for each in found.results)
    return f"{ROW}{first.network}, registers included, on {where} | {'; '.join(parts)} | `{_command(name, found)}` |"


def _figures(found: Found) -> str:
    return "\n\n".join(part for name, each in found.items() for part in _of_network(name, each))


def _of_network(name: str, found: Inferences) -> list[str]:
    first = found.results[0]
    head = (
        f"### {first.network}, classifying {first.data}\n\n`{_command(name, found)}`, microjoules an image and ratios "
        "with 95% intervals; images classified correctly, as it is and with calibrated biases:"
    )
    columns = ["multiplier", "correct", "calibrated"]
    for each in found.results:
        columns += [f"uJ, `{each.library}`", *(f"/ {base}" for base in each.baselines)]
    rows = [[name, *_accuracies(first.row(name)), *_energies(name, found)] for name in first.names]
    parts = [head, markdown_table(columns, rows)]
    for each in found.results:
        layers = [
            [layer.layer, f"{layer.macs:,}", *(three_digits(row.layers[k].energy_pj) for row in each.rows)]
            for k, layer in enumerate(each.rows[0].layers)
        ]
        parts += [
            f"One multiply-accumulate in each layer on `{each.library}`, pJ:",
            markdown_table(["layer", "an image", *each.names], layers),
        ]
    return [*parts, "\n".join(f"- `{each.library}`: {each}." for each in found.results)]


def _verdicts(found: Found) -> str:
    rows = [
        [
            f"{verdict.claim.text} ({verdict.claim.source})",
            verdict.network,
            verdict.baseline,
            ", ".join(f"{r:.2f} [{low:.2f}, {high:.2f}] ({where})" for where, (r, low, high) in verdict.ratios.items()),
            f"**{verdict.verdict}**: {verdict.reason}",
        ]
        for each in found.values()
        for verdict in each.verdicts
    ]
    return markdown_table(["claim", "network", "against", "measured", "verdict"], rows) if rows else ""


def _of_all(found: Inferences, name: str) -> list[InferenceRow]:
    return [each.row(name) for each in found.results]


def _accuracies(row: InferenceRow) -> list[str]:
    return ["-", "-"] if row.accuracy is None else [str(row.accuracy.raw), str(row.accuracy.calibrated)]


def _energies(name: str, found: Inferences) -> list[str]:
    cells = []
    for row, each in zip(_of_all(found, name), found.results, strict=True):
        cells.append("{} [{}, {}]".format(*map(three_digits, (row.image_uj, *row.image_interval))))
        cells += ["1" if base == row.name else with_interval(row.ratios[base]) for base in each.baselines]
    return cells


def _command(name: str, found: Inferences) -> str:
    where = " ".join(f"--library {each.library}" for each in found.results)
    return f"axfpm energy inference --network {name} {where}"


SAVED = re.compile(
    r"(adders and registers, )\d+ to \d+%(\s+against\s+`exact`\s+and\s+)\d+ to \d+%(\s+against\s+the\s+strongest)"
)
NARROWER = re.compile(r"(\s)[\d.]+ to [\d.]+( of it in an inference)")


def _sentences(text: str, found: Found) -> str:
    """What README says first of inferences, with the figures of all networks and libraries."""
    if not found or SAVED.search(text) is None:
        return text
    ours = [row for each in found.values() for row in _of_all(each, SUBJECT)]
    first, strongest = next(iter(found.values())).results[0].baselines
    saved = [[100 * (1 - row.ratios[base].energy) for row in ours] for base in (first, strongest)]
    of_exact, of_strongest = (f"{min(all_of):.0f} to {max(all_of):.0f}%" for all_of in saved)
    narrow = [row.image_uj for each in found.values() for row in _of_all(each, NARROW)]
    shares = [one / row.image_uj for one, row in zip(narrow, ours, strict=True)]
    text = SAVED.sub(rf"\g<1>{of_exact}\g<2>{of_strongest}\g<3>", text)
    return NARROWER.sub(rf"\g<1>{min(shares):.2f} to {max(shares):.2f}\g<2>", text)


PAGES: dict[str, Callable[[str, Found], str]] = {
    "README.md": lambda text, found: _sentences(_rows(text, found), found),
    "docs/claims.md": _between((BEGIN, _verdicts)),
    "docs/emulation.md": _between((ON_GPU, lambda _inferences: gpu_tables(measured_gpu()))),
    "docs/hardware.md": _between(
        (CIRCUITS, lambda _inferences: circuit_tables(measured_circuits())), (BEGIN, _figures)
    ),
    "docs/front.md": _between((FRONTS, lambda _inferences: front_pages(measured_fronts()))),
    "docs/training.md": _between((TRAINED, lambda _inferences: recovery_tables(measured_recoveries()))),
}
"""Pages by their place in the repository, each with what brings it up to date: ``function(text, found) -> text``."""


def main() -> None:
    """Bring every page of this copy of the repository up to date."""
    found = measured()
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        write(ROOT / page, brought_up_to_date(page, text, found))


if __name__ == "__main__":
    main()
