"""The section on the catalogue: every multiplier by everything that is known of it, from files and from this run."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from axfpm.report import figures
from axfpm.report.section import Axis, Explorer, Origin, Section, Table
from axfpm.shipped import shipped_hardware, shipped_robustness, shipped_speed
from golden.catalogue import MULTIPLIERS
from golden.metrics import error

__all__ = ["TITLE", "catalogue"]

TITLE = "The catalogue"
SAMPLES = 1 << 17
HARDWARE = {
    "area_um2": ("area", "um^2"),
    "critical_path_ns": ("critical path", "ns"),
    "energy_pj": ("energy of a product", "pJ"),
}
"""Figures of a circuit: what they are, and in which unit."""
SUITES = {"twin": "robust accuracy, twin", "white-box": "robust accuracy, white-box"}
"""Threat models that multipliers are compared by."""
SHOWN = ("mred", "worst", "area_um2.osu018", "critical_path_ns.osu018", "energy_pj.osu018", "slowdown.file")
"""Axes that the table shows, beside those of ``SUITES`` and clean accuracy that are first found."""

Values = dict[str, dict[str, dict[str, Any]]]
"""By axis and multiplier."""


class _Found:
    """Axes and their values, as they are found."""

    def __init__(self) -> None:
        self.axes: dict[str, Axis] = {}
        self.values: Values = {}

    def add(
        self, axis: Axis, name: str, value: float | None, interval: Sequence[float] | None = None, text: str = ""
    ) -> None:
        if value is None or name not in MULTIPLIERS:
            return
        low, high = interval or (value, value)
        words = text or (f"{value:.3g} [{low:.3g}, {high:.3g}]" if interval else f"{value:.3g}")
        self.axes.setdefault(axis.key, axis)
        self.values.setdefault(axis.key, {})[name] = {"value": value, "low": low, "high": high, "text": words}


def catalogue(sections: Mapping[str, Section], seed: int) -> Section:
    """The catalogue with all that files and the other sections know of it.

    Parameters
    ----------
    sections : mapping of str to Section
        By key; those that were not run add nothing.
    seed : int
        Of the pairs that errors are measured over.
    """
    found = _Found()
    _errors(found, seed)
    _hardware(found)
    _robustness(found)
    _shipped_speeds(found)
    for key, read in (("synthesis", _circuits), ("energy", _energies), ("robustness", _attacked), ("speed", _speeds)):
        section = sections.get(key)
        if section is not None and section.data and not section.not_run:
            read(found, section.data)
    # Axes came as their multipliers did; a group begins where its first one stood.
    groups = list(dict.fromkeys(axis.group for axis in found.axes.values()))
    explorer = Explorer(
        axes=sorted(found.axes.values(), key=lambda axis: groups.index(axis.group)),
        rows=[
            {
                "name": name,
                "family": figures.family(name),
                "values": {key: found.values[key][name] for key in found.axes if name in found.values[key]},
            }
            for name in sorted(MULTIPLIERS, key=lambda name: figures.FAMILIES.index(figures.family(name)))
        ],
        chart=figures.chosen(),
        across=next((key for key in SHOWN[::-1] if key in found.axes), "mred"),
        up="mred",
        caption="Pale: another one is at least as good in both, and better in one, wherever in the 95% intervals the "
        "truth lies. A figure without an interval is taken as it is.",
    )
    return Section(
        key="catalogue",
        title=TITLE,
        command="axfpm list --json; axfpm show NAME",
        paragraphs=(
            f"{len(explorer.rows)} multipliers by {len(explorer.axes)} figures: choose which stands against which. "
            "Titles of axes say whether figures were measured in this run or come with the package. Robust accuracy is "
            "the share of images that are right under the best of all attacks for each: twin, with examples made on "
            "the exact network; white-box, with attacks through the multiplier itself.",
        ),
        tables=(_table(explorer),),
        data=explorer.to_dict(),
        explorer=explorer,
        origin="both",
    )


def _table(explorer: Explorer) -> Table:
    keys = [axis.key for axis in explorer.axes if axis.key in SHOWN]
    for start in ("clean.", "twin.", "white-box."):
        keys += [axis.key for axis in explorer.axes if axis.key.startswith(start)][:1]
    titles = {axis.key: axis.title for axis in explorer.axes}
    rows = [
        (
            row["name"],
            MULTIPLIERS[row["name"]].format.name,
            row["family"],
            *(row["values"][key]["value"] if key in row["values"] else "-" for key in keys),
        )
        for row in explorer.rows
    ]
    return Table("All multipliers", ("name", "format", "kind", *(titles[key] for key in keys)), rows)


@cache
def _measured(seed: int) -> Mapping[str, Mapping[str, float]]:
    return {
        name: error(m, n=SAMPLES, seed=seed).to_dict() for name, m in MULTIPLIERS.items() if m.format.word_bits == 32
    }


def _errors(found: _Found, seed: int) -> None:
    axes = {
        "mred": Axis("mred", "mean relative error (this run)", "Error", origin="run"),
        "worst": Axis("worst", "worst relative error (this run)", "Error", origin="run"),
        "nmed": Axis("nmed", "NMED, mean error over the largest product (this run)", "Error", origin="run"),
    }
    for name, report in _measured(seed).items():
        for key, axis in axes.items():
            found.add(axis, name, report[key])


@cache
def _files() -> Mapping[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """What comes with the package, by multiplier: hardware and robustness."""
    return {name: (shipped_hardware(name), shipped_robustness(name)) for name in MULTIPLIERS}


def _hardware(found: _Found) -> None:
    for key, (what, unit) in HARDWARE.items():
        for name, (rows, _) in _files().items():
            for row in rows:
                place = f"{key}.{row['library']}"
                axis = Axis(place, f"{what}, {unit}, {row['library']} (committed)", f"Hardware: {what}")
                found.add(axis, name, row[key], row["energy_interval"] if key == "energy_pj" else None)


def _robustness(found: _Found) -> None:
    for name, (_, presets) in _files().items():
        for one in presets:
            for row in one["rows"]:
                if row["target"] == name:
                    _accuracy(found, name, row["threat_model"], one["preset"], row, row["networks"], "file")


def _accuracy(
    found: _Found,
    name: str,
    threat: str,
    place: str,
    row: Mapping[str, Any],
    networks: Iterable[Mapping[str, Any]],
    origin: Origin,
) -> None:
    """Add a share of images under a threat model, ``clean`` where nobody attacks; several networks as their mean."""
    from golden.robustness.result_tables import mean
    from golden.robustness.statistics import Proportion

    if threat not in ("clean", *SUITES):
        return
    own = mean([Proportion(share["k"], share["n"]) for share in networks])
    case = "" if threat == "clean" else f", {row['norm']} {row['budget']:g}"
    where = "this run" if origin == "run" else "committed"
    key = ".".join((threat, place, *((row["norm"], f"{row['budget']:g}") if case else ())))
    title = f"{'clean accuracy' if threat == 'clean' else SUITES[threat]}, {place}{case} ({where})"
    axis = Axis(key, title, f"Robustness: {place} ({where})", "more", log=False, origin=origin)
    found.add(axis, name, own.rate, own.interval, str(own))


def _circuits(found: _Found, data: Mapping[str, Any]) -> None:
    for row in data["rows"]:
        for key in ("area_um2", "critical_path_ns"):
            what, unit = HARDWARE[key]
            axis = Axis(f"{key}.here", f"{what}, {unit} (this run)", f"Hardware: {what}", origin="run")
            found.add(axis, row["multiplier"], row[key])


def _energies(found: _Found, data: Mapping[str, Any]) -> None:
    what, unit = HARDWARE["energy_pj"]
    axis = Axis("energy_pj.here", f"{what}, {unit} (this run)", f"Hardware: {what}", origin="run")
    for row in data["rows"]:
        if row["tree"] == "dadda":
            found.add(axis, row["multiplier"], row["energy_pj"], row["energy_interval"])


def _attacked(found: _Found, data: Mapping[str, Any]) -> None:
    place = data["settings"]["data"]
    for row in data["clean"]:
        _accuracy(found, row["target"], "clean", place, row, [row["accuracy"]], "run")
    for row in data["suites"]:
        _accuracy(found, row["target"], row["threat_model"], place, row, [row["robust_accuracy"]], "run")
    for row in data["attacks"]:
        share = row["transfer"]
        if row["threat_model"] == "twin" and row["view"] == "as is" and share and share["n"]:
            title = f"transfer rate of {row['attack']}, {place} (this run)"
            axis = Axis(f"transfer.{row['attack']}", title, "Transfer (this run)", log=False, origin="run")
            words = f"{share['k']}/{share['n']} = {share['rate']:.1%}"
            found.add(axis, row["target"], share["rate"], share["interval"], words)


def _speeds(found: _Found, data: Mapping[str, Any]) -> None:
    ratios: dict[str, list[float]] = {}
    for row in data["rows"]:
        if row["threads"] == 1:
            ratios.setdefault(row["multiplier"], []).append(row["ratio"])
    for name, own in ratios.items():
        _slowdown(found, name, own, "run")


def _shipped_speeds(found: _Found) -> None:
    for name in MULTIPLIERS:
        if speed := shipped_speed(name):
            _slowdown(found, name, [row["ratio"] for row in speed["rows"]], "file")


def _slowdown(found: _Found, name: str, ratios: Sequence[float], origin: Origin) -> None:
    key, where = ("slowdown", "this run") if origin == "run" else ("slowdown.file", "committed")
    title = f"emulation, times slower than exact torch, median over shapes ({where})"
    middle = statistics.median(ratios)
    words = f"{middle:.3g} ({min(ratios):.3g} to {max(ratios):.3g})"
    found.add(Axis(key, title, "Emulation", log=False, origin=origin), name, middle, text=words)
