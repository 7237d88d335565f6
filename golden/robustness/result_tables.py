"""Results as plain text: several networks as the mean of their rates, draws of noise as a range."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from golden.robustness.row_types import Clean, Suite, UnderAttack
from golden.robustness.statistics import Proportion
from golden.tables import plain_console, printable

__all__ = ["attack_rows", "average", "grouped", "mean", "table", "without_draw"]

DEFINITIONS = (
    "Transfer rate: of the examples that source and target both classify correctly clean and that are adversarial on "
    "the source, the share that the target misclassifies. Robust accuracy: of all samples, clean errors counted as "
    "failures."
)
DRAW = re.compile(r"(?<=[:,])draw=\d+,?")
SEVERAL = (
    "Several networks: the mean of their rates, with the interval of one sample of their mean size, which is wider "
    "than the mean's own."
)


def mean(proportions: Sequence[Proportion]) -> Proportion:
    """Return one proportion for several of the same images: their mean, to whole counts."""
    if len(proportions) == 1:
        return proportions[0]
    n = round(sum(p.n for p in proportions) / len(proportions))
    rates = [p.rate for p in proportions if p.rate is not None]
    return Proportion(round(n * sum(rates) / len(rates)) if rates else 0, n if rates else 0)


def table(
    *,
    width: int,
    settings: Mapping[str, Any],
    clean: Sequence[Clean],
    attacks: Sequence[UnderAttack],
    suites: Sequence[Suite],
    verdict: Mapping[str, Any],
) -> str:
    """Plain-text tables of what ``Results`` holds, ``width`` characters wide at most."""
    s = settings
    text = io.StringIO()
    console = plain_console(file=text, width=width, color_system=None)
    for ruled in (verdict, *verdict.get("others", ())) if verdict.get("verdicts") else ():
        console.print(printable(f"The rule on {ruled['subject']}, {ruled['scope']}"))
        console.print(_verdicts(ruled["verdicts"]))
        for row in ruled["summaries"]:
            console.print(printable(f"{row['threat_model']}: {row['verdict']} ({row['reason']})"))
        console.print()
    if suites:
        console.print("Robust accuracy under the best attack for each image, of all within the budget:")
        console.print(_suites(suites))
    console.print(printable(f"{s['model']}, {s['samples']} images of {s['data']}, seed {s['seed']}: clean"))
    console.print(_clean(clean))
    for threat_model in dict.fromkeys(row.threat_model for row in attacks):
        console.print(printable(f"{threat_model}: {s['threat_models'][threat_model]}"))
        console.print(_attacks([row for row in attacks if row.threat_model == threat_model]))
    for sentence in s.get("left_out", ()):
        console.print(printable(f"left out: {sentence}"))
    if attacks:
        console.print(DEFINITIONS)
    if len({(row.model, row.seed) for row in clean}) > 1:
        console.print(SEVERAL)
    return text.getvalue()


def _plain_table(*columns: str) -> Any:
    from rich import box
    from rich.table import Table

    return Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)


def _clean(rows: Sequence[Clean]) -> Any:
    shown = _plain_table("target", "accuracy, 95% interval", "same class as exact", "confidence", "change")
    exact = [row.confidence for row in rows if row.group == "exact"]
    for name, same in grouped(rows):
        first, confidences = same[0], [row.confidence for row in same]
        is_exact = first.group == "exact"
        shown.add_row(
            name,
            _rate([row.accuracy for row in same]),
            "-" if is_exact else _rate([row.agreement for row in same]),
            "not finite" if (value := average(confidences)) is None else f"{value:.4f}",
            "-" if is_exact or value is None or (base := average(exact)) is None else f"{value - base:+.4f}",
        )
    return shown


def _attacks(rows: Sequence[UnderAttack]) -> Any:
    shown = _plain_table("attack", "source success", "target", "transfer rate", "robust accuracy")
    before: tuple[str, str] = ("", "")
    for attack, success, *others in attack_rows(rows):
        shown.add_row(
            printable(attack) if attack != before[0] else "", success if (attack, success) != before else "", *others
        )
        before = attack, success
    return shown


def attack_rows(rows: Sequence[UnderAttack]) -> list[tuple[str, str, str, str, str]]:
    """Attack, source success, target, transfer rate and robust accuracy as text, for each attack and target."""
    most = max((row.robust_accuracy.n for row in rows), default=0)
    groups: dict[str, list[UnderAttack]] = {}
    for row in rows:
        # Rates of different images are not averaged.
        images = row.robust_accuracy.n
        fewer = f", {images} images" if images != most else ""
        groups.setdefault(_attack(row) + fewer, []).append(row)
    found = []
    for attack, members in groups.items():
        for name, same in grouped(members):
            transfers = [row.transfer for row in same if row.transfer is not None]
            found.append(
                (
                    attack,
                    _rate([row.source_success for row in same]),
                    name,
                    _rate(transfers) if transfers else "-",
                    _rate([row.robust_accuracy for row in same]),
                )
            )
    return found


def _attack(row: UnderAttack) -> str:
    view = "" if row.view == "as is" else f", {row.view}"
    whom = f", for {row.crafted_for}" if row.crafted_for not in ("", row.target) else ""
    return f"{row.attack}{view}{whom}" + ("" if row.gradient == "scaled" else f", {row.gradient} gradient")


def _verdicts(rows: Sequence[Mapping[str, Any]]) -> Any:
    shown = _plain_table("threat model", "norm", "against", "difference, points", "interval", "verdict")
    for row in rows:
        draws = f", mean of {row['draws']} draws" if row["draws"] else ""
        low, high = row["interval"] or (None, None)
        shown.add_row(
            row["threat_model"],
            row["norm"],
            printable(f"{row['control']}{draws}"),
            "-" if row["difference"] is None else f"{row['difference']:+.1f}",
            "-" if low is None else f"[{low:+.1f}, {high:+.1f}]",
            printable(f"{row['verdict']}: {row['reason']}"),
        )
    return shown


def _suites(rows: Sequence[Suite]) -> Any:
    shown = _plain_table("threat model", "budget", "target", "robust accuracy, 95% interval", "sets of examples")
    for case in dict.fromkeys((row.threat_model, row.norm, row.budget) for row in rows):
        threat_model, norm, budget = case
        members = [row for row in rows if (row.threat_model, row.norm, row.budget) == case]
        for name, same in grouped(members):
            shown.add_row(
                threat_model,
                f"{norm} {budget:g}",
                name,
                _rate([row.robust_accuracy for row in same]),
                str(max(row.attacks for row in same)),
            )
    return shown


def without_draw(name: str) -> str:
    """A target's name, the same for all draws of one control."""
    return DRAW.sub("", name).rstrip(":,")


def grouped(rows: Iterable[Any]) -> list[tuple[str, list[Any]]]:
    """Return rows by the target's name as shown, draws of noise together."""
    groups: dict[str, list[Any]] = {}
    for row in rows:
        groups.setdefault(without_draw(row.target), []).append(row)
    named = []
    for name, same in groups.items():
        draws = len({row.target for row in same})
        text = f"{name}, {draws} draws" if draws > 1 else same[0].target
        named.append((printable(f"{text} (control)" if getattr(same[0], "control", False) else text), same))
    return named


def _rate(proportions: Sequence[Proportion]) -> str:
    return str(mean(proportions))


def average(values: Sequence[float | None]) -> float | None:
    """Return the mean of values; None where there are none, or one of them is None."""
    numbers = [value for value in values if value is not None]
    return sum(numbers) / len(numbers) if numbers and len(numbers) == len(values) else None
