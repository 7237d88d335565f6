"""The headline figures of a verdict: how transfer grows with confidence and reach, what it takes to fool whom."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure as Canvas

from axfpm.report.figures import COLOURS, INK, canvas, svg
from golden.robustness.result_tables import DRAW, average, mean, without_draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from golden.robustness.results import Results
    from golden.robustness.row_types import Picture, UnderAttack

__all__ = ["headline"]

MOST_COLUMNS = 12
EXAMPLES = ("pgd", "pgd-l2", "ddn", "cw")
FEWEST = 10
"""Images that a point of the reliability diagram stands for at least."""
SHOWN = ("ax-fpm", "ax-fpm+calibrated", "ax-fpm+clamp", "e8m1", "companding", "image8", "independent", "pgd-trained")


NOISE = {"noise": INK, "noise:calibrated=1": COLOURS[SHOWN.index("ax-fpm+calibrated")]}
"""Controls by chance, whose draws are shown as a band, and its colour: that of what they are matched to, if any."""


def _noise_in_words(kind: str) -> str:
    return "noise" if kind == "noise" else "noise as after calibration"


def headline(results: Results) -> list[tuple[str, str]]:
    """Captions and figures, those that the results have something to show in."""
    made: Sequence[tuple[str, Callable[[Results], str | None]]] = (
        (
            "Transfer from the exact network against the confidence that C&W asks for; the band is all draws of noise.",
            _by_kappa,
        ),
        ("Transfer of DDN's examples against how far they are stretched; the band is all draws of noise.", _by_stretch),
        ("Robust accuracy against the L-inf budget through the target: the adaptive attack, PGD dashed.", _by_budget),
        ("Robust accuracy against the L2 norm of DDN's perturbations, through the target itself.", _by_distance),
        (
            "Median L2 norm that fools the first network, for each kind of gradient; infinite ones are left out.",
            _by_gradient,
        ),
        ("Examples: the true class, and what the network that each is for makes of it.", _examples),
        ("Reliability: how often the top class is right, against its probability.", _reliability),
    )
    found = [(caption, draw(results)) for caption, draw in made]
    return [(caption, text) for caption, text in found if text is not None]


def _twin(results: Results) -> list[UnderAttack]:
    return [row for row in results.attacks if row.threat_model == "twin" and row.transfer is not None]


def _lines(axes: Axes, rows: Iterable[tuple[float, UnderAttack]]) -> bool:
    """Transfer rates with intervals, a line for each target; draws of noise as a band. Whether there was anything."""
    rows = list(rows)
    for index, target in enumerate(SHOWN):
        points = _means([(x, row) for x, row in rows if row.target == target])
        if points:
            x, rate, low, high = np.array(points).T
            axes.errorbar(
                x, rate, [rate - low, high - rate], color=COLOURS[index], label=target, capsize=2, linewidth=1.3
            )
    for kind, colour in NOISE.items():
        draws = [(x, row) for x, row in rows if without_draw(row.target) == kind]
        by_target = [
            _means([(x, row) for x, row in draws if row.target == t]) for t in {row.target for _, row in draws}
        ]
        places = sorted({point[0] for points in by_target for point in points})
        at = {place: [p[1] for points in by_target for p in points if p[0] == place] for place in places}
        if draws:
            low, high = [min(at[x]) for x in places], [max(at[x]) for x in places]
            axes.fill_between(places, low, high, color=colour, alpha=0.15, label=_noise_in_words(kind))
    axes.set_ylabel("transfer rate, %")
    axes.set_ylim(0, 102)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return bool(rows)


def _means(rows: Sequence[tuple[float, UnderAttack]]) -> list[tuple[float, float, float, float]]:
    points = []
    for place in sorted({x for x, _ in rows}):
        p = mean([row.transfer for x, row in rows if x == place and row.transfer is not None])
        if p.rate is not None:
            points.append((place, *(100 * value for value in (p.rate, *p.interval))))
    return points


def _parameter(attack: str, key: str, default: float | None = None) -> float | None:
    found = re.search(rf"{key}=([0-9.e+-]+)", attack)
    return float(found[1]) if found else default


def _by_kappa(results: Results) -> str | None:
    rows = [(_parameter(row.attack, "kappa", 0.0), row) for row in _twin(results) if _is(row, "cw")]
    return _drawn(rows, "kappa: how much larger the wrong logit is asked to be")


def _by_stretch(results: Results) -> str | None:
    rows = [
        (1.0 if row.view == "as is" else float(row.view[2:]), row)
        for row in _twin(results)
        if row.attack.partition(":")[0] == "ddn" and row.view.startswith(("as is", "x "))
    ]
    return _drawn(rows, "factor on the perturbation")


def _is(row: UnderAttack, kind: str) -> bool:
    return row.attack.partition(":")[0] == kind and row.view == "as is"


def _drawn(rows: Sequence[tuple[Any, UnderAttack]], label: str) -> str | None:
    if len({x for x, _ in rows}) < 2:
        return None
    figure, (axes,) = canvas(8, 3.4)
    _lines(axes, rows)
    axes.set_xlabel(label)
    return svg(figure)


def _by_budget(results: Results) -> str | None:
    rows = [
        row
        for row in results.attacks
        if row.threat_model == "white-box"
        and row.epsilon is not None
        and row.attack in (f"pgd:eps={row.epsilon:g}", f"adaptive:eps={row.epsilon:g}")
        and row.view == "as is"
        and row.gradient == "scaled"
    ]
    lines: dict[tuple[str, str], list[UnderAttack]] = {}
    for row in rows:
        lines.setdefault((row.target, row.attack.partition(":")[0]), []).append(row)
    lines = {case: own for case, own in lines.items() if len({row.epsilon for row in own}) > 1}
    if not lines:
        return None
    targets = list(dict.fromkeys(target for target, _ in lines))
    figure, (axes,) = canvas(8, 3.4)
    for (target, kind), own in lines.items():
        budgets = sorted({row.epsilon for row in own if row.epsilon is not None})
        start = mean([row.accuracy for row in results.clean if row.target == target])
        rates = [start, *(mean([row.robust_accuracy for row in own if row.epsilon == eps]) for eps in budgets)]
        values = np.array([(100 * (p.rate or 0), *(100 * end for end in p.interval)) for p in rates]).T
        axes.errorbar(
            [0, *budgets],
            values[0],
            [values[0] - values[1], values[2] - values[0]],
            color=COLOURS[targets.index(target) % len(COLOURS)],
            linestyle="-" if kind == "adaptive" else "--",
            label=f"{target}, {kind}",
            capsize=2,
        )
    return _falling(figure, axes, "L-inf budget", "robust accuracy, %")


def _falling(figure: Canvas, axes: Axes, x: str, y: str) -> str:
    """Finish a figure of shares that fall from 100%."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_ylim(-2, 102)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return svg(figure)


