"""The section on the front: energy, clean and robust accuracy together, of everything whose energy is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import altair as alt

from axfpm.joint_front.tables import COMMAND, measured_fronts
from axfpm.report.charts import INK, colours_of_multipliers, finish, points
from axfpm.report.joint_front import joint_data, joint_figures, joint_sentences, joint_tables
from axfpm.report.section import Figure, Section, Table
from axfpm.shipped import shipped_hardware, shipped_suites

__all__ = ["TITLE", "Measured", "Point", "Task", "front"]

TITLE = "What it costs, what it computes and what it withstands"
SUBJECT, EXACT = "ax-fpm", "exact"
ATTACKS = {"white-box": "attacks made for the target", "twin": "examples made on the exact network"}
"""Threat models that are shown, in words."""
STATES = ("not beaten", "beaten in all three")
JOINT = (
    "On the first figures each network was attacked for itself by the whole of the adaptive attack, on the same images "
    "at the verdict's budgets: a network as it was trained is a circle, a calibrated one a square, a triangle was "
    "trained further on its multiplier, a diamond on perturbed images, a cross has a multiplier for each layer, found "
    "by a search. One is pale where another costs less, is more often right and withstands more in every norm, beyond "
    "intervals that hold together for all networks of a data set."
)
VARIANTS = {"as it is": "circle", "calibrated": "square", "other": "triangle-up"}
"""What was done to a network beside its multiplier, and how its dot looks."""


@dataclass(frozen=True)
class Measured:
    """A figure with the ends of its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Point:
    """A target by the three that count.

    Parameters
    ----------
    target, multiplier : str
        Its name, and what its products run on.
    energy : Measured
        Less is better.
    clean, robust : Measured
        Shares of images; more is better.
    """

    target: str
    multiplier: str
    energy: Measured
    clean: Measured
    robust: Measured

    def better(self, other: Point) -> tuple[bool, bool, bool]:
        """In which of the three it is better wherever in the intervals the truth lies; none costs less than itself."""
        cheaper = self.multiplier != other.multiplier and self.energy.high < other.energy.low
        return cheaper, self.clean.low > other.clean.high, self.robust.low > other.robust.high

    def beats(self, other: Point) -> bool:
        """Whether it is better in all three; of the same multiplier in the two that can differ."""
        cheaper, *rest = self.better(other)
        return (cheaper or self.multiplier == other.multiplier) and all(rest)

    def is_a_better_deal(self, other: Point) -> bool:
        """Whether it costs less, and the intervals tell nothing apart in which it is worse."""
        return self.better(other)[0] and not any(other.better(self))


@dataclass(frozen=True)
class Task:
    """Targets on one data set under one threat model.

    Parameters
    ----------
    preset, threat_model, norm : str
        Names.
    budget : float
        In pixel values of [0, 1].
    unit : str
        Of energies: what is counted, and where.
    points : tuple of Point
        The targets.
    """

    preset: str
    threat_model: str
    norm: str
    budget: float
    unit: str
    points: tuple[Point, ...]

    @property
    def name(self) -> str:
        """What tells it from others."""
        return f"{self.preset}, {self.threat_model}, {self.norm} {self.budget:g}"

    def beaten_by(self, one: Point) -> list[str]:
        """Names of those that are better than it in all three."""
        return [other.target for other in self.points if other.beats(one)]

    @property
    def sentence(self) -> str:
        """What follows for the subject."""
        own = next((one for one in self.points if one.target == SUBJECT), None)
        left = sum(not self.beaten_by(one) for one in self.points)
        said = f"{left} of {len(self.points)} targets are beaten by none in all three"
        if own is None:
            return f"{said}."
        by, deals = self.beaten_by(own), [one.target for one in self.points if one.is_a_better_deal(own)]
        verdict = f"{SUBJECT} is beaten in all three by {', '.join(by)}" if by else f"none beats {SUBJECT} in all three"
        cheaper = f"{', '.join(deals)} cost less and are worse in nothing that the intervals tell apart"
        return f"{said}; {verdict}; {cheaper if deals else 'none costs less and is worse in nothing'}."

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        own = [
            {
                **{"target": one.target, "multiplier": one.multiplier, "beaten_by": self.beaten_by(one)},
                **{key: vars(getattr(one, key)) for key in ("energy", "clean", "robust")},
            }
            for one in self.points
        ]
        return {**vars(self), "points": own, "sentence": self.sentence}


