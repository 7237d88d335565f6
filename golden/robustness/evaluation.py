"""Evaluation runs: clean accuracy, and attacks under threat models, on the exact model and on multipliers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from golden.catalogue import Multiplier, distinct, multiplier
from golden.checks import check_count, check_seed
from golden.cnn import checkpoint as checkpoints
from golden.errors import InvalidInput, InvalidType
from golden.progress import Progress
from golden.robustness import attacks as attack_registry
from golden.robustness.attacks import Attack
from golden.robustness.results import EXACT, Clean, Results, UnderAttack, clean_result, under_attack
from golden.robustness.store import Store, array_digest, is_ours, module_key, multiplier_key
from golden.robustness.threats import ThreatModel, threat_models as look_up_threat_models

__all__ = ["evaluate"]

PART = 50
"""Images in one part of an emulated run: what an interruption can lose, and what one process takes at once."""
MOST_JOBS = 256
"""Each is a process with torch and the model in it, some 300 MB."""


def evaluate(
    model: nn.Module | str | Path,
    x: np.ndarray | torch.Tensor,
    y: np.ndarray | torch.Tensor,
    *,
    multiplier: str | Multiplier | Iterable[str | Multiplier] = "ax-fpm",
    attacks: str | Attack | Iterable[str | Attack] = ("fgsm", "pgd"),
    threat_models: str | Iterable[str] = ("transfer",),
    control: str | Multiplier | None = "e8m2",
    seed: int = 0,
    jobs: int = 1,
    accumulate: str = "float32",
    layers: Mapping[str, Any] | Callable[..., Any] | None = None,
    data: str = "images given",
    cache: bool = True,
    progress: Progress | None = None,
) -> Results:
    """Compare a model run exactly with the same model on approximate multipliers, clean and under attack.

    Finished parts are kept in the cache, so that an interrupted run goes on where it was.

    Parameters
    ----------
    model : torch.nn.Module, str or Path
        A model, (N, C, H, W) float32 in [0, 1] -> (N, classes) logits; or a checkpoint's name or file. Evaluated in
        evaluation mode on a copy; the model is not changed.
    x : ndarray or Tensor of float32, (N, C, H, W)
        Images in [0, 1].
    y : ndarray or Tensor of integers, (N,)
        Their true classes.
    multiplier : str, Multiplier or several
        What the model runs on.
    attacks : str, Attack or several
        As ``golden.robustness.attacks.attacks`` takes them; an empty sequence evaluates clean images only.
    threat_models : str or several
        Names in ``golden.robustness.threats.THREAT_MODELS``.
    control : str, Multiplier or None
        One multiplier more, for comparison: by default a narrow exact one, more accurate than Ax-FPM and cheaper.
    seed : int
        Of the attacks' random numbers.
    jobs : int
        Processes that emulate.
    accumulate, layers
        As ``golden.pytorch.approximate`` takes them.
    data : str
        What the images are, for the results.
    cache : bool
        Whether to keep and use finished parts.
    progress : callable, optional
        ``progress(done, total, message)`` after each part.

    Returns
    -------
    Results
        The exact model first, then each multiplier.

    Raises
    ------
    InvalidInput
        If a name is unknown, there are no images, shapes or labels do not fit, or a pixel is NaN or outside [0, 1],
        or ``jobs`` or ``seed`` is out of range.
    InvalidType
        If images or labels are of a kind or dtype that has no meaning here.
    """
    if isinstance(model, str | Path):
        module, provenance = checkpoints.load(model)
        name = f"{provenance.model} ({Path(model).stem})"
    elif isinstance(model, nn.Module):
        module, name = copy.deepcopy(model).eval(), type(model).__name__
    else:
        raise InvalidType(f"a model is a torch.nn.Module or a checkpoint's name, not {type(model).__name__}")
    images, labels = _check_images(x), _check_labels(y, len(x))
    check_count("jobs", jobs, 1, MOST_JOBS, "a process each")
    check_seed(seed)
    targets = _targets(multiplier, control)
    attacks = attacks if isinstance(attacks, str | Attack) else tuple(attacks)
    chosen_attacks = () if attacks == () else attack_registry.attacks(attacks)
    chosen_threats = look_up_threat_models(threat_models)
    run = _Run(module, images, labels, seed, jobs, accumulate, layers, Store(enabled=cache), progress)
    exact = run.exact_logits(module, images)
    _check_classes(exact, labels)
    run.plan(len(targets), chosen_attacks, chosen_threats)

    control_name = str(targets[-1]) if control is not None else None
    clean_logits = {str(m): run.logits(m, images, exact, f"{m}, clean") for m in targets}
    clean: list[Clean] = [clean_result(EXACT, exact, exact, labels)]
    clean += [clean_result(t, z, exact, labels, control=t == control_name) for t, z in clean_logits.items()]
    rows: list[UnderAttack] = []
    for threat in chosen_threats:
        for attack in chosen_attacks:
            case = (threat.name, str(attack), attack.norm, attack.epsilon)
            for m in targets:
                source, perturbed = run.craft(threat, attack, m, exact)
                at_source = (run.exact_logits(source, images), run.exact_logits(source, perturbed))
                exact_attacked = run.exact_logits(module, perturbed)
                if threat.shared and m is targets[0]:
                    success, _, robust = under_attack(at_source, (exact, exact_attacked), labels)
                    rows.append(UnderAttack(*case, EXACT, False, success, None, robust))
                attacked = run.logits(m, perturbed, exact_attacked, f"{m}, {attack}")
                shares = under_attack(at_source, (clean_logits[str(m)], attacked), labels)
                rows.append(UnderAttack(*case, str(m), str(m) == control_name, *shares))
    settings = {
        "model": name,
        "weights_sha256": checkpoints.weights_digest(module),
        "data": data,
        "images_sha256": array_digest(images),
        "samples": len(images),
        "seed": seed,
        "multipliers": [str(m) for m in targets],
        "control": control_name,
        "accumulate": accumulate,
        "layers": "all" if layers is None else "chosen",
        "attacks": {str(a): {"kind": a.kind.name, "norm": a.norm, **dict(a.parameters)} for a in chosen_attacks},
        "threat_models": {t.name: t.description for t in chosen_threats} if chosen_attacks else {},
        "interval": "Wilson, 95%",
        "versions": {package: version(package) for package in ("torch", "foolbox", "numpy")},
    }
    return Results(settings, tuple(clean), tuple(rows))


def _check_images(x: Any) -> np.ndarray:
    images = x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else x
    if not isinstance(images, np.ndarray) or images.dtype != np.float32:
        kind = f"an array of {images.dtype}" if isinstance(images, np.ndarray) else type(x).__name__
        raise InvalidType(f"images are an array or tensor of float32, not {kind}; convert them first")
    if images.ndim != 4:
        raise InvalidInput(f"images of shape {images.shape} are not (N, C, H, W); reshape them")
    if not images.size:
        raise InvalidInput("there are zero samples; give at least one image")
    if not np.isfinite(images).all():
        where = int(np.argwhere(~np.isfinite(images))[0, 0])
        raise InvalidInput(f"image {where} has a pixel that is NaN or infinite; remove or repair it")
    if images.min() < 0 or images.max() > 1:
        raise InvalidInput(f"pixels run from {images.min():g} to {images.max():g}; scale them to [0, 1]")
    return np.ascontiguousarray(images)


def _check_labels(y: Any, samples: int) -> np.ndarray:
    labels = y.detach().cpu().numpy() if isinstance(y, torch.Tensor) else y
    if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu":
        kind = f"an array of {labels.dtype}" if isinstance(labels, np.ndarray) else type(y).__name__
        raise InvalidType(f"labels are an array or tensor of integers, not {kind}; convert them first")
    if labels.shape != (samples,):
        raise InvalidInput(f"{samples} images need labels of shape ({samples},), not {labels.shape}")
    return labels.astype(np.int64)


def _check_classes(logits: np.ndarray, labels: np.ndarray) -> None:
    classes = logits.shape[1]
    if labels.min() < 0 or labels.max() >= classes:
        raise InvalidInput(
            f"labels run from {labels.min()} to {labels.max()} and the model has {classes} classes; give labels from "
            f"0 to {classes - 1}"
        )


def _targets(names: Any, control: str | Multiplier | None) -> tuple[Multiplier, ...]:
    if isinstance(names, str | Multiplier):
        names = [names]
    found = [multiplier(name) for name in names]
    if not found:
        raise InvalidInput("no multiplier named; give at least one (`axfpm list` shows all)")
    if control is not None:
        beside = multiplier(control)
        found = [m for m in found if m != beside] + [beside]
    return distinct(found)


@dataclass
class _Run:
    """One evaluation under way."""

    module: nn.Module
    images: np.ndarray
    labels: np.ndarray
    seed: int
    jobs: int
    accumulate: str
    layers: Any
    store: Store
    progress: Progress | None
    done: int = 0
    total: int = 0

    def __post_init__(self) -> None:
        self.model_key = module_key(self.module)
        self.examples: dict[tuple[str, str, str | None], np.ndarray] = {}

    def plan(self, targets: int, attacks: tuple[Attack, ...], threats: tuple[ThreatModel, ...]) -> None:
        parts = -(-len(self.images) // PART)
        crafts = sum(len(attacks) * (1 if threat.shared else targets) for threat in threats)
        self.total = crafts + targets * parts * (1 + len(attacks) * len(threats))

    def finish(self, message: str) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.total, message)

    def exact_logits(self, module: nn.Module, images: np.ndarray) -> np.ndarray:
        """Logits (N, classes) of a module as it is."""
        outputs = []
        for start in range(0, len(images), attack_registry.BATCH):
            part = torch.from_numpy(images[start : start + attack_registry.BATCH])
            try:
                with torch.no_grad():
                    output = module(part)
            except RuntimeError as error:
                reason = str(error).splitlines()[0]
                raise InvalidInput(f"the model does not take images of shape {images.shape[1:]}: {reason}") from error
            if not isinstance(output, torch.Tensor) or output.ndim != 2 or len(output) != len(part):
                shape = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
                raise InvalidInput(f"the model gives {shape} for {len(part)} images; logits (N, classes) are needed")
            outputs.append(output.numpy())
        return np.concatenate(outputs)

    def craft(
        self, threat: ThreatModel, attack: Attack, m: Multiplier, exact: np.ndarray
    ) -> tuple[nn.Module, np.ndarray]:
        """Source and perturbed images; shared ones are crafted for the first multiplier only."""
        source = threat.attacked(self.module, m)
        name = (threat.name, str(attack), None if threat.shared else str(m))
        if name in self.examples:
            return source, self.examples[name]
        ours = is_ours(attack.kind.run) and is_ours(threat.attacked)
        key = {
            **self.model_key,
            "exact logits": array_digest(exact),
            "images": array_digest(self.images),
            "labels": array_digest(self.labels),
            "attack": str(attack) + repr(attack.parameters) if ours else None,
            "threat model": threat.name,
            "target": "shared" if threat.shared else multiplier_key(m),
            "seed": self.seed,
            "foolbox": version("foolbox"),
        }
        perturbed = self.store.get(key)
        if perturbed is None:
            perturbed = attack.craft(source, self.images, self.labels, seed=self.seed)
            self.store.put(key, perturbed)
        self.examples[name] = perturbed
        self.finish(f"{attack} on {'the exact model' if threat.shared else m}")
        return source, perturbed

    def logits(self, m: Multiplier, images: np.ndarray, exact: np.ndarray, message: str) -> np.ndarray:
        """Logits (N, classes) of the model on a multiplier."""
        starts = range(0, len(images), PART)
        keys = {
            start: {
                **self.model_key,
                "exact logits": array_digest(exact[start : start + PART]),
                "images": array_digest(images[start : start + PART]),
                "multiplier": multiplier_key(m),
                "accumulate": self.accumulate,
                "layers": "all" if self.layers is None else None,
            }
            for start in starts
        }
        found = {start: self.store.get(key) for start, key in keys.items()}
        missing = [start for start, logits in found.items() if logits is None]
        for _ in range(len(found) - len(missing)):
            self.finish(message)
        for start, logits in self._emulate(m, images, missing):
            self.store.put(keys[start], logits)
            found[start] = logits
            self.finish(message)
        return np.concatenate([found[start] for start in starts])  # type: ignore[list-item]

    def _emulate(self, m: Multiplier, images: np.ndarray, starts: list[int]) -> Iterator[tuple[int, np.ndarray]]:
        parts = ((self.module, m, images[s : s + PART], self.accumulate, self.layers, s) for s in starts)
        if self.jobs == 1 or len(starts) < 2:
            yield from (_emulate_part(*part) for part in parts)
            return
        import joblib

        with joblib.parallel_config("loky", inner_max_num_threads=1):
            parallel = joblib.Parallel(n_jobs=self.jobs, return_as="generator")
            done: Any = parallel(joblib.delayed(_emulate_part)(*part) for part in parts)
            yield from done


def _emulate_part(
    module: nn.Module, m: Multiplier, images: np.ndarray, accumulate: str, layers: Any, start: int
) -> tuple[int, np.ndarray]:
    from golden.pytorch import approximate

    with torch.no_grad(), approximate(m, layers=layers, accumulate=accumulate):
        return start, module(torch.from_numpy(images)).numpy()
