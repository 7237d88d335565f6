"""From what was judged to the rows of the results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from golden.robustness.confidence import confidence as confidence_metrics
from golden.robustness.equivalence import accuracy_kept as compare_accuracy
from golden.robustness.jobs import Arrays
from golden.robustness.judge import ROUNDED, SHAKEN, stretched, views
from golden.robustness.networks import Subject, subset
from golden.robustness.outcomes import (
    confidence,
    deciles,
    distances,
    median_distance,
    predicted,
    right,
    share,
    under_attack,
)
from golden.robustness.plan import Examples, Plan, Shown
from golden.robustness.row_types import EXACT, Clean, Picture, Suite, UnderAttack
from golden.robustness.store import array_digest
from golden.robustness.targets import Target

__all__ = ["Judged", "accuracy_kept", "clean_rows", "decides", "pictures", "rows_under_attack", "suites"]

PICTURES = 4
"""Images of which there are pictures."""
WITHIN = 1 + 1e-5
"""Room for the rounding of examples to float32, as a factor of the budget."""


@dataclass(frozen=True, eq=False)
class Judged:
    """What the jobs returned.

    Parameters
    ----------
    clean : mapping of (network, Target) to (ndarray of int, ndarray of float32)
        Which images were seen clean (N,), in order, and the logits for them (N, classes).
    crafted : mapping of Examples to Arrays
        As ``craft.CRAFTED``.
    shown : mapping of Shown to ndarray of float32, (views, N, classes)
        Logits for the examples.
    training_queries : mapping of (network, threat model, Target) to int
        Images that a substitute was trained on.
    """

    clean: Mapping[tuple[int, Target], tuple[np.ndarray, np.ndarray]]
    crafted: Mapping[Examples, Arrays]
    shown: Mapping[Shown, np.ndarray]
    training_queries: Mapping[tuple[int, str, Target | None], int]

    def right_clean(self, network: int, target: Target, labels: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """Whether chosen images are classified correctly clean, of those that were seen."""
        seen, logits = self.clean[network, target]
        return right(logits, labels[seen])[np.searchsorted(seen, chosen)]


def clean_rows(
    judged: Judged, subjects: Sequence[Subject], everyone: Sequence[Target], controls: Sequence[str], *, full: bool
) -> tuple[Clean, ...]:
    """Rows for the clean images; ``full`` for all confidence metrics."""
    rows = []
    for i, subject in enumerate(subjects):
        for target in everyone:
            if (i, target) not in judged.clean:
                continue  # a target of stages that leave this network out
            seen, logits = judged.clean[i, target]
            labels, exact = subject.labels[seen], subject.logits[seen]
            factor = _temperature(logits, exact)
            rows.append(
                Clean(
                    target.name,
                    target.name in controls,
                    share(right(logits, labels)),
                    share(predicted(logits) == predicted(exact)),
                    confidence(logits),
                    subject.network.name,
                    subject.network.seed,
                    target.group,
                    factor,
                    _calibration(logits, labels, factor) if full else {},
                )
            )
    return tuple(rows)


def _calibration(logits: np.ndarray, labels: np.ndarray, factor: float | None) -> dict[str, Any]:
    raw = confidence_metrics(logits, labels)
    matched = None if factor is None else confidence_metrics(logits, labels, temperature=factor)
    return {name: found and found.to_dict() for name, found in (("raw", raw), ("matched", matched))}


def accuracy_kept(judged: Judged, subjects: Sequence[Subject], everyone: Sequence[Target]) -> dict[str, dict[str, Any]]:
    """Whether each target's clean accuracy is that of the exact network, by target: ``equivalence``."""

    def correct(target: Target) -> np.ndarray:
        return np.stack([right(judged.clean[i, target][1], subject.labels) for i, subject in enumerate(subjects)])

    exact = correct(everyone[0])
    return {target.name: compare_accuracy(correct(target), exact).to_dict() for target in everyone[1:]}


def _temperature(logits: np.ndarray, exact: np.ndarray) -> float | None:
    """The t of least squares, <logits, exact> / <exact, exact>; None where that is not positive."""
    if logits.shape != exact.shape or not (np.isfinite(logits).all() and np.isfinite(exact).all()):
        return None
    a, b = logits.astype(np.float64), exact.astype(np.float64)
    energy = float((b * b).sum())
    factor = float((a * b).sum()) / energy if energy else 0.0
    return factor if factor > 0 else None


def rows_under_attack(
    judged: Judged, subjects: Sequence[Subject], planned: Plan, controls: Sequence[str]
) -> tuple[UnderAttack, ...]:
    """Rows for the examples, in the order of the plan, each view its own row."""
    audience: dict[Examples, list[Shown]] = {}
    for shown in planned.shown:
        audience.setdefault(shown.examples, []).append(shown)
    rows = []
    for case, everyone in audience.items():
        chosen = subset(len(subjects[case.network].images), case.samples)
        labels = subjects[case.network].labels
        clean = {s.target: judged.right_clean(case.network, s.target, labels, chosen) for s in everyone}
        # Only where all have the same source is one transfer rate comparable with another.
        common = np.logical_and.reduce(list(clean.values())) if case.threat_model.shared else None
        for shown in everyone:
            rows += _rows(judged, subjects[case.network], shown, clean[shown.target], common, controls)
    return tuple(rows)