def front() -> Section:
    """What the files that come with the package say, a figure for each data set, threat model and norm."""
    tasks = [task for threat in ATTACKS for task in _tasks(threat) if len(task.points) > 1]
    known = measured_fronts()
    joint = list(known.values())
    if not tasks and not joint:
        return Section(
            "front", TITLE, not_run="no robust accuracy of two targets of known energy comes with this version"
        )
    figures = [figure for each in joint for figure in joint_figures(each)]
    for task in tasks:
        if task.threat_model == "white-box" and task.preset in known:
            continue  # what the joint front draws with more targets; the table has it
        words = "; ".join(f"{one.target}: {_in_words(one, task.unit)}" for one in task.points) + "."
        caption = (
            f"{task.name}: energy against robust accuracy under {ATTACKS[task.threat_model]}; the larger the dot, the "
            f"higher clean accuracy. {task.sentence[0].upper()}{task.sentence[1:]}"
        )
        figures.append(Figure(caption, words, _chart(task, words), half=True))
    return Section(
        key="front",
        title=TITLE,
        command=f"{COMMAND} DATA; axfpm energy inference -o FILE; axfpm evaluate --preset PRESET -o DIR",
        paragraphs=(
            *(sentence for each in joint for sentence in joint_sentences(each)),
            *((JOINT,) if joint else ()),
            "The other figures have all targets of the committed evaluations whose energy is known: of an image where "
            "an inference of their network was measured, else of a product; networks that were trained otherwise are "
            "left out. One is pale where another costs less, is more often right and withstands more, each beyond the "
            "95% intervals. Attacks made for a target were run on few of them; where the first figures have more, they "
            "stand in the table only. Colours are multipliers; a circle is the network as it is, a square a calibrated "
            "one, a triangle one changed otherwise.",
        ),
        figures=figures,
        tables=(*(table for each in joint for table in joint_tables(each)), *((_table(tasks),) if tasks else ())),
        data={"tasks": [task.to_dict() for task in tasks], "joint": [joint_data(each) for each in joint]},
        origin="file",
    )


def _table(tasks: Sequence[Task]) -> Table:
    rows = [
        (
            one.target,
            task.name,
            f"{_rounded(one.energy)} {task.unit}",
            _percent(one.clean),
            _percent(one.robust),
            ", ".join(task.beaten_by(one)) or "-",
        )
        for task in tasks
        for one in task.points
    ]
    columns = ("target", "task", "energy", "clean accuracy", "robust accuracy", "beaten in all three by")
    return Table("Targets whose energy is known; 95% intervals", columns, rows)


@cache
def _tasks(threat_model: str) -> list[Task]:
    found = []
    for task in shipped_suites(threat_model):
        energies, unit = _of_inferences(task["model"])
        if not energies:
            energies, unit = _of_products()
        own = [
            Point(target, multiplier, energies[multiplier], _share(entry["clean"]), _share(entry["robust"]))
            for target, entry in task["targets"].items()
            if "/" not in target  # a network of other parameters
            and (multiplier := EXACT if target == "exact torch" else entry["multiplier"]) in energies
        ]
        found.append(Task(task["preset"], threat_model, task["norm"], task["budget"], unit, tuple(own)))
    return found


def _of_inferences(networks: str) -> tuple[dict[str, Measured], str]:
    """Energy of an image by multiplier on the first library, where an inference of one of the networks was measured."""
    from synth.energy.inference.technologies import MEASURED, read

    for path in sorted(MEASURED.glob("*.json")):
        first = read(path).results[0]
        if first.network.partition("(")[2].rstrip(")") in _names(networks):
            rows = [row for row in first.rows if row.tree == "dadda"]
            return {row.multiplier: Measured(row.image_uj, *row.image_interval) for row in rows}, (
                f"uJ an image of {first.network} on {first.library}"
            )
    return {}, ""


