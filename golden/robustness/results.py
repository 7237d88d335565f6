"""What an evaluation found, as data, JSON and tables.

Definitions. *Transfer rate*: of the examples that both source and target classify correctly clean and that are
adversarial on the source (checked again after storage as float32), the share that the target misclassifies. *Source
success*: of the examples that the source classifies correctly clean, the share that is adversarial on it. *Robust
accuracy*: the share of all samples classified correctly under attack, clean errors counted as failures.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from golden.robustness.statistics import Proportion
from golden.tables import plain_console, printable

__all__ = ["EXACT", "Clean", "Results", "UnderAttack", "clean_result", "under_attack"]

EXACT = "exact torch"
"""Name of the exact model in results: plain PyTorch, no multiplier emulated."""


@dataclass(frozen=True)
class Clean:
    """One target on unperturbed images.

    Parameters
    ----------
    target : str
        Canonical name of the multiplier, or ``EXACT``.
    control : bool
        Whether it stands there for comparison only.
    accuracy : Proportion
        Images classified correctly.
    agreement : Proportion
        Images put into the same class as by the exact model.
    confidence : float or None
        Mean of the largest softmax output; None where a logit is not finite.
    """

    target: str
    control: bool
    accuracy: Proportion
    agreement: Proportion
    confidence: float | None


@dataclass(frozen=True)
class UnderAttack:
    """One target under one attack in one threat model.

    Parameters
    ----------
    threat_model, attack, norm : str
        Names; the attack's name holds its budget.
    epsilon : float or None
        The budget, in pixel values of [0, 1].
    target : str
        Canonical name of the multiplier, or ``EXACT``.
    control : bool
        Whether it stands there for comparison only.
    source_success, robust_accuracy : Proportion
        See the module's definitions.
    transfer : Proportion or None
        See there; None where the target is the source.
    """

    threat_model: str
    attack: str
    norm: str
    epsilon: float | None
    target: str
    control: bool
    source_success: Proportion
    transfer: Proportion | None
    robust_accuracy: Proportion


@dataclass(frozen=True)
class Results:
    """All results of one evaluation.

    Parameters
    ----------
    settings : dict
        JSON-ready: model, data, seed, samples, multipliers, attacks with all their parameters, threat models, versions.
    clean : tuple of Clean
        The exact model first.
    attacks : tuple of UnderAttack
        By threat model, then attack, then target.
    """

    settings: dict[str, Any]
    clean: tuple[Clean, ...]
    attacks: tuple[UnderAttack, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready dictionary with the entries ``settings``, ``clean`` and ``attacks``."""
        return {
            "settings": self.settings,
            "clean": [_plain(row) for row in self.clean],
            "attacks": [_plain(row) for row in self.attacks],
        }

    def to_json(self) -> str:
        """JSON text; the same evaluation gives the same text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def table(self, *, width: int = 128) -> str:
        """Plain-text tables with the definitions they rest on, ``width`` characters wide at most."""
        from rich import box
        from rich.table import Table

        s = self.settings
        console = plain_console(file=io.StringIO(), width=width, color_system=None)
        clean = Table(
            "multiplier",
            "accuracy, 95% interval",
            "same class as exact",
            "confidence",
            "change",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
            collapse_padding=True,
        )
        for row in self.clean:
            clean.add_row(
                _name(row),
                str(row.accuracy),
                "-" if row.target == EXACT else str(row.agreement),
                "not finite" if row.confidence is None else f"{row.confidence:.4f}",
                _change(row.confidence, self.clean[0].confidence) if row.target != EXACT else "-",
            )
        console.print(printable(f"{s['model']}, {s['samples']} images of {s['data']}, seed {s['seed']}: clean"))
        console.print(clean)
        for threat_model in dict.fromkeys(row.threat_model for row in self.attacks):
            attacked = Table(
                "attack",
                "source success",
                "multiplier",
                "transfer rate",
                "robust accuracy",
                box=box.SIMPLE_HEAD,
                pad_edge=False,
                collapse_padding=True,
            )
            before = None
            for row in self.attacks:
                if row.threat_model != threat_model:
                    continue
                first = row.attack != before
                attacked.add_row(
                    printable(row.attack) if first else "",
                    str(row.source_success) if first else "",
                    _name(row),
                    "-" if row.transfer is None else str(row.transfer),
                    str(row.robust_accuracy),
                )
                before = row.attack
            console.print(printable(f"{threat_model}: {s['threat_models'][threat_model]}"))
            console.print(attacked)
        if self.attacks:
            console.print(
                "Transfer rate: of the examples that source and target both classify correctly clean and that are "
                "adversarial on the source, the share that the target misclassifies. Robust accuracy: of all samples, "
                "clean errors counted as failures."
            )
        return console.file.getvalue()  # type: ignore[attr-defined]


def _name(row: Clean | UnderAttack) -> str:
    return printable(f"{row.target} (control)" if row.control else row.target)


def _change(confidence: float | None, exact: float | None) -> str:
    return "-" if confidence is None or exact is None else f"{confidence - exact:+.4f}"


def _plain(row: Clean | UnderAttack) -> dict[str, Any]:
    return {key: value.to_dict() if isinstance(value, Proportion) else value for key, value in vars(row).items()}


def _share(condition: np.ndarray, among: np.ndarray) -> Proportion:
    return Proportion(int((condition & among).sum()), int(among.sum()))


def _predicted(logits: np.ndarray) -> np.ndarray:
    """Classes (N,); -1, which is no class, where a logit is NaN."""
    return np.where(np.isnan(logits).any(1), -1, logits.argmax(1))


def _confidence(logits: np.ndarray) -> float | None:
    if not np.isfinite(logits).all():
        return None
    exponentials = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    return float((exponentials.max(1) / exponentials.sum(1)).mean())


def clean_result(
    target: str, logits: np.ndarray, exact_logits: np.ndarray, labels: np.ndarray, *, control: bool = False
) -> Clean:
    """Judge clean logits (N, classes) float32 of a target beside those of the exact model."""
    predicted, everything = _predicted(logits), np.ones(len(labels), bool)
    return Clean(
        target,
        control,
        _share(predicted == labels, everything),
        _share(predicted == _predicted(exact_logits), everything),
        _confidence(logits),
    )


def under_attack(
    source: tuple[np.ndarray, np.ndarray], target: tuple[np.ndarray, np.ndarray], labels: np.ndarray
) -> tuple[Proportion, Proportion, Proportion]:
    """Source success, transfer rate and robust accuracy of the target.

    Parameters
    ----------
    source, target : (ndarray, ndarray)
        Logits (N, classes) for the clean images and for the perturbed ones.
    labels : ndarray of int64, (N,)
        True classes.
    """
    source_clean, source_attacked = (_predicted(logits) == labels for logits in source)
    target_clean, target_attacked = (_predicted(logits) == labels for logits in target)
    return (
        _share(~source_attacked, source_clean),
        _share(~target_attacked, source_clean & target_clean & ~source_attacked),
        _share(target_clean & target_attacked, np.ones(len(labels), bool)),
    )