def _by_distance(results: Results) -> str | None:
    rows = [
        row
        for row in results.attacks
        if row.threat_model == "white-box" and _is(row, "ddn") and row.deciles and row.gradient == "scaled"
    ]
    targets = [t for t in dict.fromkeys(row.target for row in rows) if not DRAW.search(t)]
    if not targets:
        return None
    figure, (axes,) = canvas(8, 3.4)
    for index, target in enumerate(targets):
        own = [row for row in rows if row.target == target]
        points = [(average([row.deciles[key] for row in own]), 100 - float(key)) for key in own[0].deciles]
        reached = [(distance, left) for distance, left in points if distance is not None]
        x, y = zip((0.0, 100.0), *reached, strict=True)
        axes.plot(x, y, marker="o", markersize=3, color=COLOURS[index % len(COLOURS)], label=target)
    return _falling(figure, axes, "L2 norm of the perturbation", "not fooled, of the images right when clean, %")


def _by_gradient(results: Results) -> str | None:
    rows = [
        row
        for row in results.attacks
        if row.threat_model == "white-box"
        and row.norm == "l2"
        and row.epsilon is None
        and row.view == "as is"
        and row.model == results.clean[0].model
    ]
    gradients = list(dict.fromkeys(row.gradient for row in rows))
    cases = [
        (attack, target)
        for attack in dict.fromkeys(row.attack for row in rows)
        for target in dict.fromkeys(row.target for row in rows if row.attack == attack)
        if len({row.gradient for row in rows if (row.attack, row.target) == (attack, target)}) > 2
    ]
    if not cases:
        return None
    figure, (axes,) = canvas(8, 3)
    width = 0.8 / len(gradients)
    for index, gradient in enumerate(gradients):
        for place, case in enumerate(cases):
            own = [row for row in rows if (row.attack, row.target) == case and row.gradient == gradient]
            height = average([row.median_distance for row in own])
            if height is not None:
                x = place + (index - (len(gradients) - 1) / 2) * width
                axes.bar(x, height, 0.92 * width, color=COLOURS[index], label=gradient if place == 0 else None)
    axes.set_xticks(range(len(cases)), [f"{attack}\n{target}" for attack, target in cases])
    axes.set_ylabel("median L2 norm")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0), title="gradient")
    return svg(figure)


