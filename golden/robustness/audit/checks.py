"""The checks by name, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from golden.registry import Registry
from golden.robustness.audit import effort, gradients, other_ways, outputs, robust, stored
from golden.robustness.audit.case import Case
from golden.robustness.audit.findings import MASKING, ROBUSTNESS, Finding, Found

__all__ = ["CHECKS", "Check"]


@dataclass(frozen=True)
class Check:
    """One check.

    Parameters
    ----------
    name : str
        As rows have it.
    group : str
        ``masking`` or ``robustness``.
    run : callable
        ``run(case) -> Found``; examples that other checks crafted are there already.
    """

    name: str
    group: str
    run: Callable[[Case], Found]

    def __call__(self, case: Case) -> Finding:
        """Make the check, and return its row."""
        with case.variants.quiet():  # gradients that vanish are what is looked for
            found = self.run(case)
        return Finding(self.name, self.group, found.status, found.evidence)


_CHECKS = (
    Check("random outputs", MASKING, outputs.random_outputs),
    Check("batch dependence", MASKING, outputs.batch_dependence),
    Check("zero gradients", MASKING, gradients.zero_gradients),
    Check("finite differences", MASKING, gradients.finite_differences),
    Check("single step", MASKING, effort.single_step),
    Check("more steps", MASKING, effort.more_steps),
    Check("more restarts", MASKING, effort.more_restarts),
    Check("step sizes", MASKING, effort.other_step_sizes),
    Check("unbounded", MASKING, effort.unbounded),
    Check("temperature", MASKING, other_ways.temperature),
    Check("square", MASKING, other_ways.square),
    Check("transfer", MASKING, other_ways.transfer),
    Check("adaptive", ROBUSTNESS, robust.adaptive),
    Check("high confidence", ROBUSTNESS, robust.high_confidence),
    Check("random perturbations", ROBUSTNESS, robust.random_perturbations),
    Check("budgets", MASKING, stored.budgets),
)
CHECKS = Registry("check", {check.name: check for check in _CHECKS}, of=Check)
"""By name, read-only; ``CHECKS.register`` adds one. The one on budgets comes last, and looks at all examples."""
