"""The headline figures of a verdict: how transfer grows with confidence and reach, what it takes to fool whom."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

from axfpm.report.charts import colours, finish, points
from axfpm.report.curves import in_words, lines
from axfpm.report.gallery import examples
from axfpm.report.section import Figure
from golden.robustness.result_tables import DRAW, average, mean, without_draw

if TYPE_CHECKING:
    from golden.robustness.results import Results
    from golden.robustness.row_types import UnderAttack

__all__ = ["headline"]

FEWEST = 10
"""Images that a point of the reliability diagram stands for at least."""
SHOWN = ("ax-fpm", "ax-fpm+calibrated", "ax-fpm+clamp", "e8m1", "companding", "image8", "independent", "pgd-trained")
"""Targets with a line of their own, in the order of their colours."""
NOISE = {"noise": "noise", "noise:calibrated=1": "noise as after calibration"}
"""Controls by chance, whose draws are shown as a band, in words."""


def headline(results: Results) -> list[Figure]:
    """Figures, those that the results have something to show in."""
    made: Sequence[Callable[[Results], Figure | None]] = (
        _by_kappa,
        _by_stretch,
        _by_budget,
        _by_distance,
        _by_gradient,
        examples,
        _reliability,
    )
    return [figure for draw in made if (figure := draw(results)) is not None]


def _twin(results: Results) -> list[UnderAttack]:
    return [row for row in results.attacks if row.threat_model == "twin" and row.transfer is not None]


def _curves(rows: Iterable[tuple[float, UnderAttack]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Transfer rates with intervals, a line for each target, and draws of noise as bands."""
    rows = list(rows)
    curves = [
        {"line": target, **point}
        for target in SHOWN
        for point in _means([(x, row) for x, row in rows if row.target == target])
    ]
    bands = []
    for kind, words in NOISE.items():
        draws = [(x, row) for x, row in rows if without_draw(row.target) == kind]
        at: dict[float, list[float]] = {}
        for target in {row.target for _, row in draws}:
            for point in _means([(x, row) for x, row in draws if row.target == target]):
                at.setdefault(point["x"], []).append(point["y"])
        bands += [{"line": words, "x": x, "low": min(at[x]), "high": max(at[x])} for x in sorted(at)]
    return curves, bands


def _means(rows: Sequence[tuple[float, UnderAttack]]) -> list[dict[str, float]]:
    found = []
    for place in sorted({x for x, _ in rows}):
        p = mean([row.transfer for x, row in rows if x == place and row.transfer is not None])
        if p.rate is not None:
            found.append({"x": place, **_percent(p)})
    return found


def _percent(p: Any) -> dict[str, float]:
    """A proportion and its interval, to a hundredth of a percent."""
    low, high = p.interval
    return {"y": round(100 * (p.rate or 0), 2), "low": round(100 * low, 2), "high": round(100 * high, 2)}


def _parameter(attack: str, key: str, default: float) -> float:
    found = re.search(rf"{key}=([0-9.e+-]+)", attack)
    return float(found[1]) if found else default


def _by_kappa(results: Results) -> Figure | None:
    return _transfer(
        [(_parameter(row.attack, "kappa", 0.0), row) for row in _twin(results) if _is(row, "cw")],
        "kappa: how much larger the wrong logit is asked to be",
        "Transfer from the exact network against the confidence that C&W asks for; the band is all draws of noise.",
    )


def _by_stretch(results: Results) -> Figure | None:
    return _transfer(
        [
            (1.0 if row.view == "as is" else float(row.view[2:]), row)
            for row in _twin(results)
            if row.attack.partition(":")[0] == "ddn" and row.view.startswith(("as is", "x "))
        ],
        "factor on the perturbation",
        "Transfer of DDN's examples against how far they are stretched; the band is all draws of noise.",
    )


def _is(row: UnderAttack, kind: str) -> bool:
    return row.attack.partition(":")[0] == kind and row.view == "as is"


def _transfer(rows: Sequence[tuple[float, UnderAttack]], label: str, caption: str) -> Figure | None:
    if len({x for x, _ in rows}) < 2:
        return None
    curves, bands = _curves(rows)
    words = in_words("Transfer rates in percent.", curves)
    chart = lines(curves, bands=bands, x=label, y="transfer rate, %", names=SHOWN, alt_text=words)
    return Figure(caption, words, chart, half=True)


