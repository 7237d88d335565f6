"""``evaluate``: clean accuracy and attacks, on the exact model and on whatever it is changed to.

The data flows one way (``pipeline``): ``plan`` lists what is to be crafted and who sees it, ``craft`` makes the
examples, ``judge`` shows them, ``outcomes`` counts, ``results`` holds the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from golden.assignments import Assignment, assignment
from golden.catalogue import Multiplier, distinct, multiplier as look_up
from golden.errors import InvalidInput
from golden.progress import Progress
from golden.pytorch.devices import device_of
from golden.pytorch.rules import Layers
from golden.robustness import attacks as attack_registry
from golden.robustness.attacks import Attack
from golden.robustness.backends import check_backend, workers
from golden.robustness.inputs import check_images, check_labels
from golden.robustness.jobs import Workers
from golden.robustness.networks import Network, networks
from golden.robustness.pipeline import evaluate_stages
from golden.robustness.plan import Stage
from golden.robustness.results import Results
from golden.robustness.row_types import EXACT
from golden.robustness.targets import Fitted, Target, target, targets as look_up_targets
from golden.robustness.threats import threat_models as look_up_threat_models

__all__ = ["evaluate", "evaluate_networks"]


def evaluate(
    model: nn.Module | str | Path | Sequence[nn.Module | str | Path],
    x: np.ndarray | torch.Tensor,
    y: np.ndarray | torch.Tensor,
    *,
    multiplier: str | Multiplier | Iterable[str | Multiplier] = "ax-fpm",
    targets: str | Iterable[str] = (),
    attacks: str | Attack | Iterable[str | Attack] = ("fgsm", "pgd"),
    threat_models: str | Iterable[str] = ("twin",),
    control: str | Multiplier | None = "e8m2",
    seed: int = 0,
    seeds: int | Sequence[int] | None = None,
    fit: np.ndarray | torch.Tensor | None = None,
    jobs: int = 1,
    backend: str = "processes",
    scheduler: str | Path | None = None,
    accumulate: str = "float32",
    layers: Layers | None = None,
    data: str = "images given",
    device: str | None = None,
    cache: bool = True,
    progress: Progress | None = None,
) -> Results:
    """Compare a model run exactly with the same model on approximate multipliers, clean and under attack.

    Examples are crafted once for every network, source and attack, and then shown to all targets. Finished parts are
    kept in the cache, so that an interrupted run goes on where it was.

    Parameters
    ----------
    model : torch.nn.Module, str or Path, or a sequence of them
        A model, (N, C, H, W) float32 in [0, 1] -> (N, classes) logits; or a checkpoint's name or file; or several that
        were trained alike. Evaluated in evaluation mode on a copy; the model is not changed.
    x : ndarray or Tensor of float32, (N, C, H, W)
        Images in [0, 1].
    y : ndarray or Tensor of integers, (N,)
        Their true classes.
    multiplier : str, Multiplier or several
        What the model runs on.
    targets : str or several
        What else the examples are shown to, or crafted for, by names in ``golden.robustness.targets``: multipliers
        calibrated or clamped, controls, references.
    attacks : str, Attack or several
        As ``golden.robustness.attacks.attacks`` takes them; an empty sequence evaluates clean images only. A threat
        model leaves out attacks that its attacker cannot run, and the results say so.
    threat_models : str or several
        Names in ``golden.robustness.threats.THREAT_MODELS``; ``transfer`` is an alias of ``twin``.
    control : str, Multiplier or None
        One multiplier more, for comparison: by default a narrow exact one, more accurate than Ax-FPM and cheaper.
    seed : int
        Of the attacks' random numbers.
    seeds : int or sequence of int, optional
        Training seeds: of a checkpoint that comes with the package, its siblings of these seeds (an int means so many,
        from 0); of a sequence of models, their names in the results.
    fit : ndarray or Tensor of float32, (N, C, H, W), optional
        Training images that targets are fitted on: temperatures, gains, the controls' noise. The images ``x`` where
        none are given, which the results say; labels are never used for it.
    jobs : int
        Processes; every one works on a single thread, and their number does not change the results.
    backend : str
        ``processes`` of this machine, or ``dask``: workers of a cluster.
    scheduler : str or Path, optional
        For ``dask``, the address of the scheduler, or the file that it writes (``golden.robustness.cluster``).
    accumulate, layers
        As ``golden.pytorch.approximate`` takes them. An ``Assignment``, or the name of a file of them, is a target of
        its own, beside the multipliers, which run all layers then.
    data : str
        What the images are, for the results.
    device : str, optional
        Where networks compute: ``cpu``, or an NVIDIA GPU, ``cuda`` or ``cuda:1``; where the model is if not given. On a
        GPU the emulation gives the same bits; exact torch may differ in last digits, and attacks draw other random
        numbers.
    cache : bool
        Whether to keep and use finished parts.
    progress : callable, optional
        ``progress(done, total, message)`` after each job, in ms of expected work.

    Returns
    -------
    Results
        For each network the exact model first, then each multiplier and target.

    Raises
    ------
    InvalidInput
        If a name is unknown, there are no images, shapes or labels do not fit, or a pixel is NaN or outside [0, 1],
        no attack suits a threat model, ``jobs`` or ``seed`` is out of range, torch has no such device, or the scheduler
        does not answer or has a worker that would compute something else.
    InvalidType
        If images or labels are of a kind or dtype that has no meaning here.
    MissingTool
        If Dask is asked for and not installed, or a GPU and the emulation lacks what it needs there.
    """
    found = networks(model, seeds, device)
    check_backend(device_of(found[0].module).type, backend)
    return evaluate_networks(
        found,
        x,
        y,
        multiplier=multiplier,
        targets=targets,
        attacks=attacks,
        threat_models=threat_models,
        control=control,
        seed=seed,
        fit=fit,
        jobs=workers(jobs, backend, scheduler),
        accumulate=accumulate,
        layers=layers,
        data=data,
        cache=cache,
        progress=progress,
    )


def evaluate_networks(
    found: Sequence[Network],
    x: Any,
    y: Any,
    *,
    multiplier: str | Multiplier | Iterable[str | Multiplier] = "ax-fpm",
    targets: str | Iterable[str | Target] = (),
    attacks: str | Attack | Iterable[str | Attack],
    threat_models: str | Iterable[str],
    control: str | Multiplier | None = "e8m2",
    seed: int = 0,
    fit: Any = None,
    attackers: torch.Tensor | None = None,
    jobs: int | Workers = 1,
    accumulate: str = "float32",
    layers: Layers | None = None,
    data: str,
    cache: bool = True,
    progress: Progress | None = None,
) -> Results:
    """As ``evaluate``, of networks looked up before, with ``jobs`` done by anybody.

    ``attackers`` are images that an attacker has; those of ``fit`` where none are given.
    """
    images, labels = check_images(x), check_labels(y, len(x))
    if isinstance(layers, str | Path | Assignment):
        targets = (*(look_up_targets(targets) if targets else ()), target(assignment(layers)))
        layers = None
    chosen, control_name = _targets(multiplier, control, targets)
    attacks = attacks if isinstance(attacks, str | Attack) else tuple(attacks)
    chosen_attacks = () if attacks == () else attack_registry.attacks(attacks)
    # Where everybody is attacked for himself, so is the exact model, to compare with.
    stages = [
        Stage(threat, chosen_attacks, chosen if threat.shared else (target(EXACT), *chosen))
        for threat in look_up_threat_models(threat_models)
    ]
    fitted_on = torch.from_numpy(images if fit is None else check_images(fit))
    return evaluate_stages(
        found,
        images,
        labels,
        stages,
        fitted=Fitted(fitted_on, emulation={"accumulate": accumulate, "layers": layers}),
        attackers=attackers,
        controls=(control_name,) if control_name else (),
        seed=seed,
        jobs=jobs,
        settings={"data": data, "fitted_on": "images given" if fit is None else f"{len(fit)} training images"},
        cache=cache,
        progress=progress,
    )


def _targets(
    multipliers: Any, control: str | Multiplier | None, more: str | Iterable[str | Target]
) -> tuple[tuple[Target, ...], str | None]:
    """All targets, multipliers first, the control behind them; and the control's name."""
    if isinstance(multipliers, str | Multiplier):
        multipliers = [multipliers]
    found = [target(look_up(m)) for m in multipliers]
    if not found and not more:
        raise InvalidInput("no multiplier named; give at least one (`axfpm list` shows all)")
    beside = None if control is None else target(look_up(control))
    distinct(t.multiplier for t in (*found, *((beside,) if beside else ())) if t.multiplier is not None)
    if beside is not None:
        found = [t for t in found if t.name != beside.name] + [beside]
    if more:
        found += look_up_targets(more)
    unique = dict.fromkeys(t for t in found if t.name != EXACT)
    return tuple(unique), beside.name if beside else None
