"""When "this arithmetic defends" holds: a verdict on each of the hypotheses, and on each threat model.

A hypothesis *holds* where the simultaneous lower bound of the difference is above 0, the difference is at least
``LEAST`` points, and it is above 0 on every seed; where noise is the control by rank, p of the target's rank among the
draws, adjusted by Holm, must also be at most ``LEVEL``. It *does not hold* where the upper bound is below ``LEAST``.
Otherwise it is *undecided*.

Why so. The intervals hold together with probability 95%, so some hypothesis without any effect is said to hold in at
most 5% of evaluations, and some hypothesis with an effect of ``LEAST`` points is said not to in at most 5%. They speak
of other images, for these networks and these draws, and say nothing of other draws: draws that happen to be weak would
look like a defence. The rank does speak of those: the chance that one more draw of noise ranks so high is p, whatever
their distribution, and it says nothing of other images. Demanding both can only lower the first error. Holm counts the
ranked hypotheses alone, as the others use no rank: with two of them and 39 draws, one must be the best of all 40 and
the other one of the two best. In white-box, where each draw is attacked anew, only two are affordable: the verdict is
about their mean, without a rank. Networks trained otherwise are not inferred to; the sign on every seed is a check on
them, not a bound.

Simulated for 3 networks and 200 images of which half the luck is shared by all targets: without an effect a hypothesis
is refuted in 98% of samples, and none of twelve held in 300; an effect of 10 points is confirmed in 52% (at the
threshold itself, half of all differences lie below it), one of 12 points in 86%, one of 15 in 99%.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from golden.errors import InvalidInput, InvalidType
from golden.robustness.hypotheses import FAILS, HOLDS, HYPOTHESES, NOT_RUN, OPEN, SUBJECT, Hypothesis, canonical
from golden.robustness.intervals import RESAMPLES, simultaneous_intervals
from golden.robustness.statistics import CONFIDENCE, holm, mcnemar, rank_p

__all__ = ["HYPOTHESES", "LEAST", "Hypothesis", "Ruling", "Summary", "Verdict", "decide"]

LEAST = 10.0
"""Points of robust accuracy below which a difference is no defence."""
LEVEL = 0.05
"""Of the rank among draws, after Holm."""


@dataclass(frozen=True)
class Verdict:
    """What became of a hypothesis.

    Members
    -------
    hypothesis : Hypothesis
        What was asked.
    verdict : str
        ``holds``, ``does not hold``, ``undecided`` or ``not run``.
    reason : str
        Why, in words.
    difference : float or None
        Robust accuracy of the target less that of the control (of the mean of its draws), in points, over all seeds and
        images; None where not run, as all that follows.
    interval : (float, float) or None
        Its simultaneous interval, in points.
    per_seed : tuple of float or None
        The difference on each seed, in points.
    rank : int or None
        Of the target among the draws and itself, 1 the best, ties counted against it; None where it does not count.
    p : float or None
        rank / (draws + 1), adjusted by Holm for the ranked hypotheses that ran; None where the rank does not count.
    mcnemar : tuple of float or None
        Beside, for one control: McNemar's exact p within each seed, two-sided, adjusted by Holm for all seeds of all
        hypotheses that have one.
    """

    hypothesis: Hypothesis
    verdict: str
    reason: str
    difference: float | None = None
    interval: tuple[float, float] | None = None
    per_seed: tuple[float, ...] | None = None
    rank: int | None = None
    p: float | None = None
    mcnemar: tuple[float, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: the hypothesis's parameters and the other members, by name."""
        own = {key: list(value) if isinstance(value, tuple) else value for key, value in vars(self).items()}
        del own["hypothesis"]
        return {**self.hypothesis.to_dict(), **own}


