"""What a preset is: an evaluation whose data, networks, stages and sample sizes go together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from golden.robustness.attacks import attacks as look_up_attacks
from golden.robustness.hypotheses import SUBJECT
from golden.robustness.plan import Stage
from golden.robustness.targets import targets as look_up_targets
from golden.robustness.threats import THREAT_MODELS

__all__ = ["CALIBRATED_NOISE", "NOISE", "STRETCHED", "TABLE", "Preset", "stage"]

NOISE = ("noise", *(f"noise:draw={draw}" for draw in range(1, 39)))
"""Enough draws that being ahead of all of them is one chance in forty."""
CALIBRATED_NOISE = ("noise:calibrated=1", *(f"noise:draw={draw},calibrated=1" for draw in range(1, 39)))
"""The same for the calibrated network."""
STRETCHED = (1.05, 1.1, 1.2, 1.3, 1.5)
TABLE = ("bf16", "e8m2", "mitchell", "ax-fpm-widen", "ax-fpm:block=2")
"""Other multipliers that the examples are shown to, raw and calibrated."""


@dataclass(frozen=True)
class Preset:
    """An evaluation.

    Parameters
    ----------
    name : str
        The name on the command line.
    data, model : str
        Data set and architecture; the checkpoint that comes with the package is ``MODEL-DATA``.
    samples : int
        Test images, of which the stages take theirs.
    stages : tuple of Stage
        What is crafted, and who sees it.
    seeds : tuple of int
        Training seeds of the networks.
    clean : tuple of str
        Targets that see all of the images clean; the others only those of their stages.
    controls : tuple of str
        Targets that stand there for comparison only.
    budgets : dict
        Norm to primary budget: where the exact network withstands the twin suite on half of its training images
        (``golden.robustness.primary_budgets``).
    description : str
        One line.
    subjects : tuple of str
        Targets that the rule judges, each as if it were the only one.
    grid : dict
        Norm to the step of the budgets that are tried when they are fitted; as ``primary_budgets.GRID`` where empty.
    """

    name: str
    data: str
    model: str
    samples: int
    stages: tuple[Stage, ...]
    seeds: tuple[int, ...] = (0,)
    clean: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    budgets: dict[str, float] = field(default_factory=dict, hash=False)
    description: str = ""
    subjects: tuple[str, ...] = (SUBJECT,)
    grid: dict[str, float] = field(default_factory=dict, hash=False)


def stage(
    threat_model: str,
    attacks: Iterable[str],
    targets: Iterable[str],
    shown: Iterable[str] = (),
    **settings: Any,
) -> Stage:
    """A stage by names, with the other settings of ``golden.robustness.plan.Stage``."""
    seen = {"shown": look_up_targets(shown)} if shown else {}
    return Stage(
        THREAT_MODELS[threat_model], look_up_attacks(",".join(attacks)), look_up_targets(targets), **seen, **settings
    )
