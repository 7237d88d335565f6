"""What an evaluation found, as data, JSON and tables."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from golden.robustness.result_tables import table
from golden.robustness.row_types import Clean, Picture, Suite, UnderAttack, plain

__all__ = ["Results"]


@dataclass(frozen=True)
class Results:
    """All results of one evaluation.

    Parameters
    ----------
    settings : dict
        JSON-ready: networks, data, seed, samples, multipliers, attacks with all their parameters, threat models,
        versions.
    clean : tuple of Clean
        By network; the exact model first.
    attacks : tuple of UnderAttack
        By threat model, then network, attack, target.
    suites : tuple of Suite
        By threat model, norm, network, target; empty where no budgets were given.
    verdict : dict
        What the rule says (``golden.robustness.rule``); empty where it was not asked.
    pictures : tuple of Picture
        Some examples to look at.
    """

    settings: dict[str, Any]
    clean: tuple[Clean, ...]
    attacks: tuple[UnderAttack, ...]
    suites: tuple[Suite, ...] = ()
    verdict: dict[str, Any] = field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready dictionary: ``settings``, ``clean``, ``attacks``, ``suites``, ``verdict``, ``pictures``."""
        return {
            "settings": self.settings,
            "clean": [plain(row) for row in self.clean],
            "attacks": [plain(row) for row in self.attacks],
            "suites": [plain(row) for row in self.suites],
            "verdict": self.verdict,
            "pictures": [plain(row) for row in self.pictures],
        }

    def to_json(self) -> str:
        """JSON text; the same evaluation gives the same text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def table(self, *, width: int = 128) -> str:
        """Plain-text tables with the definitions they rest on, ``width`` characters wide at most."""
        return table(
            width=width,
            settings=self.settings,
            clean=self.clean,
            attacks=self.attacks,
            suites=self.suites,
            verdict=self.verdict,
        )