def _by_budget(results: Results) -> Figure | None:
    rows = [
        row
        for row in results.attacks
        if row.threat_model == "white-box"
        and row.epsilon is not None
        and row.attack in (f"pgd:eps={row.epsilon:g}", f"adaptive:eps={row.epsilon:g}")
        and row.view == "as is"
        and row.gradient == "scaled"
    ]
    cases: dict[tuple[str, str], list[UnderAttack]] = {}
    for row in rows:
        cases.setdefault((row.target, row.attack.partition(":")[0]), []).append(row)
    curves = []
    for (target, kind), own in cases.items():
        budgets = sorted({row.epsilon for row in own if row.epsilon is not None})
        if len(budgets) < 2:
            continue
        start = mean([row.accuracy for row in results.clean if row.target == target])
        rates = [start, *(mean([row.robust_accuracy for row in own if row.epsilon == eps]) for eps in budgets)]
        curves += [
            {"line": target, "name": f"{target}, {kind}", "dashed": kind == "pgd", "x": eps, **_percent(p)}
            for eps, p in zip((0.0, *budgets), rates, strict=True)
        ]
    if not curves:
        return None
    words = in_words("Robust accuracy in percent.", curves)
    chart = lines(curves, x="L-inf budget", y="robust accuracy, %", names=SHOWN, alt_text=words)
    caption = "Robust accuracy against the L-inf budget through the target: the adaptive attack, PGD dashed."
    return Figure(caption, words, chart, half=True)


def _by_distance(results: Results) -> Figure | None:
    rows = [
        row
        for row in results.attacks
        if row.threat_model == "white-box" and _is(row, "ddn") and row.deciles and row.gradient == "scaled"
    ]
    curves = []
    for target in [t for t in dict.fromkeys(row.target for row in rows) if not DRAW.search(t)]:
        own = [row for row in rows if row.target == target]
        reached = [(average([row.deciles[key] for row in own]), 100 - float(key)) for key in own[0].deciles]
        curves.append({"line": target, "x": 0.0, "y": 100.0})
        curves += [{"line": target, "x": distance, "y": left} for distance, left in reached if distance is not None]
    if not curves:
        return None
    words = in_words("Images that are not fooled, in percent.", curves)
    y = "not fooled, of the images right when clean, %"
    chart = lines(curves, x="L2 norm of the perturbation", y=y, names=SHOWN, alt_text=words)
    caption = "Robust accuracy against the L2 norm of DDN's perturbations, through the target itself."
    return Figure(caption, words, chart, half=True)


def _by_gradient(results: Results) -> Figure | None:
    rows = [
        row
        for row in results.attacks
        if row.threat_model == "white-box"
        and row.norm == "l2"
        and row.epsilon is None
        and row.view == "as is"
        and row.model == results.clean[0].model
    ]
    cases: dict[tuple[str, str], dict[str, list[UnderAttack]]] = {}
    for row in rows:
        cases.setdefault((row.attack, row.target), {}).setdefault(row.gradient, []).append(row)
    bars = [
        {"case": f"{attack}, {target}", "gradient": gradient, "norm": round(norm, 4)}
        for (attack, target), found in cases.items()
        if len(found) > 2
        for gradient, own in found.items()
        if (norm := average([row.median_distance for row in own])) is not None
    ]
    if not bars:
        return None
    shown, gradients = (list(dict.fromkeys(bar[key] for bar in bars)) for key in ("case", "gradient"))
    words = "Median L2 norms. " + "; ".join(f"{b['case']}, {b['gradient']}: {b['norm']:.3g}" for b in bars) + "."
    chart = (
        alt.Chart(points(bars))
        .mark_bar()
        .encode(
            y=alt.Y("case:N", title=None, sort=shown),
            yOffset=alt.YOffset("gradient:N", sort=gradients),
            x=alt.X("norm:Q", title="median L2 norm"),
            color=alt.Color("gradient:N", scale=colours(gradients), title="gradient"),
            tooltip=["case:N", "gradient:N", "norm:Q"],
        )
    )
    height = len(shown) * (12 * len(gradients) + 12)
    caption = "Median L2 norm that fools the first network, for each kind of gradient; infinite ones are left out."
    return Figure(caption, words, finish(chart, alt_text=words, height=height, legend=gradients), half=True)


def _reliability(results: Results) -> Figure | None:
    first = results.clean[0].model if results.clean else ""
    curves = [
        {
            "line": f"{row.target}, {name}" if name else row.target,
            "x": b["probability"],
            "y": b["accuracy"],
        }
        for row in results.clean
        for kind, name in (("raw", ""), ("matched", "matched"))
        if row.model == first
        and row.target in ("exact torch", "ax-fpm")
        and (row.target == "ax-fpm" or kind == "raw")
        and row.calibration.get(kind)
        for b in row.calibration[kind]["bins"]
        if b["n"] >= FEWEST
    ]
    if not curves:
        return None
    words = in_words("Share that is right, against the probability of the top class.", curves)
    x, y = "probability of the top class", "share that is right"
    chart = lines(curves, x=x, y=y, top=1, diagonal=True, alt_text=words)
    caption = "Reliability: how often the top class is right, against its probability."
    return Figure(caption, words, chart, half=True)