def _reliability(results: Results) -> str | None:
    first = results.clean[0].model if results.clean else ""
    lines = [
        (f"{row.target}, {name}" if name == "matched" else row.target, row.calibration[kind]["bins"])
        for row in results.clean
        for kind, name in (("raw", ""), ("matched", "matched"))
        if row.model == first
        and row.target in ("exact torch", "ax-fpm")
        and (row.target == "ax-fpm" or kind == "raw")
        and row.calibration.get(kind)
    ]
    if not lines:
        return None
    figure, (axes,) = canvas(6, 3.4)
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.7, linestyle=":")
    for index, (name, bins) in enumerate(lines):
        points = [(b["probability"], b["accuracy"]) for b in bins if b["n"] >= FEWEST]
        if points:
            x, y = zip(*points, strict=True)
            axes.plot(x, y, marker="o", markersize=3, color=COLOURS[index], label=name)
    axes.set_xlabel("probability of the top class")
    axes.set_ylabel("share that is right")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return svg(figure)


def _examples(results: Results) -> str | None:
    cases: dict[tuple[str, str, str], list[Picture]] = {}
    for p in results.pictures:
        if not p.attack or _is_shown(results, p):
            cases.setdefault((p.threat_model, p.attack, p.target), []).append(p)
    if len(cases) < 2:
        return None
    rows = min(len(found) for found in cases.values())
    columns = list(cases.items())[:MOST_COLUMNS]
    figure = Canvas(figsize=(1.1 * len(columns), 1.25 * rows), layout="constrained")
    for x, ((threat_model, attack, target), found) in enumerate(columns):
        for y, p in enumerate(found[:rows]):
            axes = figure.add_subplot(rows, len(columns), y * len(columns) + x + 1)
            pixels = np.frombuffer(bytes.fromhex(p.pixels), np.uint8).reshape(p.channels, p.height, p.width)
            axes.imshow(pixels[0] if p.channels == 1 else pixels.transpose(1, 2, 0), cmap="gray", vmin=0, vmax=255)
            axes.set_axis_off()
            head = f"{threat_model or 'clean'}\n{attack}\n{target}\n" if y == 0 else ""
            axes.set_title(f"{head}{p.label}: {p.predicted}", fontsize=6, color=INK)
    return svg(figure)


def _is_shown(results: Results, p: Picture) -> bool:
    """Whether a picture is worth a column: crafted on the exact network by few attacks, or for ax-fpm, at a budget."""
    kind = p.attack.partition(":")[0]
    chosen = kind in EXAMPLES if p.threat_model == "twin" else p.target == "ax-fpm" and kind.startswith("adaptive")
    return chosen and (_parameter(p.attack, "eps") is None or _at_budget(results, p.attack))


def _at_budget(results: Results, attack: str) -> bool:
    return _parameter(attack, "eps") in results.settings.get("budgets", {}).values()
