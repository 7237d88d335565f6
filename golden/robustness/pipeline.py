"""The pipeline: plan, craft, judge, count, for several networks and stages at once."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from golden.checks import check_seed
from golden.cnn import checkpoint as checkpoints
from golden.progress import Progress
from golden.pytorch.observing import product_names
from golden.pytorch.split import two_product_form
from golden.robustness.built import forget
from golden.robustness.craft import crafting, training
from golden.robustness.jobs import Arrays, Job, Meter, Processes, Workers, one_thread, run
from golden.robustness.judge import clean_judging, cost_of, judging
from golden.robustness.networks import Network, Subject, subject_of, subset
from golden.robustness.plan import Examples, Plan, Shown, Stage, plan
from golden.robustness.results import Results
from golden.robustness.row_types import EXACT
from golden.robustness.rows import Judged, accuracy_kept, clean_rows, pictures, rows_under_attack, suites
from golden.robustness.store import Store, array_digest
from golden.robustness.targets import Fitted, Target, target

__all__ = ["evaluate_stages"]


def evaluate_stages(
    networks: Sequence[Network],
    images: np.ndarray,
    labels: np.ndarray,
    stages: Sequence[Stage],
    *,
    fitted: Fitted,
    attackers: torch.Tensor | None = None,
    clean: Sequence[Target] = (),
    controls: Sequence[str] = (),
    budgets: Mapping[str, float] | None = None,
    calibration: bool = False,
    seed: int = 0,
    jobs: int | Workers = 1,
    settings: Mapping[str, Any] | None = None,
    cache: bool = True,
    progress: Progress | None = None,
) -> Results:
    """Run stages, each a threat model with its own attacks, targets and sample size, on the same networks and images.

    Parameters
    ----------
    networks : sequence of Network
        Trained alike.
    images, labels : ndarray
        (N, C, H, W) float32 in [0, 1] and (N,) int64; a stage takes as many of them as it says.
    stages : sequence of Stage
        In the order of the results.
    fitted : Fitted
        What targets are fitted on; the networks bring their own siblings.
    attackers : Tensor of float32, (N, C, H, W), optional
        Images that an attacker has, who has no labels; those of ``fitted`` where none are given.
    clean : sequence of Target
        Who sees all images clean, besides the exact network; the others see those of their stages, or where this is
        empty all.
    controls : sequence of str
        Names of targets that stand there for comparison only.
    budgets : mapping of str to float, optional
        Norm to primary budget: at each, ``Suite`` rows say who withstands all attacks of a threat model.
    calibration : bool
        Whether clean rows hold the confidence metrics in full.
    seed, cache, progress
        As ``evaluate`` takes them.
    jobs : int or Workers
        Processes, or whoever else does the jobs.
    settings : mapping, optional
        More entries for the results' settings.

    Raises
    ------
    InvalidInput, InvalidType
        As ``evaluate``.
    """
    workers = Processes(jobs) if isinstance(jobs, int) else jobs
    check_seed(seed)
    exact = target(EXACT)
    planned = plan(stages, exact, len(networks), len(images))
    everyone = tuple(dict.fromkeys((exact, *(t for s in stages for t in (*s.targets, *s.shown)), *clean)))
    _check_before(planned, networks, everyone, fitted)
    store = Store(enabled=cache)
    with one_thread():
        subjects = [subject_of(network, images, labels, fitted, attackers) for network in networks]
    entirely = {exact, *clean} if clean else set(everyone)
    try:
        with workers:
            judged = _run(planned, subjects, everyone, entirely, store, seed, workers, progress)
    finally:
        forget()
    controls = tuple(controls)
    rows = clean_rows(judged, subjects, everyone, controls, full=calibration)
    kept = {"accuracy": accuracy_kept(judged, subjects, [t for t in everyone if t in entirely])} if calibration else {}
    found = _settings(subjects, everyone, controls, planned, seed, fitted, budgets or {})
    return Results(
        {**found, "cpu": ", ".join(workers.cpus()), **(settings or {})},
        rows,
        rows_under_attack(judged, subjects, planned, controls),
        suites(judged, subjects, planned, budgets or {}),
        kept,
        pictures(judged, subjects, planned) if budgets else (),
    )


def _run(
    planned: Plan,
    subjects: Sequence[Subject],
    everyone: Sequence[Target],
    entirely: Container[Target],
    store: Store,
    seed: int,
    workers: Workers,
    progress: Progress | None,
) -> Judged:
    # Restarts: the second and third gradient of a target draw other random numbers, so that one which has a single
    # kind of gradient gets the same number of different runs.
    kinds = list(dict.fromkeys(case.gradient for case in planned.examples))

    def seed_of(case: Examples) -> int:
        return seed + kinds.index(case.gradient)

    chosen = {
        (i, t): _seen_clean(planned, i, t, len(subject.images), all_images=t in entirely)
        for i, subject in enumerate(subjects)
        for t in everyone
    }
    clean = {(i, t): clean_judging(subjects[i], t, rows) for (i, t), rows in chosen.items() if len(rows)}
    trained_cases = [case for case in planned.examples if case.threat_model.train is not None]
    sources = list({(case.network, case.threat_model.name, case.target): case for case in trained_cases}.values())
    training_jobs = [training(subjects[case.network], case, seed) for case in sources]
    drafts = [crafting(subjects[case.network], case, seed_of(case)) for case in planned.examples]
    # One target after the other: a process keeps the device that it judged last.
    order = sorted(planned.shown, key=lambda s: (s.examples.network, everyone.index(s.target)))
    clean_jobs = [job for parts in clean.values() for job in parts]
    shown_costs = [cost_of(subjects[s.examples.network], s) for s in order]
    meter = Meter(progress, (*(job.cost for job in (*clean_jobs, *training_jobs, *drafts)), *shown_costs))

    logits = iter(run(clean_jobs, store, workers, meter))
    clean_logits = {
        key: (chosen[key], np.concatenate([next(logits)["logits"] for _ in parts])) for key, parts in clean.items()
    }
    states = dict(
        zip(
            ((case.network, case.threat_model.name, case.target) for case in sources),
            run(training_jobs, store, workers, meter),
            strict=True,
        )
    )

    def with_state(case: Examples, draft: Job) -> Job:
        state: Arrays | None = states.get((case.network, case.threat_model.name, case.target))
        return draft if state is None else crafting(subjects[case.network], case, seed_of(case), state)

    ready = [with_state(case, draft) for case, draft in zip(planned.examples, drafts, strict=True)]
    crafted = dict(zip(planned.examples, run(ready, store, workers, meter), strict=True))
    shows = [judging(subjects[s.examples.network], s, crafted[s.examples]["images"], seed) for s in order]
    seen: dict[Shown, np.ndarray] = {
        s: result["logits"] for s, result in zip(order, run(shows, store, workers, meter), strict=True)
    }
    return Judged(clean_logits, crafted, seen, {key: int(state["queries"][0]) for key, state in states.items()})


def _seen_clean(planned: Plan, network: int, target: Target, images: int, *, all_images: bool) -> np.ndarray:
    """Which images a target has to be seen on clean: all, or those of the examples that it is shown."""
    if all_images:
        return np.arange(images)
    sizes = {s.examples.samples for s in planned.shown if s.target == target and s.examples.network == network}
    return np.unique(np.concatenate([subset(images, size) for size in (0, *sizes)]))


def _check_before(planned: Plan, networks: Sequence[Network], everyone: Sequence[Target], fitted: Fitted) -> None:
    """Raise where a target or a source cannot be made, before anything is computed."""
    for one in everyone:
        if one.group == "reference":
            for network in networks:
                replace(fitted, siblings={**fitted.siblings, **network.siblings}).sibling(one.name.partition("/")[0])
        elif one.layers is not None:
            for network in networks:
                one.layers.require_layers(product_names(network.module, fitted.images))
    for case in planned.examples:
        if case.threat_model.differentiable or case.gradient == "masked":
            for m in () if case.target is None else case.target.multipliers:
                two_product_form(m)


def _settings(
    subjects: Sequence[Subject],
    everyone: Sequence[Target],
    controls: Sequence[str],
    planned: Plan,
    seed: int,
    fitted: Fitted,
    budgets: Mapping[str, float],
) -> dict[str, Any]:
    cases = planned.examples
    attacks = {str(case.attack): case.attack for case in cases}
    first = subjects[0]
    return {
        "model": first.network.name if len(subjects) == 1 else ", ".join(s.network.name for s in subjects),
        "networks": [
            {
                "model": s.network.name,
                "seed": s.network.seed,
                "weights_sha256": checkpoints.weights_digest(s.network.module),
            }
            for s in subjects
        ],
        "weights_sha256": checkpoints.weights_digest(first.network.module),
        "images_sha256": array_digest(first.images),
        "samples": len(first.images),
        "seed": seed,
        "multipliers": [t.name for t in everyone if t.multiplier is not None],
        "targets": {t.name: t.description for t in everyone},
        "control": controls[0] if controls else None,
        "controls": list(controls),
        "accumulate": fitted.emulation.get("accumulate", "float32"),
        "layers": "all" if fitted.emulation.get("layers") is None else "chosen",
        "attacks": {name: {"kind": a.kind.name, "norm": a.norm, **dict(a.parameters)} for name, a in attacks.items()},
        "threat_models": {case.threat_model.name: case.threat_model.description for case in cases},
        "left_out": list(planned.left_out),
        "budgets": dict(budgets),
        "interval": "Wilson, 95%",
        "versions": {package: version(package) for package in ("torch", "foolbox", "numpy")},
        **({} if first.gpu() is None else {"gpu": first.gpu()}),
    }
