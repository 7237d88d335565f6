"""Pages of the catalogue in the documentation, as reStructuredText: what ``axfpm show`` knows, and its pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from axfpm.commands.show import BASELINE, definition, page, robust_rows, speed_conditions, verdict_sentences
from axfpm.console import format_cell
from axfpm.pictures.errors import Point, draw_front
from axfpm.pictures.kinds import picture
from golden.catalogue import Multiplier
from golden.errors import InvalidInput
from golden.templates import render

__all__ = ["catalogue_page", "multiplier_page"]

FIGURES = {
    "rows": ("Partial products", "The bits that are added, the greatest weight on the left."),
    "tree": ("The tree that adds them", "Every level of a Dadda tree as the hardware's generator builds it."),
    "histogram": ("Errors by size", "Signed relative errors of products of uniform significands."),
    "errors": ("Errors by significands", "Mean relative errors; a colour means the same on every page."),
}
NOT_RUN = "not run"
"""What the rule says where its tests were not run."""
LIBRARY = "nangate45"
"""The cell library of the joint view."""


def multiplier_page(m: Multiplier, found: dict[str, Any] | None = None) -> str:
    """The page of one multiplier.

    Parameters
    ----------
    m : Multiplier
        The multiplier.
    found : dict, optional
        What ``axfpm.commands.show.page`` says of it, where that is known already.
    """
    found = found or page(m)
    hardware = found["hardware"]
    e, speed = found["error"], found["speed"]
    return render(
        "axfpm",
        "multiplier.rst",
        name=found["name"],
        definition=definition(m),
        origin=_origin(m),
        figures=list(_figures(m)),
        error=[e[key] for key in ("mred", "nmed", "bias", "worst", "larger")] if e else None,
        pairs=f"{e['n']:,}" if e else "",
        hardware=[_hardware(row) for row in hardware],
        conditions=[f"{row['library']}: {row['where']}." for row in hardware] + [row["how"] for row in hardware[:1]],
        baseline=BASELINE,
        robustness=[_robustness(one) for one in found["robustness"]],
        kernels=_kernels(m),
        speed=[(row["shape"], row["ratio"], row["gmacs"]) for row in speed["rows"]] if speed else [],
        speed_conditions=speed_conditions(speed) if speed else "",
        verilog=found["verilog"],
        citations=found["citations"],
        table=table,
        text=text,
    )


def catalogue_page(found: Sequence[tuple[Multiplier, dict[str, Any]]]) -> str:
    """The joint view: a table of all, and their errors against their energies.

    Parameters
    ----------
    found : sequence of (Multiplier, dict)
        Every multiplier and what ``axfpm.commands.show.page`` says of it.
    """
    rows, points = [], []
    for m, one in found:
        name, e = one["name"], one["error"] or {}
        slower = [row["ratio"] for row in one["speed"].get("rows", ())]
        cells = next((row for row in one["hardware"] if row["library"] == LIBRARY), {})
        figures = [cells.get(key, "-") for key in ("area_um2", "critical_path_ns", "energy_pj")]
        verdicts = {v["verdict"] for each in one["robustness"] for v in each["verdicts"]}
        verdicts = sorted(verdicts - {NOT_RUN} or verdicts)
        rows.append((_link(name), one["bits"] or "-", e.get("mred", "-"), e.get("worst", "-"), *figures,
                     median(slower) if slower else "-", ", ".join(verdicts) or "not asked"))  # fmt: skip
        if cells and e.get("mred"):
            points.append(Point(name, e["mred"], cells["energy_pj"], not m.design.is_exact))
    front = draw_front(
        points,
        x="mean relative error",
        y=f"energy of a product, pJ ({LIBRARY})",
        title="Error against energy",
    )
    pairs = next(f"{one['error']['n']:,}" for _, one in found if one["error"])
    names = [one["name"] for _, one in found]
    libraries, shares = _shares([one for _, one in found])
    return render(
        "axfpm",
        "catalogue.rst",
        rows=rows,
        front=front,
        names=names,
        library=LIBRARY,
        libraries=libraries,
        shares=shares,
        baseline=BASELINE,
        pairs=pairs,
        table=table,
    )


def _link(name: str) -> Markup:
    return Markup(f":doc:`{name} </catalogue/{name}>`")


def _shares(found: Sequence[dict[str, Any]]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Cell libraries, and by multiplier the energy of a product in each, as a share of the baseline's."""
    libraries = list(dict.fromkeys(row["library"] for one in found for row in one["hardware"]))
    rows: list[tuple[Any, ...]] = []
    for one in found:
        known = {row["library"]: (row["ratios"].get(BASELINE) or {}).get("energy", "-") for row in one["hardware"]}
        if known:
            rows.append((_link(one["name"]), *(known.get(library, "-") for library in libraries)))
    return libraries, rows


class Markup(str):
    """Text that is reStructuredText already."""


def text(value: object) -> str:
    """Text of which no character means anything in reStructuredText."""
    if isinstance(value, Markup):
        return value
    shown = "".join(f"\\{c}" if c in r"\*`|_" else c for c in str(value))
    return f"\\{shown}" if shown[:1] in ("-", "+") else shown


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A list-table; numbers as the commands show them."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in (columns, *rows):
        shown = [cell if isinstance(cell, Markup) else text(format_cell(cell)) for cell in row]
        lines += [f"   {'* -' if k == 0 else '  -'} {cell}" for k, cell in enumerate(shown)]
    return "\n".join((*lines, ""))


def _figures(m: Multiplier) -> Iterable[tuple[str, str, str]]:
    """Heading, caption and drawing of each figure; where there is none, why."""
    for kind, (heading, caption) in FIGURES.items():
        try:
            yield heading, caption, picture(kind, m, alone=False)
        except InvalidInput as error:
            sentence = str(error)
            yield heading, f"{sentence[:1].upper()}{sentence[1:].partition(';')[0]}.", ""


def _origin(m: Multiplier) -> str:
    p = m.precision
    return f"Significands of {p} bits; an exact product adds {p * p} bits."


def _hardware(row: dict[str, Any]) -> tuple[Any, ...]:
    ratio = row["ratios"].get(BASELINE) or {}
    shares = [ratio.get(key, "-") for key in ("area", "critical_path", "energy")]
    interval = "{:.3g} to {:.3g}".format(*row["energy_interval"])
    return (row["library"], row["area_um2"], row["critical_path_ns"], row["energy_pj"], interval, *shares)


def _robustness(one: dict[str, Any]) -> dict[str, Any]:
    kept = {key: one[key] for key in ("preset", "model", "data")}
    return {**kept, "rows": robust_rows(one), "verdicts": verdict_sentences(one)}


def _kernels(m: Multiplier) -> str:
    """What may compute its sums of products, on whatever processor."""
    from golden.kernels import bodies
    from golden.speed.bounds import operations

    found = []
    for body in bodies.BODIES:
        if body.accepts(m):
            count = operations(body, m)
            needs = ", ".join(sorted(body.features)) or "any processor"
            steps = f", {count[0]} floating-point and {count[1]} other operations" if count else ""
            found.append(f"{body.name} ({needs}{steps})")
    kernels = "; ".join(found) or "none: NumPy computes them"
    return f"Kernels that compute its sums of products bit for bit, the first that the processor has: {kernels}."
