"""Figures and tables of the joint fronts: every network by energy, clean accuracy and adaptive robust accuracy."""

from __future__ import annotations

from typing import Any

import altair as alt

from axfpm.joint_front.dominance import beaten_by, better_deals
from axfpm.joint_front.entries import HOWS
from axfpm.joint_front.levels import choices
from axfpm.joint_front.result import JointFront, Network
from axfpm.joint_front.tables import (
    STAR,
    capital,
    conditions,
    in_uj,
    leading,
    level_rows,
    network_rows,
    percent,
    summary,
)
from axfpm.report.charts import INK, colours_of_multipliers, finish, points
from axfpm.report.section import Figure, Table
from golden.robustness.statistics import Proportion
from golden.robustness.targets.names import ASSIGNMENT

__all__ = ["SHAPES", "STATES", "joint_data", "joint_figures", "joint_sentences", "joint_tables"]

SHAPES = dict(zip(HOWS, ("circle", "square", "triangle-up", "diamond", "cross"), strict=True))
"""What was done to a network, and how its dot looks."""
STATES = ("not beaten", "beaten in all")
LAYERS = "by layer"
"""The colour of networks whose layers differ."""


def joint_figures(front: JointFront) -> list[Figure]:
    """A figure for each norm."""
    found = []
    for norm, budget in front.settings["budgets"].items():
        words = "; ".join(f"{each.name}: {_in_words(each, norm)}" for each in _known(front)) + "."
        caption = (
            f"{front.data}, {norm} {budget:g}: energy against robust accuracy under the adaptive attack on each "
            f"network; the larger the dot, the higher clean accuracy; lines are 95% intervals of each figure alone. "
            f"{summary(front)}"
        )
        found.append(Figure(caption, words, _chart(front, norm, words)))
    return found


def joint_sentences(front: JointFront) -> list[str]:
    """What to build at the levels that come first."""
    return [choice.sentence for choice in leading(front)]


def joint_tables(front: JointFront) -> list[Table]:
    """What to build at each level, and all networks under their conditions."""
    head, rows = network_rows(front)
    caption = (
        f"{capital(conditions(front))}. 95% intervals of each figure alone; who beats whom follows from intervals "
        f"that hold together. A star: {STAR[0].lower()}{STAR[1:]}"
    )
    return [
        Table(f"What to build, {front.data}: {choices(front)[0].uncertainty}", *level_rows(front)),
        Table(caption, head, rows),
    ]


def joint_data(front: JointFront) -> dict[str, Any]:
    """JSON-ready: conditions, networks with all but which images are right, and what follows at each level."""
    return {
        "settings": front.settings,
        "networks": [_network(front, each) for each in front.networks],
        "levels": [each.to_dict() for each in choices(front)],
        "sentence": summary(front),
    }


def _network(front: JointFront, each: Network) -> dict[str, Any]:
    energy = each.energy
    return {
        **{key: getattr(each, key) for key in ("name", "how", "target", "multiplier", "network", "training")},
        "energy": None
        if energy is None
        else {
            **{"value": energy.image_uj, "low": energy.interval[0], "high": energy.interval[1]},
            **{"ratio": energy.ratio, "ratio_interval": list(energy.ratio_interval)},
            **{"together": list(energy.together), "operands": energy.operands},
        },
        "clean": Proportion(each.clean.k, each.clean.n).to_dict(),
        "robust": {norm: Proportion(images.k, images.n).to_dict() for norm, images in each.robust.items()},
        "beaten_by": beaten_by(front, each),
        "better_deals": better_deals(front, each),
    }


def _known(front: JointFront) -> list[Network]:
    return [each for each in front.networks if each.energy is not None]


def _by_layer(each: Network) -> bool:
    return each.target.startswith(f"{ASSIGNMENT}:")


def _colour(each: Network) -> str:
    return LAYERS if _by_layer(each) else each.multiplier


def _label(each: Network) -> str:
    """What its dot is called: what was done to it its shape says, and its whole name stands under the pointer."""
    if _by_layer(each):
        return LAYERS
    return f"{each.target}, on it" if each.name.endswith("on it)") else each.target


def _in_words(each: Network, norm: str) -> str:
    return f"{in_uj(each)} uJ, clean {percent(each.clean, digits=2)}, robust {percent(each.robust[norm])}"


def _chart(front: JointFront, norm: str, words: str) -> dict[str, Any]:
    rows = [_row(front, each, norm) for each in _known(front)]
    names = list(dict.fromkeys(row["multiplier"] for row in rows))
    base = alt.Chart(points(rows))
    shown = base.encode(
        color=alt.Color("multiplier:N", scale=colours_of_multipliers(names), title=None),
        opacity=alt.Opacity("state:O", scale=alt.Scale(domain=list(STATES), range=[1, 0.35]), title=None),
    )
    scale = alt.Scale(type="log", padding=24, nice=False)
    cost, kept = "energy, uJ an image", "robust accuracy, %"
    across, up = alt.X("x:Q", title=cost, scale=scale), alt.Y("y:Q", title=kept)
    wide = shown.mark_rule().encode(x=alt.X("x0:Q", title=cost, scale=scale), x2="x1:Q", y=up)
    high = shown.mark_rule().encode(x=across, y=alt.Y("y0:Q", title=kept), y2="y1:Q")
    least = min(row["clean"] for row in rows) - 1
    size = alt.Size("clean:Q", scale=alt.Scale(domain=[least, 100], range=[30, 180]), title="clean accuracy, %")
    shape = alt.Shape("how:N", scale=alt.Scale(domain=list(SHAPES), range=list(SHAPES.values())), title=None)
    dots = shown.mark_point(filled=True).encode(
        x=across, y=up, size=size, shape=shape, tooltip=["name:N", "how:N", "said:N", "state:N"]
    )
    text = base.mark_text(align="left", dx=9, dy=-9, fontSize=11, color=INK).encode(x=across, y=up, text="label:N")
    named = dots.properties(name="dots"), text.properties(name="labels")
    return finish(wide, high, *named, alt_text=words, height=420, legend=colours_of_multipliers(names))


def _row(front: JointFront, each: Network, norm: str) -> dict[str, Any]:
    assert each.energy is not None
    robust = Proportion(each.robust[norm].k, each.robust[norm].n)
    low, high = (100 * end for end in robust.interval)
    return {
        **{"name": each.name, "how": each.how, "multiplier": _colour(each)},
        "label": _label(each),
        "state": STATES[bool(beaten_by(front, each))],
        **{"x": each.energy.image_uj, "x0": each.energy.interval[0], "x1": each.energy.interval[1]},
        **{"y": 100 * robust.k / robust.n, "y0": low, "y1": high},
        **{"clean": 100 * each.clean.k / each.clean.n, "said": _in_words(each, norm)},
    }