def _names(networks: str) -> list[str]:
    """The names in brackets, as in ``lenet5 (lenet5-mnist), lenet5 (lenet5-mnist-seed1)``."""
    return [each.partition("(")[2].rstrip(")") for each in networks.split(", ")]


def _of_products() -> tuple[dict[str, Measured], str]:
    from golden.catalogue import MULTIPLIERS

    found = {name: rows[0] for name in MULTIPLIERS if (rows := shipped_hardware(name))}
    library = next(iter(found.values()))["library"] if found else ""
    return {
        name: Measured(row["energy_pj"], *row["energy_interval"]) for name, row in found.items()
    }, f"pJ a product on {library}"


def _share(networks: Sequence[Mapping[str, int]]) -> Measured:
    """A share of images: several networks as their mean, with the interval of one sample of their mean size."""
    from golden.robustness.result_tables import mean
    from golden.robustness.statistics import Proportion

    p = mean([Proportion(share["k"], share["n"]) for share in networks])
    return Measured(p.rate or 0.0, *p.interval)


def _variant(target: str) -> str:
    """What was done to the network beside its multiplier."""
    _, _, change = target.partition("+")
    return change if change in VARIANTS else "other" if change else "as it is"


def _in_words(one: Point, unit: str) -> str:
    return f"{_rounded(one.energy)} {unit}, clean {_percent(one.clean)}, robust {_percent(one.robust)}"


def _rounded(m: Measured) -> str:
    return f"{m.value:.3g} [{m.low:.3g}, {m.high:.3g}]"


def _percent(m: Measured) -> str:
    return f"{m.value:.1%} [{m.low:.1%}, {m.high:.1%}]"


def _chart(task: Task, words: str) -> dict[str, Any]:
    rows = [
        {
            "name": one.target,
            "state": STATES[bool(task.beaten_by(one))],
            **{"x": one.energy.value, "x0": one.energy.low, "x1": one.energy.high},
            **{"y": 100 * one.robust.value, "y0": 100 * one.robust.low, "y1": 100 * one.robust.high},
            **{"clean": 100 * one.clean.value, "said": _in_words(one, task.unit)},
            **{"multiplier": one.multiplier, "variant": _variant(one.target)},
        }
        for one in task.points
    ]
    names = list(dict.fromkeys(one.multiplier for one in task.points))
    base = alt.Chart(points(rows))
    shown = base.encode(
        color=alt.Color("multiplier:N", scale=colours_of_multipliers(names), title=None),
        opacity=alt.Opacity("state:O", scale=alt.Scale(domain=list(STATES), range=[1, 0.35]), title=None),
    )
    scale = alt.Scale(type="log", padding=24, nice=False)
    cost, kept = f"energy, {task.unit}", "robust accuracy, %"
    across, up = alt.X("x:Q", title=cost, scale=scale), alt.Y("y:Q", title=kept)
    wide = shown.mark_rule().encode(x=alt.X("x0:Q", title=cost, scale=scale), x2="x1:Q", y=up)
    high = shown.mark_rule().encode(x=across, y=alt.Y("y0:Q", title=kept), y2="y1:Q")
    size = alt.Size("clean:Q", scale=alt.Scale(domain=[0, 100], range=[20, 160]), title="clean accuracy, %")
    shape = alt.Shape("variant:N", scale=alt.Scale(domain=list(VARIANTS), range=list(VARIANTS.values())), title=None)
    dots = shown.mark_point(filled=True).encode(
        x=across, y=up, size=size, shape=shape, tooltip=["name:N", "said:N", "state:N"]
    )
    text = base.mark_text(align="left", dx=9, dy=-9, fontSize=11, color=INK).encode(x=across, y=up, text="name:N")
    named = dots.properties(name="dots"), text.properties(name="labels")
    return finish(wide, high, *named, alt_text=words, height=280, legend=colours_of_multipliers(names))
