"""``audit``: what a reviewer of a defence asks, answered at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from golden.catalogue import Multiplier
from golden.checks import check_number, check_seed
from golden.errors import InvalidInput, InvalidType
from golden.progress import Progress
from golden.pytorch import ApproximateModule
from golden.pytorch.fitting import require_exact
from golden.registry import check_choice
from golden.robustness.audit.case import Case, default_eps
from golden.robustness.audit.checks import CHECKS
from golden.robustness.audit.findings import Audit
from golden.robustness.inputs import check_images, check_labels
from golden.robustness.networks import Network, subject_of
from golden.robustness.outcomes import share
from golden.robustness.targets import Fitted
from golden.robustness.targets.devices import own_copy

__all__ = ["NORMS", "audit"]

NORMS = ("linf", "l2")


def audit(
    model: nn.Module,
    x: np.ndarray | torch.Tensor,
    y: np.ndarray | torch.Tensor,
    *,
    multiplier: str | Multiplier | None = None,
    norm: str = "linf",
    eps: float | None = None,
    seed: int = 0,
    name: str = "",
    command: str = "",
    progress: Progress | None = None,
) -> Audit:
    """Check whether a model hides from attacks, and how robust it is to better ones.

    Parameters
    ----------
    model : torch.nn.Module
        (N, C, H, W) float32 in [0, 1] -> (N, classes) logits, in the mode in which it is used, usually ``eval()``. It
        is not changed. One that was put on a multiplier already is audited as it is.
    x : ndarray or Tensor of float32, (N, C, H, W)
        Images in [0, 1]; about a hundred.
    y : ndarray or Tensor of integers, (N,)
        Their true classes.
    multiplier : str or Multiplier, optional
        What the model runs on, without a temperature: as hardware would.
    norm : str
        ``linf`` or ``l2``.
    eps : float, optional
        The budget, in pixel values; ``golden.robustness.audit.case.default_eps`` chooses where none is given, and the
        result says so.
    seed : int
        Of whatever is random.
    name : str
        The model's name in the result; its class's unless given.
    command : str
        Options of ``axfpm`` that name the model, for the commands in the evidence.
    progress : callable, optional
        ``progress(done, total, message)`` after each check.

    Returns
    -------
    Audit
        A row for each check in ``golden.robustness.audit.checks.CHECKS``.

    Raises
    ------
    InvalidInput
        If a name is unknown, there are no images, shapes or labels do not fit, a pixel is NaN or outside [0, 1], or a
        number is out of range; and if the model brings a multiplier and another one is given.
    InvalidType
        If the model is no ``torch.nn.Module``, or images or labels are of a kind or dtype that has no meaning here.
    """
    if not isinstance(model, nn.Module):
        raise InvalidType(f"a model is a torch.nn.Module, not {type(model).__name__}")
    images = check_images(x)
    labels = check_labels(y, len(images))
    check_choice("unknown norm", norm, NORMS)
    check_seed(seed)
    origin = "as given"
    if eps is None:
        eps, origin = default_eps(norm, images.shape[1:])
    eps = check_number("eps", eps, above=0)
    if norm == "linf" and eps > 1:
        raise InvalidInput(f"eps={eps:g} is more than the range of a pixel; give at most 1 in L-inf")
    given = model
    if multiplier is not None:
        require_exact(model)
        given = ApproximateModule(model, multiplier)
    subject_of(Network("model", None, own_copy(given)), images, labels, Fitted(torch.from_numpy(images)))
    case = Case(given, images, labels, norm=norm, eps=eps, seed=seed, command=command)
    rows = []
    for index, check in enumerate(CHECKS.values()):
        if progress is not None:
            progress(index, len(CHECKS), check.name)
        rows.append(check(case))
    settings: dict[str, Any] = {
        "model": name or type(model).__name__,
        "multiplier": _multiplier(given),
        "norm": norm,
        "eps": eps,
        "eps_from": origin,
        "samples": len(images),
        "seed": seed,
        "clean": share(case.clean).to_dict(),
    }
    return Audit(settings, tuple(rows))


def _multiplier(module: nn.Module) -> str | None:
    """The multipliers that a module runs on, or None."""
    inside = [part.context.settings.rule.multiplier for part in module.modules() if isinstance(part, ApproximateModule)]
    return ", ".join(dict.fromkeys(map(str, inside))) or None
