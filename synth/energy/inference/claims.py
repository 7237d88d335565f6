"""When a claim of saved energy holds: a rule, fixed before anything was measured.

A claim says that a multiplier takes at most some share of an exact one's energy for an inference. It is judged against
a named baseline, on every technology that was measured. With the 95% interval of the ratio on each

- it *holds* where the upper end lies below the claimed share on every technology, two of them at least;
- it *does not hold* where the lower end lies at or above it on one: then there is a technology where it is not so;
- otherwise it is *undecided*, and *not run* where the multiplier or the baseline was not measured everywhere.

To hold, all intervals have to lie below at once, so that testing several technologies makes it no easier; to fail, one
is enough, and the chance of a wrong one grows with their number: at most 2.5% for each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from synth.energy.inference.result import InferenceEnergy

__all__ = [
    "CLAIMS",
    "FAILS",
    "HOLDS",
    "LEAST_TECHNOLOGIES",
    "NOT_RUN",
    "OPEN",
    "PREDICTED",
    "SUBJECT",
    "Claim",
    "Verdict",
    "decide",
    "ruled",
]

SUBJECT = "ax-fpm"
LEAST_TECHNOLOGIES = 2
"""On fewer nothing is said to hold everywhere."""
HOLDS, FAILS, OPEN, NOT_RUN = "holds", "does not hold", "undecided", "not run"
"""What becomes of a claim."""


@dataclass(frozen=True)
class Claim:
    """A share of an exact multiplier's energy that an inference is said to stay below.

    Parameters
    ----------
    text : str
        As it was put.
    share : float
        The claimed ratio of energies.
    source : str
        Who claims it.
    """

    text: str
    share: float
    source: str


PREDICTED = 0.62
"""Share of the exact one's energy that multiplier and adder were predicted to take at most."""
CLAIMS = (
    Claim("up to 50% less energy", 0.50, "the paper as published (ASPLOS 2021)"),
    Claim("67% less energy", 0.33, "the paper's first version (arXiv)"),
    Claim(
        f"the energy of multiply and add at most {PREDICTED:g}", PREDICTED, "our own prediction, made before measuring"
    ),
)


@dataclass(frozen=True)
class Verdict:
    """What became of a claim against one baseline.

    Parameters
    ----------
    claim : Claim
        What was claimed.
    network, baseline : str
        Of which inference, and against what.
    verdict : str
        ``holds``, ``does not hold``, ``undecided`` or ``not run``.
    reason : str
        Why, in words.
    ratios : dict of str to (float, float, float)
        By library: the ratio, and the ends of its interval.
    """

    claim: Claim
    network: str
    baseline: str
    verdict: str
    reason: str
    ratios: dict[str, tuple[float, float, float]]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        own = asdict(self)
        return {**own.pop("claim"), **own, "ratios": {name: list(each) for name, each in self.ratios.items()}}


def decide(results: Sequence[InferenceEnergy], *, subject: str = SUBJECT) -> tuple[Verdict, ...]:
    """Judge every claim on inferences of one network.

    Parameters
    ----------
    results : sequence of InferenceEnergy
        One for each technology.
    subject : str
        Name of the row that is judged.

    Returns
    -------
    tuple of Verdict
        Each claim against each baseline that a result has, in their order.
    """
    baselines = dict.fromkeys(name for result in results for name in result.baselines if name != subject)
    return tuple(_judged(claim, results, subject, baseline) for claim in CLAIMS for baseline in baselines)


def _judged(claim: Claim, results: Sequence[InferenceEnergy], subject: str, baseline: str) -> Verdict:
    network = results[0].network
    ratios = {}
    for result in results:
        if subject not in result.names or baseline not in result.baselines:
            reason = f"{subject} or {baseline} was not measured on {result.library}"
            return Verdict(claim, network, baseline, NOT_RUN, reason, {})
        ratio = result.row(subject).ratios[baseline]
        ratios[result.library] = (ratio.energy, *ratio.interval)
    verdict, reason = ruled(claim.share, ratios)
    return Verdict(claim, network, baseline, verdict, reason, ratios)


def ruled(share: float, ratios: Mapping[str, tuple[float, float, float]]) -> tuple[str, str]:
    """Judge whether a ratio stays below a share, and say why.

    Parameters
    ----------
    share : float
        The claimed ratio.
    ratios : mapping of str to (float, float, float)
        By technology: the ratio, and the ends of its interval.
    """
    above = [name for name, (_, low, _) in ratios.items() if low >= share]
    if above:
        return FAILS, f"the whole interval lies above {share:g} on {', '.join(above)}"
    reaching = [name for name, (_, _, high) in ratios.items() if high >= share]
    if reaching:
        return OPEN, f"the interval reaches above {share:g} on {', '.join(reaching)}"
    if len(ratios) < LEAST_TECHNOLOGIES:
        return OPEN, f"below {share:g}, but on {len(ratios)} technology alone"
    return HOLDS, f"the interval stays below {share:g} on all {len(ratios)} technologies"
