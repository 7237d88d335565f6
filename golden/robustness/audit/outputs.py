"""Whether the model is a function of the image: the same output again, and in whatever company.

Attacks ask for many outputs and compare them. A model that answers by chance needs the expectation over its answers
(EOT: A. Athalye, N. Carlini, D. Wagner, "Obfuscated Gradients Give a False Sense of Security", ICML 2018), and one that
lets an image's neighbours have a say is another model in the attack than in the report: a batch norm left in training
mode, usually. Both are looked at in the model as it was given; attacks are made on a copy in evaluation mode.
"""

from __future__ import annotations

import copy
import random as python_random
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from golden.robustness.adaptive.variants import Variants
from golden.robustness.attacks import BATCH
from golden.robustness.attacks.queries import seeded
from golden.robustness.audit.case import Case
from golden.robustness.audit.findings import FAIL, NOT_APPLICABLE, PASS, Evidence, Found
from golden.robustness.audit.tolerances import several

__all__ = ["batch_dependence", "random_outputs"]

REPEATS = 5
EOT = 8
"""Answers that are averaged for the expectation."""
SAME = 1e-4
"""Change of a logit, in units of the mean distance of the two largest, from which two answers differ: the limit of
AutoAttack's flag of randomised models. Sums in another order move float32 logits by some 1e-6."""
MOVED = 1e-3
"""Likewise, from which an image counts as moved by its company."""
ALONE = 32
"""Images that are looked at one by one."""


