"""The joint fronts as parts of pages: a table of networks, what follows at each level, and a row of README.

One writing of both, for report and documentation: nothing in them is written by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from axfpm.joint_front.dominance import beaten_by, better_deals
from axfpm.joint_front.entries import HOWS
from axfpm.joint_front.levels import Choice, choices
from axfpm.joint_front.result import MEASURED, Images, JointFront, Network, read
from axfpm.markdown import markdown_table, rows_behind, three_digits
from golden.robustness.equivalence import MARGIN
from golden.robustness.rule import LEAST
from golden.robustness.statistics import Proportion

__all__ = [
    "COLUMNS",
    "COMMAND",
    "capital",
    "conditions",
    "front_pages",
    "front_readme_rows",
    "leading",
    "level_rows",
    "measured_fronts",
    "network_rows",
    "summary",
]

COMMAND = "python benchmarks/joint_front.py --data"
COLUMNS = ("network", "what was done", "uJ an image", "/ exact", "clean", "beaten in all by", "no worse and cheaper")
"""Of ``network_rows``; behind ``clean`` stand the norms with their budgets."""
STAR = (
    "Not measured on the operands of this very network, but of the package's own on that multiplier; of one with a "
    "multiplier for each layer, the sum of layers that were measured with all others on the same"
)
ROW, BEFORE = "| what to build, ", "| clean accuracy on the multiplier before and after training on it"


def measured_fronts() -> dict[str, JointFront]:
    """Return the fronts that come with the package, by data set."""
    return {path.stem: read(path) for path in sorted(MEASURED.glob("*.json"), reverse=True)}


def conditions(front: JointFront) -> str:
    """Return what was measured and how, in words."""
    said = front.settings
    budgets = ", ".join(f"{norm} {budget:g}" for norm, budget in said["budgets"].items())
    return (
        f"{said['model']} on {front.data}, {len(front.networks)} networks; clean: {said['test_images']:,} test images; "
        f"robust: {said['attacked']} of them, evenly spread, under the attack '{said['attack']}', budgets {budgets}, "
        f"seed {said['seed']}; energy: multiply-accumulates of an image with their registers on {said['library']}, "
        f"without {said['excluded']}"
    )


def summary(front: JointFront) -> str:
    """Return in a sentence how many networks are beaten in everything."""
    known = [each for each in front.networks if each.energy is not None]
    left = [each for each in known if not beaten_by(front, each)]
    missing = len(front.networks) - len(known)
    without = f"; the energy of {missing} more is not known" if missing else ""
    return (
        f"{len(left)} of {len(known)} networks are beaten by none in all of energy, clean and robust accuracy "
        f"beyond intervals that hold together at {front.settings['confidence']:.0%}{without}."
    )


def leading(front: JointFront) -> list[Choice]:
    """Return what follows first: at the accuracy of each network in plain torch, with robustness as of the first one.

    That of the first but for both margins; of the others, which withstand more, with no less than the first.
    """
    first = front.networks[0].name
    wanted = [
        each
        for each in choices(front)
        if each.level.robustness == first and (each.level.accuracy != first or each.level.weaker == LEAST)
    ]
    return [each for each in wanted if each.level.lost == MARGIN]


def network_rows(front: JointFront) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the head and the rows of a table: each network by what counts, with 95% intervals of each figure alone."""
    norms = [f"{norm} {budget:g}" for norm, budget in front.settings["budgets"].items()]
    head = (*COLUMNS[:5], *norms, *COLUMNS[5:])
    rows = [
        (
            each.name,
            each.how,
            in_uj(each),
            "-"
            if each.energy is None
            else "{:.2f} [{:.2f}, {:.2f}]".format(each.energy.ratio, *each.energy.ratio_interval),
            percent(each.clean, digits=2),
            *(percent(each.robust[norm]) for norm in front.settings["budgets"]),
            ", ".join(beaten_by(front, each)) or "-",
            ", ".join(better_deals(front, each)) or "-",
        )
        for each in front.networks
    ]
    return head, rows


def level_rows(front: JointFront) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the head and the rows of a table: what is asked, what to build for certain, and what is in doubt."""
    rows = [tuple(map(capital, (str(each.level), each.advice, each.doubt))) for each in choices(front)]
    return ("to", "for certain", "in doubt"), rows


def capital(text: str) -> str:
    """A sentence's beginning."""
    return f"{text[0].upper()}{text[1:]}"


def in_uj(each: Network) -> str:
    """Energy with its 95% interval; a star where its operands are those of another network."""
    if each.energy is None:
        return "-"
    low, high = each.energy.interval
    star = "" if each.energy.operands == each.network else " *"
    return f"{three_digits(each.energy.image_uj)} [{three_digits(low)}, {three_digits(high)}]{star}"


def percent(images: Images, digits: int = 1) -> str:
    """A share in percent with its 95% interval."""
    p = Proportion(images.k, images.n)
    low, high = (100 * end for end in p.interval)
    return f"{100 * images.k / images.n:.{digits}f}% [{low:.{digits}f}, {high:.{digits}f}]"


def front_pages(found: Mapping[str, JointFront]) -> str:
    """Return the part of docs/front.md that follows from the fronts."""
    return "\n\n".join(part for each in found.values() for part in _page(each))


def front_readme_rows(text: str, found: Mapping[str, JointFront]) -> str:
    """Return README with a row for each front behind those on training.

    Raises
    ------
    InvalidInput
        If there is no such row, and rows to put there.
    """
    rows = [_readme(name, each) for name, each in found.items()]
    return rows_behind(text, BEFORE, ROW, rows, "rows on what to build")


def _readme(name: str, front: JointFront) -> str:
    first = leading(front)
    said = ". ".join(capital(choice.brief) for choice in first)
    what = (
        f"{ROW}{front.settings['model']} on {name}: the least energy, as a share of exact's, at a clean and an "
        f"adaptive robust accuracy, for certain ({first[0].uncertainty})"
    )
    return f"{what} | {said} | `{COMMAND} {name}`; [joint front](docs/front.md) |\n"


def _page(front: JointFront) -> list[str]:
    head, rows = network_rows(front)
    starred = any(each.energy is not None and each.energy.operands != each.network for each in front.networks)
    parts = [f"### {front.settings['model']} on {front.data}", f"`{COMMAND} {front.data}`: {conditions(front)}."]
    parts += ["\n".join(f"- {each.sentence}" for each in leading(front))]
    parts += [_table(*level_rows(front)), summary(front), _table(head, [(f"`{row[0]}`", *row[1:]) for row in rows])]
    if starred:
        parts.append(f"\\* {STAR}.")
    hows = dict.fromkeys(each.how for each in front.networks)
    return [*parts, "\n".join(f"- *{how}*: {HOWS[how]}." for how in hows)]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return markdown_table(columns, rows).replace(" * |", " \\* |")
