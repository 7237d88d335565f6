"""A preset for another multiplier: what is asked of ax-fpm, asked of that one under the same attacks and controls."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from golden.catalogue import Multiplier, multiplier as look_up
from golden.errors import InvalidInput
from golden.pytorch.split import two_product_form
from golden.robustness.hypotheses import MATCHED, SUBJECT
from golden.robustness.plan import Stage
from golden.robustness.preset import Preset
from golden.robustness.targets import Target, target

__all__ = ["of_subject"]


def of_subject(preset: Preset, subject: str | Multiplier) -> Preset:
    """Return the stages of a preset that decide, with a multiplier in the place of ``SUBJECT``.

    Its controls are matched to it anew; the stage ``aware`` is left out where the multiplier has no differentiable
    surrogate. Multipliers that the preset has beside stay. The budgets stay too: they are the exact network's.

    Parameters
    ----------
    preset : Preset
        Written for ``SUBJECT``.
    subject : str or Multiplier
        A name in the catalogue, dials included, or a multiplier.

    Raises
    ------
    InvalidInput
        If the name is unknown.
    """
    m = look_up(subject)
    name = target(m).name

    def renamed(old: str) -> str:
        network, slash, rest = old.rpartition("/")
        base, plus, modifiers = rest.partition("+")
        kind, _, settings = base.partition(":")
        if base == SUBJECT:
            base = name
        elif kind in MATCHED:
            base = f"{kind}:{settings}{',' if settings else ''}multiplier={name}"
        return f"{network}{slash}{base}{plus}{modifiers}"

    def moved(targets: Iterable[Target]) -> tuple[Target, ...]:
        return tuple(dict.fromkeys(target(renamed(old.name)) for old in targets))

    def suits(stage: Stage) -> bool:
        return not stage.extra and (not stage.threat_model.differentiable or _is_differentiable(m))

    return replace(
        preset,
        stages=tuple(replace(s, targets=moved(s.targets), shown=moved(s.shown)) for s in preset.stages if suits(s)),
        clean=tuple(dict.fromkeys(target(renamed(old)).name for old in preset.clean)),
        controls=tuple(target(renamed(control)).name for control in preset.controls),
        subjects=tuple(target(renamed(old)).name for old in preset.subjects),
    )


def _is_differentiable(m: Multiplier) -> bool:
    try:
        two_product_form(m)
    except InvalidInput:
        return False
    return True