def _logits(module: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([module(part).float() for part in x.split(BATCH)])


def _change(first: Tensor, second: Tensor, scale: float) -> Tensor:
    """Largest change of a logit for each image, in units of the scale; NaN against NaN is none."""
    difference = (first - second).abs() / scale
    both = first.isnan() & second.isnan()
    return torch.where(both, 0.0, difference).nan_to_num(nan=torch.inf).amax(1)


def _answers(case: Case) -> tuple[Tensor, list[Tensor], Tensor, bool]:
    """Answers from one seed, from others, from the first again, and whether global generators are left as they were."""

    def answer(seed: int) -> Tensor:
        with seeded(case.seed, seed):
            return _logits(copy.deepcopy(case.given), case.x)

    first, others = answer(0), [answer(seed) for seed in range(1, REPEATS)]
    module = copy.deepcopy(case.given)
    with seeded(case.seed, 0):
        before = torch.get_rng_state(), repr(np.random.get_state()), python_random.getstate()
        again = _logits(module, case.x)
        after = torch.get_rng_state(), repr(np.random.get_state()), python_random.getstate()
    return first, others, again, torch.equal(before[0], after[0]) and before[1:] == after[1:]


class _Mean(nn.Module):
    """The mean of several answers, for EOT."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.module(x) for _ in range(EOT)]).mean(0)


def _differs(case: Case) -> int:
    first, others, _, _ = _answers(case)
    return int(torch.stack([_change(first, other, case.scale) > SAME for other in others]).any(0).sum())


def random_outputs(case: Case) -> Found:
    """Whether answers to the same images differ, or asking moves the global random generators.

    A model that draws from a global generator answers by chance. One that *sets* a global generator's seed answers the
    same each time, and gives every restart of an attack the same start: no less a failure of the evaluation. Where
    answers differ, EOT says what a single answer hides from the attack.
    """
    first, others, again, untouched = _answers(case)
    differ = torch.stack([_change(first, other, case.scale) > SAME for other in others]).any(0)
    classes = torch.stack([first.argmax(1) != other.argmax(1) for other in others]).any(0)
    repeats = bool((_change(first, again, case.scale) <= SAME).all())
    count, n = int(differ.sum()), len(case.images)
    numbers = {
        "repeats": REPEATS,
        "images_that_differ": count,
        "classes_that_differ": int(classes.sum()),
        "same_under_a_fixed_seed": repeats,
        "generators_untouched": untouched,
    }
    summary = f"{count} of {n} differ in {REPEATS} answers"
    if not untouched:
        summary += "; asking moves global random generators"
    if count:
        standard, eot = case.standard(), case.fooled(case.attack("pgd"), through=_Mean(case.module), label="EOT")
        numbers |= {"fooled": int(standard.sum()), "fooled_by_eot": int(eot.sum())}
        summary += f"; fooled {numbers['fooled']}, by EOT {numbers['fooled_by_eot']}"
    evidence = Evidence(summary, numbers, f"any logit differs by {SAME:g} of the scale, or a seed is set", case.again())
    return Found(FAIL if count or not untouched else PASS, evidence)


def batch_dependence(case: Case) -> Found:
    """Whether an image's logits depend on the images beside it, beyond what the order of sums does to them.

    Company is changed in four ways: none, the rest of the batch in reverse, half of it, another layout in memory. Sums
    are then made in another order, and a discontinuous multiplier may amplify that (a logit of ax-fpm by up to 1.0, the
    median by 8e-6): so images, not logits, are counted, and as many may move as do with sums in float64, the model's
    own dependence, and 5% of all more.
    """
    if _differs(case):
        return Found(NOT_APPLICABLE, Evidence("outputs are random", {}, more=case.again()))
    part = case.x[:BATCH]
    count, alone = len(part), min(len(part), ALONE)
    ways: dict[str, Callable[[nn.Module], Tensor]] = {
        "alone": lambda module: torch.cat([_logits(module, image[None]) for image in part[:alone]]),
        "in reverse": lambda module: _logits(module, part.flip(0)).flip(0),
        "in halves": lambda module: torch.cat([_logits(module, half) for half in part.tensor_split(2) if len(half)]),
        "channels last": lambda module: _logits(module, part.contiguous(memory_format=torch.channels_last)),
    }
    whole = _logits(copy.deepcopy(case.given), part)
    own = _own(case, part, whole)
    moved: dict[str, int | str] = {}
    for way, run in ways.items():
        try:
            logits = run(copy.deepcopy(case.given))
        except (RuntimeError, ValueError) as error:  # batch norm refuses to take statistics of one value
            moved[way] = str(error).partition("\n")[0]
            continue
        moved[way] = int((_change(whole[: len(logits)], logits, case.scale) > MOVED).sum())
    least = own + max(several(count), count // 20)
    worst = max(moved, key=lambda way: count + 1 if isinstance(moved[way], str) else int(moved[way]))
    most = moved[worst]
    fails = isinstance(most, str) or most >= min(least, alone)
    said = f"it refuses images {worst}" if isinstance(most, str) else f"{most} of {count} moved ({worst})"
    numbers = {"images": count, "moved": moved, "moved_by_float64_sums": own, "modes": _modes(case.given)}
    training = numbers["modes"]
    summary = f"{said}, {own} by sums in float64" + (f"; in training mode: {', '.join(training)}" if training else "")
    tolerance = f"{min(least, alone)} images move by {MOVED:g} of the scale"
    return Found(FAIL if fails else PASS, Evidence(summary, numbers, tolerance, case.again()))


def _own(case: Case, part: Tensor, whole: Tensor) -> int:
    """Images that move where sums are made in float64."""
    module = copy.deepcopy(case.given)
    variants = Variants(module, part[:1])
    try:
        if variants.twins:
            with variants.using({"accumulate": "float64"}):
                precise = _logits(module, part)
        else:
            precise = _logits(module.double(), part.double())
    except (RuntimeError, TypeError, ValueError):  # not in float64: nothing is known, nothing is excused
        return 0
    return int((_change(whole, precise, case.scale) > MOVED).sum())


def _modes(module: nn.Module) -> list[str]:
    """Kinds of layers in training mode to which the mode makes a difference."""
    kinds = (nn.modules.batchnorm._NormBase, nn.modules.dropout._DropoutNd)
    return sorted({type(layer).__name__ for layer in module.modules() if isinstance(layer, kinds) and layer.training})