@dataclass(frozen=True)
class Summary:
    """Whether the arithmetic defends in a threat model.

    Members
    -------
    threat_model : str
        The name.
    verdict : str
        ``defends`` where every hypothesis of the threat model holds, at both norms and against each control; ``does not
        defend`` where one does not hold; ``not run`` where none ran; ``undecided`` otherwise.
    reason : str
        How many hypotheses came out how.
    """

    threat_model: str
    verdict: str
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: the members by name."""
        return asdict(self)


@dataclass(frozen=True)
class Ruling:
    """All verdicts on one multiplier.

    Members
    -------
    subject : str
        The target in question.
    seeds, images : int
        What each robust accuracy is over; 0 where nothing ran.
    scope : str
        What the intervals are simultaneous over.
    verdicts : tuple of Verdict
        In the order of ``HYPOTHESES``.
    summaries : tuple of Summary
        By threat model.
    """

    subject: str
    seeds: int
    images: int
    scope: str
    verdicts: tuple[Verdict, ...]
    summaries: tuple[Summary, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: the members by name, verdicts and summaries as lists of dictionaries."""
        parts = {key: [row.to_dict() for row in getattr(self, key)] for key in ("verdicts", "summaries")}
        return {**vars(self), **parts}


def decide(
    outcomes: Mapping[tuple[str, str, str], np.ndarray],
    *,
    subject: str = SUBJECT,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Ruling:
    """Judge every hypothesis by what the targets got right under attack.

    Parameters
    ----------
    outcomes : mapping of (str, str, str) to ndarray of bool, (seeds, images)
        By threat model, norm and name of the target: whether each image is classified correctly under the best of the
        suite at the primary budget of that norm. The same networks and images everywhere; where a threat model makes
        examples for each target, those made for it, the exact model's and the controls' own among them. Names of
        controls are those that ``Hypothesis.controls`` gives, or equal ones: ``exact torch``, ``e8m1``,
        ``companding``, ``noise`` or ``noise:draw=0``, ``noise:draw=1`` and so on; for another subject
        ``noise:draw=1,multiplier=mitchell``. What no hypothesis asks for is not looked at.
    subject : str
        The target in question, by any multiplier's name.
    resamples, seed : int
        Of the intervals.

    Returns
    -------
    Ruling
        A hypothesis of which an outcome is missing is not run, and the intervals are simultaneous over the others.

    Raises
    ------
    InvalidInput
        If shapes differ, there are fewer than two images, or one target has two outcomes.
    InvalidType
        If an outcome is not of dtype bool.
    """
    named: dict[tuple[str, str, str], np.ndarray] = {}
    for (threat_model, norm, name), outcome in outcomes.items():
        key = threat_model, norm, canonical(name)
        if key in named:
            raise InvalidInput(f"two outcomes of {key[2]} in {threat_model}, {norm}; give one, under either name")
        named[key] = outcome
    outcomes = named
    missing = {hypothesis: _missing(hypothesis, outcomes, subject) for hypothesis in HYPOTHESES}
    ran = [_Comparison.of(hypothesis, outcomes, subject) for hypothesis in HYPOTHESES if not missing[hypothesis]]
    shapes = {array.shape for comparison in ran for array in (comparison.target, *comparison.controls)}
    if len(shapes) > 1 or any(len(shape) != 2 or not shape[0] or shape[1] < 2 for shape in shapes):
        raise InvalidInput(
            f"outcomes of shapes {' and '.join(map(str, sorted(shapes)))} cannot be compared; give (seeds, images) of "
            "the same networks and images, two images at least"
        )
    seeds, images = shapes.pop() if shapes else (0, 0)
    found = _verdicts(ran, resamples, seed) if ran else {}
    verdicts = tuple(found.get(h, Verdict(h, NOT_RUN, missing[h])) for h in HYPOTHESES)
    scope = "no hypothesis ran"
    if ran:
        scope = (
            f"simultaneous {100 * CONFIDENCE:g}% intervals over {len(ran)} of {len(HYPOTHESES)} hypotheses, those that "
            f"ran, by {resamples} resamples of {images} images, for these {seeds} networks"
        )
    names = dict.fromkeys(h.threat_model for h in HYPOTHESES)
    return Ruling(subject, seeds, images, scope, verdicts, tuple(_summary(name, verdicts) for name in names))


def _missing(hypothesis: Hypothesis, outcomes: Mapping[tuple[str, str, str], np.ndarray], subject: str) -> str:
    """Why a hypothesis cannot be judged; empty where it can."""
    controls = hypothesis.controls(subject)
    if subject in controls:
        return f"{subject} is its own control here"
    absent = [name for name in (subject, *controls) if (hypothesis.threat_model, hypothesis.norm, name) not in outcomes]
    if not absent:
        return ""
    return f"no outcome of {absent[0]}" + (f" and {len(absent) - 1} more targets" if len(absent) > 1 else "")


@dataclass(frozen=True, eq=False)
class _Comparison:
    """Correctness of the target (seeds, images) beside that of each control."""

    hypothesis: Hypothesis
    target: np.ndarray
    controls: tuple[np.ndarray, ...]

    @classmethod
    def of(
        cls, hypothesis: Hypothesis, outcomes: Mapping[tuple[str, str, str], np.ndarray], subject: str
    ) -> _Comparison:
        names = subject, *hypothesis.controls(subject)
        target, *controls = (np.asarray(outcomes[hypothesis.threat_model, hypothesis.norm, name]) for name in names)
        for name, array in zip(names, (target, *controls), strict=True):
            if array.dtype != np.bool_:
                raise InvalidType(f"the outcome of {name} is of dtype {array.dtype}; give bool, correct or not")
        return cls(hypothesis, target, tuple(controls))

    def gains(self) -> np.ndarray:
        """Draws times how often the target is right, less how often the controls are: int64 (seeds, images)."""
        return len(self.controls) * self.target.astype(np.int64) - np.sum(self.controls, axis=0, dtype=np.int64)


def _verdicts(ran: list[_Comparison], resamples: int, seed: int) -> dict[Hypothesis, Verdict]:
    means = np.stack([c.gains().sum(0) / (len(c.target) * len(c.controls)) for c in ran])
    intervals = 100 * simultaneous_intervals(means, resamples=resamples, seed=seed)
    ranked = [c for c in ran if c.hypothesis.ranked]
    single = [c for c in ran if not c.hypothesis.draws]
    by_rank = [rank_p(c.target.sum(), [control.sum() for control in c.controls]) for c in ranked]
    ranks = {c.hypothesis: round(p * (len(c.controls) + 1)) for c, p in zip(ranked, by_rank, strict=True)}
    p_values = dict(zip(ranks, holm(by_rank).tolist(), strict=True))
    by_seed = np.array([mcnemar(c.target, c.controls[0]) for c in single])
    adjusted = holm(by_seed.ravel()).reshape(by_seed.shape).tolist()
    mcnemars = {c.hypothesis: tuple(row) for c, row in zip(single, adjusted, strict=True)}
    verdicts = {}
    for comparison, (low, high) in zip(ran, intervals.tolist(), strict=True):
        hypothesis, gain = comparison.hypothesis, 100 * comparison.gains()
        # Sums of whole numbers, divided once: exactly 10 points are 10 points.
        difference = float(gain.sum() / (gain.size * len(comparison.controls)))
        per_seed = tuple((gain.sum(1) / (gain.shape[1] * len(comparison.controls))).tolist())
        p = p_values.get(hypothesis)
        verdict, reason = _verdict(difference, (low, high), per_seed, p)
        verdicts[hypothesis] = Verdict(
            hypothesis,
            verdict,
            reason,
            difference,
            (low, high),
            per_seed,
            ranks.get(hypothesis),
            p,
            mcnemars.get(hypothesis),
        )
    return verdicts


def _verdict(
    difference: float, interval: tuple[float, float], per_seed: tuple[float, ...], p: float | None
) -> tuple[str, str]:
    if interval[1] < LEAST:
        return FAILS, f"the upper bound is below {LEAST:g} points"
    lacking = [
        what
        for lacks, what in (
            (interval[0] <= 0, "the lower bound is not above 0"),
            (difference < LEAST, f"the difference is below {LEAST:g} points"),
            (min(per_seed) <= 0, "the target is not ahead on every seed"),
            (p is not None and p > LEVEL, "the target does not rank high enough among the draws"),
        )
        if lacks
    ]
    return (OPEN, "; ".join(lacking)) if lacking else (HOLDS, "every condition is met")


def _summary(threat_model: str, verdicts: tuple[Verdict, ...]) -> Summary:
    own = [v.verdict for v in verdicts if v.hypothesis.threat_model == threat_model]
    reason = ", ".join(f"{own.count(verdict)} {verdict}" for verdict in (HOLDS, FAILS, OPEN, NOT_RUN) if verdict in own)
    if FAILS in own:
        return Summary(threat_model, "does not defend", reason)
    if set(own) == {HOLDS}:
        return Summary(threat_model, "defends", reason)
    return Summary(threat_model, NOT_RUN if set(own) == {NOT_RUN} else OPEN, reason)
