"""The sections on robustness: one attacks a network now, the other renders a verdict that was measured before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from axfpm.report import figures, robustness_figures
from axfpm.report.section import Figure, Scope, Section, Table
from golden.progress import Progress

if TYPE_CHECKING:
    from golden.robustness.results import Results

__all__ = ["TITLE", "VERDICTS", "robustness", "verdict", "verdict_on_cifar10"]

TITLE = "A network on the multiplier, clean and attacked"
VERDICTS = {"verdict": "The verdict on MNIST", "verdict_cifar10": "The verdict on CIFAR-10"}
"""Titles of the sections on what was measured before, by key."""

DEFINITIONS = (
    "Transfer rate: of the examples that both classify correctly clean and that fool the exact network, the share that "
    "fools the target too. Robust accuracy: of all images, clean errors counted as failures. The control e8m2 is a "
    "narrow exact multiplier, cheaper and more accurate, and noise is the exact network with weights disturbed until "
    "its logits err as much: a defence that rests on approximation has to beat them."
)


def robustness(scope: Scope, progress: Progress) -> Section:
    """A network on the multiplier, clean and attacked."""
    from golden.robustness.runs import run

    results = run("quick", seed=scope.seed, progress=progress)
    conditions = _conditions(results)
    clean = {row.target: row for row in results.clean}
    exact, first = clean["exact torch"], clean["ax-fpm"]
    shown = [row for row in results.attacks if row.threat_model == "twin" and row.view == "as is"]
    rates = [
        {"group": row.attack, "target": row.target, "value": p.rate, "low": p.interval[0], "high": p.interval[1]}
        for row in shown
        if (p := row.transfer) is not None and p.rate is not None and "draw=" not in row.target
    ]
    words = "Transfer rates. " + "; ".join(
        f"{r['group']} on {r['target']}: {r['value']:.0%} [{r['low']:.0%}, {r['high']:.0%}]" for r in rates
    )
    return Section(
        key="robustness",
        title=TITLE,
        command="axfpm evaluate --preset quick",
        paragraphs=(
            f"{conditions}; every convolution and matrix product on the multiplier, no retraining. Clean accuracy: "
            f"{exact.accuracy} exact, {first.accuracy} on {first.target}.",
            DEFINITIONS,
        ),
        tables=(
            _clean_table(results, conditions),
            *(_attack_table(results, threat, conditions) for threat in _threat_models(results)),
        ),
        figures=(
            Figure(
                f"Transfer rate from the exact network with 95% intervals; {conditions}. Low would mean a defence.",
                f"{words}.",
                figures.shares(rates, title="transfer rate, %", alt_text=f"{words}."),
            ),
        ),
        data=results.to_dict(),
    )


def verdict(scope: Scope, progress: Progress) -> Section:
    """What the rule says of the results on MNIST that come with the package."""
    return _measured("verdict", "mnist")


def verdict_on_cifar10(scope: Scope, progress: Progress) -> Section:
    """The same for CIFAR-10."""
    return _measured("verdict_cifar10", "cifar10")


def _measured(key: str, preset: str) -> Section:
    from golden.robustness.records import MEASURED, read

    title, file = VERDICTS[key], MEASURED / f"{preset}.jsonl.gz"
    if not file.exists():
        return Section(key, title, not_run=f"no results of the preset {preset} come with this version")
    results = read(file)
    conditions = _conditions(results)
    ruling = results.verdict
    rulings = (ruling, *ruling.get("others", ()))
    folder = f"build/{preset}"
    return Section(
        key=key,
        title=title,
        command=f"axfpm evaluate --preset {preset} --jobs 2 -o {folder}; axfpm results {folder}/results.jsonl",
        paragraphs=(
            f"{conditions}. These figures were measured before and are rendered from their file; the command makes "
            "them anew. A claim holds where the simultaneous lower bound is above 0, the difference is at least 10 "
            "points and it is there on every network; it does not hold where the upper bound is below 10 points.",
            f"{ruling['scope']}.",
        ),
        tables=(
            *(
                Table(
                    f"What was asked before the runs, and what came out: robust accuracy of {one['subject']} less that "
                    "of the control, under the best of all attacks for each image",
                    ("threat model", "norm", "against", "difference, points", "interval", "verdict"),
                    [_verdict_row(row) for row in one["verdicts"]],
                )
                for one in rulings
            ),
            Table(
                "By threat model",
                ("target", "threat model", "verdict", "hypotheses"),
                [
                    (one["subject"], row["threat_model"], row["verdict"], row["reason"])
                    for one in rulings
                    for row in one["summaries"]
                ],
            ),
            _clean_table(results, conditions),
            *(_attack_table(results, threat, conditions) for threat in _threat_models(results)),
        ),
        figures=[
            replace(figure, caption=f"{figure.caption} {conditions}.")
            for figure in robustness_figures.headline(results)
        ],
        data={"verdict": ruling, "suites": results.to_dict()["suites"]},
        origin="file",
    )


def _conditions(results: Results) -> str:
    settings = results.settings
    return f"{settings['model']}, {settings['samples']} images of {settings['data']}, seed {settings['seed']}"


def _threat_models(results: Results) -> list[str]:
    return list(dict.fromkeys(row.threat_model for row in results.attacks))


def _clean_table(results: Results, conditions: str) -> Table:
    from golden.robustness.result_tables import average, grouped, mean

    rows = []
    for name, same in grouped(results.clean):
        confidence = average([row.confidence for row in same])
        rows.append(
            (
                name,
                str(mean([row.accuracy for row in same])),
                str(mean([row.agreement for row in same])),
                "-" if confidence is None else confidence,
            )
        )
    columns = ("target", "accuracy", "same class as exact", "mean confidence")
    return Table(f"Clean images: {conditions}; 95% Wilson intervals", columns, rows)


def _attack_table(results: Results, threat: str, conditions: str) -> Table:
    from golden.robustness.result_tables import attack_rows

    rows = attack_rows([row for row in results.attacks if row.threat_model == threat])
    return Table(
        f"{threat}, {results.settings['threat_models'][threat]}: {conditions}; 95% Wilson intervals",
        ("attack", "source success", "target", "transfer rate", "robust accuracy"),
        rows,
    )


def _verdict_row(row: dict[str, Any]) -> Sequence[Any]:
    low, high = row["interval"] or (None, None)
    return (
        row["threat_model"],
        row["norm"],
        f"{row['control']}{', mean of ' + str(row['draws']) + ' draws' if row['draws'] else ''}",
        "-" if row["difference"] is None else f"{row['difference']:+.1f}",
        "-" if low is None else f"[{low:+.1f}, {high:+.1f}]",
        f"{row['verdict']}: {row['reason']}",
    )
