"""Whether attacks that go around the gradient of the standard loss find what it does not.

Scores alone (Square, AutoAttack's flag: F. Croce, M. Hein, ICML 2020), the twin that has no defence (N. Carlini et al.,
"On Evaluating Adversarial Robustness", 2019, section 5: transfer must not beat white-box), and logits brought back to
an ordinary size (F. Tramer et al., NeurIPS 2020, on losses) know less than a white-box attack or the same. Where they
find more, the gradient was hidden.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn

from golden.robustness.adaptive.losses import SHARPNESS
from golden.robustness.audit.case import Case
from golden.robustness.audit.findings import FAIL, NOT_APPLICABLE, PASS, Evidence, Found
from golden.robustness.audit.tolerances import beyond, several

__all__ = ["LEAST_PIXELS", "square", "temperature", "transfer"]

LEAST_PIXELS = {"linf": 3, "l2": 5}
"""Pixels along an image's edge that Square needs."""


class _Tempered(nn.Module):
    """A model whose logits are divided."""

    def __init__(self, module: nn.Module, temperature: float) -> None:
        super().__init__()
        self.module, self.temperature = module, temperature

    def forward(self, x: Tensor) -> Tensor:
        return self.module(x) / self.temperature


def temperature(case: Case) -> Found:
    """Whether dividing the logits lets the standard attack fool more, beyond max(3 points, 2 standard errors).

    A division changes no class, so that robustness which it undoes was none. Two temperatures are tried, at which the
    two largest logits are 8 and 32 apart on average: enough for a gradient in float32, and as sharp as those of
    ordinary networks.
    """
    standard = case.standard()
    tried = {f"{case.scale / sharp:.4g}": _Tempered(case.module, case.scale / sharp) for sharp in SHARPNESS}
    found = [
        case.fooled(case.attack("pgd"), through=module, label=f"logits / {value}") for value, module in tried.items()
    ]
    gain = int((case.any(found) & ~standard).sum())
    least = beyond(case.robust(standard), len(case.images))
    evidence = Evidence(
        f"logits / {' and / '.join(tried)}: {gain} images more than the standard attack's {int(standard.sum())}",
        {"fooled": int(standard.sum()), "more": gain, "temperatures": list(map(float, tried)), "scale": case.scale},
        f"{least} images more (3 points, 2 standard errors)",
        case.more(case.attack("pgd"), case.attack("apgd-dlr")),
    )
    return Found(FAIL if gain >= least else PASS, evidence)


def square(case: Case) -> Found:
    """Whether random squares, which see scores only, fool images that no run of the standard attack fools.

    1000 queries for each survivor. AutoAttack's flag rises at 0.2 points; of some hundred images that is less than one,
    so that 2 images and 1% are asked for.
    """
    if min(case.images.shape[2:]) < LEAST_PIXELS[case.norm]:
        return Found(NOT_APPLICABLE, Evidence("images are too small for squares", {}, more=case.again()))
    chosen, white = case.attack("square"), case.white_box()
    left = np.flatnonzero(case.clean & ~white)
    found = int(case.fooled(chosen, rows=left).sum())
    least = several(len(case.images))
    evidence = Evidence(
        f"of {len(left)} images that white-box left, Square fools {found}",
        {"left": len(left), "found": found, "images": len(case.images)},
        f"{least} images",
        case.more(chosen),
    )
    return Found(FAIL if found >= least else PASS, evidence)


def transfer(case: Case) -> Found:
    """Whether examples crafted on the exact twin or the surrogate fool more than all runs on the module itself.

    The standard attack on either, with logits as they are and divided as in the check of temperatures, so that twins
    are not blind where the module is. The margin is that of gains: max(3 points, 2 standard errors).
    """
    white, counts = int(case.white_box().sum()), {}
    divided = _Tempered(case.module, case.scale / SHARPNESS[-1])
    for twin in case.variants.twins:
        name = "exact twin" if twin["compute"] == "torch" else "surrogate"
        found = [
            case.fooled(case.attack("pgd"), through=module, twin=twin, label=f"the {name}{label}")
            for label, module in (("", case.module), (", logits divided", divided))
        ]
        counts[name] = int(case.any(found).sum())
    if not counts:
        return Found(NOT_APPLICABLE, Evidence("no multiplier, so no twin", {}, more=case.again()))
    best = max(counts, key=lambda name: counts[name])
    least = beyond(int(case.clean.sum()) - white, len(case.images))
    evidence = Evidence(
        f"from the {best} {counts[best]} are fooled, by white-box {white}",
        {"white_box": white, "transfer": counts, "images": len(case.images)},
        f"transfer fools {least} images more",
        case.more(case.attack("pgd"), threat_model="twin"),
    )
    return Found(FAIL if counts[best] - white >= least else PASS, evidence)
