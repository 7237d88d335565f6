"""The rule on results: outcomes read from their suites, so that a result file is enough to judge again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from golden.robustness.hypotheses import SUBJECT
from golden.robustness.results import Results
from golden.robustness.row_types import Suite
from golden.robustness.rule import decide

__all__ = ["outcomes", "ruling"]


def outcomes(results: Results) -> dict[tuple[str, str, str], np.ndarray]:
    """Who withstood what: (threat model, norm, target) -> bool (networks, images).

    Only those of all networks: an outcome of one network alone is description.
    """
    networks = list(dict.fromkeys((row.model, row.seed) for row in results.clean))
    found: dict[tuple[str, str, str], list[Suite]] = {}
    for row in results.suites:
        found.setdefault((row.threat_model, row.norm, row.target), []).append(row)
    return {
        case: np.stack([_bits(row) for row in rows])
        for case, rows in found.items()
        if [(row.model, row.seed) for row in rows] == networks
    }


def _bits(row: Suite) -> np.ndarray:
    packed = np.frombuffer(bytes.fromhex(row.right), np.uint8)
    return np.unpackbits(packed)[: row.robust_accuracy.n].astype(bool)


def ruling(results: Results, *, subject: str = SUBJECT, others: Sequence[str] = ()) -> Results:
    """Return results with what the rule says of one target, ``golden.robustness.rule`` and accuracy kept.

    Parameters
    ----------
    results : Results
        With suites.
    subject : str
        Name of the target.
    others : sequence of str
        Further targets, each judged as if it were the only one; what the rule says of them is a list under ``others``.
        A defence is not claimed of the better of them: the intervals do not cover that choice.
    """
    found = outcomes(results)
    verdict = {**results.verdict, **decide(found, subject=subject).to_dict()}
    if others:
        verdict["others"] = [decide(found, subject=other).to_dict() for other in others]
    return replace(results, verdict=verdict)
