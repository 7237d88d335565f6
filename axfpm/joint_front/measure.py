"""Measure a front: which images each of its networks gets right, clean and under the adaptive attack, and its energy.

Every network is attacked for itself, with all that the attacker of the threat model ``white-box`` knows, on the same
images and at the budgets of the verdict on the same data. Whatever is finished is kept, so that the same call goes on
where it was interrupted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from axfpm.joint_front.differences import ALPHA, differences, energies_together
from axfpm.joint_front.energies import energy_of
from axfpm.joint_front.entries import FRONTS, Entry
from axfpm.joint_front.networks import network_of
from axfpm.joint_front.result import Images, JointFront, Network
from axfpm.layer_search.final import ATTACKS, budgets_of
from golden.checks import check_count
from golden.cnn import data as datasets
from golden.cnn.checkpoint import weights_digest
from golden.cnn.trained import TrainedNetwork
from golden.progress import Progress
from golden.robustness.attacks import attacks
from golden.robustness.jobs import Meter, Processes, one_thread, run
from golden.robustness.judge import clean_judging
from golden.robustness.networks import networks, subject_of
from golden.robustness.outcomes import right
from golden.robustness.pipeline import evaluate_stages
from golden.robustness.plan import Stage
from golden.robustness.row_types import EXACT
from golden.robustness.store import Store
from golden.robustness.targets import Fitted, target
from golden.robustness.threats import THREAT_MODELS

__all__ = ["FIT", "SEED", "measure", "with_energies"]

FIT = 200
"""Training images that targets are fitted on, without labels."""
SEED = 0
"""Of the attacks, of what targets are fitted on, and of the networks."""
PHASES = 4
"""Of an entry: training, clean images, attacks, energy."""


def measure(
    data: str,
    *,
    attacked: int | None = None,
    entries: int | None = None,
    energies: Iterable[str | Path] = (),
    measure_energies: bool = True,
    jobs: int = 1,
    progress: Progress | None = None,
) -> JointFront:
    """Measure the networks of a front.

    Parameters
    ----------
    data : str
        A name in ``FRONTS``.
    attacked : int, optional
        How many test images are attacked, spread evenly over all; the front's own number without it.
    entries : int, optional
        How many of the front's entries, the first ones; all without it.
    energies : iterable of str or Path
        Files of ``axfpm energy inference -o``, which are asked before those of the package.
    measure_energies : bool
        Whether energies that no file has are measured; without it such networks have none.
    jobs : int
        Processes; their number changes no result.
    progress : callable, optional
        ``progress(done, all, message)`` in thousandths of a phase of an entry.

    Raises
    ------
    InvalidInput
        If the name is unknown, data are missing, or a number is out of range; and as whatever measures.
    MissingTool
        If an energy is to be measured and a program of that is not installed.
    """
    front = FRONTS.look_up(data)
    images, labels = datasets.load(front.data)
    attacked = check_count("attacked", front.attacked if attacked is None else attacked, 2, len(images))
    chosen = front.entries[: check_count("entries", len(front.entries) if entries is None else entries, 1)]
    budgets = budgets_of(front.data, front.model, images.shape[1:])
    files = [Path(path) for path in energies]
    found: list[Network] = []

    for place, entry in enumerate(chosen):
        phases = [_phase(progress, place * PHASES + phase, len(chosen), entry) for phase in range(PHASES)]
        trained = network_of(entry, front, phases[0])
        clean, robust = _judged(trained, entry, images, labels, budgets, attacked, jobs, phases[1:3])
        energy = energy_of(entry, front, files, measure=measure_energies, progress=phases[3])
        phases[3](1, 1, "finished")
        found.append(
            Network(
                name=entry.name,
                how=entry.how,
                target=entry.on,
                multiplier=str(entry.runs_on),
                network=trained.name,
                weights_sha256=weights_digest(trained.module),
                seed=SEED,
                training={} if trained.provenance is None else dict(trained.provenance.settings),
                clean=clean,
                robust=robust,
                energy=energy,
            )
        )
    rows = _together(found)
    settings = _settings(front.data, front.model, attacked, len(images), budgets)
    return JointFront(settings, rows, differences(rows, tuple(budgets)))


def with_energies(
    found: JointFront,
    *,
    energies: Iterable[str | Path] = (),
    measure_energies: bool = True,
    progress: Progress | None = None,
) -> JointFront:
    """Take a front's energies anew, as ``measure`` does, and leave all else as it was measured.

    Parameters
    ----------
    found : JointFront
        As read from its file.
    energies, measure_energies, progress :
        As for ``measure``.

    Raises
    ------
    InvalidInput, MissingTool
        As ``measure`` does.
    """
    front = FRONTS.look_up(found.settings["data"])
    entries, files = {entry.name: entry for entry in front.entries}, [Path(path) for path in energies]
    rows = []
    for place, each in enumerate(found.networks):
        entry = entries[each.name]
        phase = _phase(progress, place * PHASES, len(found.networks), entry)
        rows.append(replace(each, energy=energy_of(entry, front, files, measure=measure_energies, progress=phase)))
    return JointFront(found.settings, _together(rows), found.differences)


def _together(rows: Sequence[Network]) -> tuple[Network, ...]:
    """The same rows with ratios of energies that hold together."""
    together = energies_together([each.energy for each in rows])
    return tuple(replace(each, energy=energy) for each, energy in zip(rows, together, strict=True))


def _phase(progress: Progress | None, number: int, entries: int, entry: Entry) -> Progress:
    """Progress of one phase of one entry, within that of all."""

    def within(done: int, total: int, message: str) -> None:
        if progress is not None:
            share = done / total if total else 0
            progress(round(1000 * (number + share)), 1000 * PHASES * entries, f"{entry.name}: {message}")

    return within


def _judged(
    trained: TrainedNetwork,
    entry: Entry,
    images: np.ndarray,
    labels: np.ndarray,
    budgets: dict[str, float],
    attacked: int,
    jobs: int,
    phases: Sequence[Progress],
) -> tuple[Images, dict[str, Images]]:
    """Which images are right, clean and by norm under attack."""
    network, own, exact = networks(trained)[0], entry.target, target(EXACT)
    fit, truth = datasets.load(trained.data, "train")
    common = datasets.DATASETS[trained.data].common
    fitted = Fitted(torch.from_numpy(datasets.sample(fit[:common], truth[:common], min(FIT, len(fit)), SEED)[0]))
    with one_thread():
        subject = subject_of(network, images, labels, fitted)
    parts = clean_judging(subject, own, np.arange(len(images)))
    meter = Meter(phases[0], [job.cost for job in parts])
    seen = run(parts, Store(), Processes(jobs), meter)
    correct = right(np.concatenate([each["logits"] for each in seen]), labels)
    chosen = attacks(",".join(f"{ATTACKS[norm]}:eps={eps}" for norm, eps in budgets.items()))
    found = evaluate_stages(
        [network],
        images,
        labels,
        [Stage(THREAT_MODELS["white-box"], chosen, (own,), samples=attacked)],
        fitted=fitted,
        clean=(exact,),
        budgets=budgets,
        seed=SEED,
        jobs=jobs,
        progress=phases[1],
    )
    rows = {row.norm: row for row in found.suites if row.target == own.name}
    robust = {
        norm: Images(rows[norm].robust_accuracy.k, rows[norm].robust_accuracy.n, rows[norm].right) for norm in budgets
    }
    return Images(int(correct.sum()), len(correct), np.packbits(correct).tobytes().hex()), robust


def _settings(data: str, model: str, attacked: int, samples: int, budgets: dict[str, float]) -> dict[str, Any]:
    from axfpm.layer_search.energies import LIBRARY
    from synth.energy.inference.result import EXCLUDED

    return {
        "data": data,
        "model": model,
        "test_images": samples,
        "attacked": attacked,
        "budgets": budgets,
        "attack": "adaptive, white-box, made for each network",
        "seed": SEED,
        "confidence": 1 - ALPHA,
        "library": LIBRARY,
        "excluded": EXCLUDED,
        "versions": {package: version(package) for package in ("torch", "numpy")},
    }
