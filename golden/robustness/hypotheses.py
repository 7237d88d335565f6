"""What is to be confirmed or refuted, listed before any run; ``rule`` says when each holds.

*Endpoint*: robust accuracy on all images, clean errors counted as failures, under the best of one fixed suite of
attacks for each example, at one primary budget for each norm. *Questions*: D, target less exact model: does anything
change for the user? A, target less matched control: is it this arithmetic, or would any disturbance of its size do?
Twin has no D: the exact model fails there by construction.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from golden.robustness.row_types import EXACT

__all__ = ["FAILS", "HOLDS", "HYPOTHESES", "MATCHED", "NOT_RUN", "OPEN", "SUBJECT", "Hypothesis", "canonical"]

SUBJECT = "ax-fpm"
MATCHED = ("noise", "companding")
"""Controls that are made for a multiplier: for ``SUBJECT`` where their names do not say for which."""

HOLDS, FAILS, OPEN, NOT_RUN = "holds", "does not hold", "undecided", "not run"
"""What becomes of a claim."""


@dataclass(frozen=True)
class Hypothesis:
    """The target's robust accuracy is higher than the control's.

    Parameters
    ----------
    threat_model, norm : str
        As in results.
    question : str
        ``D``, against the exact model, or ``A``, against a matched control.
    control : str
        Name of the control among targets.
    draws : int
        Draws of a random control, of which the mean is compared; 0 where there is only one of it.
    ranked : bool
        Whether the rank among the draws counts.
    """

    threat_model: str
    norm: str
    question: str
    control: str
    draws: int = 0
    ranked: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: the parameters by name."""
        return asdict(self)

    def controls(self, subject: str) -> tuple[str, ...]:
        """Canonical names of the targets that the subject is compared with.

        The subject is a multiplier's name; ``+calibrated`` behind it goes for a control that is a multiplier too, and
        for noise, which then moves the logits as far as the calibrated network's.
        """
        name, plus, _ = subject.partition("+calibrated")
        if self.control not in MATCHED:
            return (self.control if self.control == EXACT else f"{self.control}{plus}",)
        matched = "calibrated=1," if plus and self.control == "noise" else ""
        draws = [f"draw={k}," for k in range(self.draws)] or [""]
        return tuple(canonical(f"{self.control}:{draw}{matched}multiplier={name}") for draw in draws)


def canonical(name: str) -> str:
    """One name for each target: without a matched control's defaults; the draw comes first, then ``calibrated``."""
    kind, _, settings = name.partition(":")
    if kind not in MATCHED:
        return name
    parts = [part for part in settings.split(",") if part]
    draw = [part for part in parts if part.startswith("draw=") and part != "draw=0"]
    # A multiplier's dials have commas of their own.
    calibrated = [part for part in parts if part == "calibrated=1"]
    matched = ",".join(part for part in parts if not part.startswith(("draw=", "calibrated=")))
    shown = [*draw, *calibrated, *([matched] if matched not in ("", f"multiplier={SUBJECT}") else [])]
    return f"{kind}:{','.join(shown)}" if shown else kind


HYPOTHESES = (
    Hypothesis("twin", "linf", "A", "noise", draws=39, ranked=True),
    Hypothesis("twin", "linf", "A", "e8m1"),
    Hypothesis("twin", "linf", "A", "companding"),
    Hypothesis("twin", "l2", "A", "noise", draws=39, ranked=True),
    Hypothesis("twin", "l2", "A", "e8m1"),
    Hypothesis("twin", "l2", "A", "companding"),
    Hypothesis("aware", "linf", "D", EXACT),
    Hypothesis("aware", "l2", "D", EXACT),
    Hypothesis("white-box", "linf", "D", EXACT),
    Hypothesis("white-box", "l2", "D", EXACT),
    Hypothesis("white-box", "linf", "A", "noise", draws=2),
    Hypothesis("white-box", "l2", "A", "noise", draws=2),
)
"""All that is confirmed or refuted; everything else in results is description."""