def _rows(
    judged: Judged,
    subject: Subject,
    shown: Shown,
    clean: np.ndarray,
    common: np.ndarray | None,
    controls: Sequence[str],
) -> Iterator[UnderAttack]:
    case, target = shown.examples, shown.target
    chosen = subset(len(subject.images), case.samples)
    images, labels = subject.images[chosen], subject.labels[chosen]
    crafted = judged.crafted[case]
    source = right(crafted["source_clean"], labels), right(crafted["source_attacked"], labels)
    is_source = (case.threat_model.itself and target == case.target) or (
        case.threat_model.shared and target.name == EXACT
    )
    asked = judged.training_queries.get((case.network, case.threat_model.name, case.target))
    for view, logits in zip(views(shown), judged.shown[shown], strict=True):
        attacked = right(logits, labels)
        success, transfer, robust = under_attack(source, (clean, attacked))
        within = None if common is None else source[0] & common & ~source[1]
        moved_by = distances(images, _moved(view, images, crafted["images"]), case.attack.norm)
        yield UnderAttack(
            case.threat_model.name,
            str(case.attack),
            case.attack.norm,
            case.attack.epsilon,
            target.name,
            target.name in controls,
            success,
            None if is_source else transfer,
            robust,
            subject.network.name,
            subject.network.seed,
            view,
            case.gradient,
            None if within is None or is_source else share(~attacked, within),
            median_distance(moved_by, clean, attacked),
            asked if asked is not None else _queries(case, crafted),
            _halfway(crafted, clean),
            deciles(moved_by, clean, attacked) if case.attack.minimal else {},
            array_digest(crafted["images"]),
            "" if case.target is None else case.target.name,
        )


def _queries(case: Examples, crafted: Arrays) -> float | None:
    # Attacks with gradients could count their passes too, but nobody answers those.
    return float(crafted["queries"].mean()) if case.attack.kind.access in ("scores", "labels") else None


def _halfway(crafted: Arrays, clean: np.ndarray) -> float | None:
    reached = crafted["halfway"][clean]
    median = float(np.median(reached)) if len(reached) else np.nan
    return median if np.isfinite(median) else None


def _moved(view: str, images: np.ndarray, crafted: np.ndarray) -> np.ndarray:
    return stretched(images, crafted, float(view[2:])) if view.startswith("x ") else crafted


def decides(shown: Shown) -> bool:
    """Whether what is shown counts in a suite: nobody is judged by examples that were made for somebody else."""
    return not shown.extra and shown.examples.target in (None, shown.target)


def suites(
    judged: Judged, subjects: Sequence[Subject], planned: Plan, budgets: Mapping[str, float]
) -> tuple[Suite, ...]:
    """Who withstands all examples of a threat model that keep within a budget, stretched ones included."""
    groups: dict[tuple[str, int, Target], list[Shown]] = {}
    for shown in planned.shown:
        if decides(shown):
            groups.setdefault((shown.examples.threat_model.name, shown.examples.network, shown.target), []).append(
                shown
            )
    rows = []
    for norm, budget in budgets.items():
        for (threat, network, target), members in groups.items():
            subject = subjects[network]
            samples = members[0].examples.samples
            withstood = judged.right_clean(network, target, subject.labels, subset(len(subject.images), samples))
            sets = 0
            for shown in members:
                for reached, wrong in _successes(judged, subject, shown, norm, budget):
                    withstood = withstood & ~(reached & wrong)
                    sets += 1
            rows.append(
                Suite(
                    threat,
                    norm,
                    budget,
                    target.name,
                    subject.network.name,
                    subject.network.seed,
                    share(withstood),
                    sets,
                    np.packbits(withstood).tobytes().hex(),
                )
            )
    return tuple(rows)


def _successes(
    judged: Judged, subject: Subject, shown: Shown, norm: str, budget: float
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of each view: which examples keep within the budget, and which are classified wrongly."""
    chosen = subset(len(subject.images), shown.examples.samples)
    images, labels = subject.images[chosen], subject.labels[chosen]
    crafted = judged.crafted[shown.examples]["images"]
    for view, logits in zip(views(shown), judged.shown[shown], strict=True):
        if view not in (ROUNDED, SHAKEN):
            within = distances(images, _moved(view, images, crafted), norm) <= budget * WITHIN
            yield within, ~right(logits, labels)


def pictures(judged: Judged, subjects: Sequence[Subject], planned: Plan) -> tuple[Picture, ...]:
    """Some examples of the first network: of every attack that decides, as whom it is for sees it, and clean."""
    found: dict[tuple[str, str, str, int], Picture] = {}
    for shown in planned.shown:
        case, target = shown.examples, shown.target
        whom = case.target.name if case.target is not None else EXACT
        if shown.extra or case.network or target.name != whom:
            continue
        subject = subjects[0]
        images, labels = subject.chosen(case.samples)
        classes = predicted(judged.shown[shown][0])
        for i in range(0, len(images), -(-len(images) // PICTURES)):
            for attack, pixels, answer in (
                ("", images[i], predicted(subject.logits[subset(len(subject.images), case.samples)])[i]),
                (str(case.attack), judged.crafted[case]["images"][i], classes[i]),
            ):
                key = (case.threat_model.name, attack, target.name, i) if attack else ("", "", EXACT, i)
                found.setdefault(key, _picture(key, int(labels[i]), int(answer), pixels))
    return tuple(found.values())


def _picture(key: tuple[str, str, str, int], label: int, answer: int, pixels: np.ndarray) -> Picture:
    stored = np.rint(255 * pixels).astype(np.uint8)
    channels, height, width = pixels.shape
    return Picture(*key[:3], label, answer, channels, height, width, stored.tobytes().hex())
