"""Crafting: one job for every attack on every source, kept under a digest of all that it depends on."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
import safetensors.torch

from golden.cnn import models
from golden.pytorch.devices import at_home, device_of
from golden.robustness.jobs import Arrays, Job
from golden.robustness.networks import LENET5_MACS, Network, Subject, logits_of
from golden.robustness.plan import Examples
from golden.robustness.store import array_digest, is_ours
from golden.robustness.targets import Device, Fitted
from golden.robustness.threats import Knowledge

__all__ = ["CRAFTED", "EMULATED", "crafting", "training"]

CRAFTED = ("images", "queries", "halfway", "source_clean", "source_attacked")
EMULATED = 4.0
"""How much longer an attack takes through an emulated network than through the exact one, about."""
TRAINING_COST = 80_000.0
"""Of a LeNet-5, in ms."""


def source_key(subject: Subject, case: Examples, seed: int) -> dict[str, Any]:
    """What the source of examples depends on."""
    threat = case.threat_model
    key = {
        **(subject.key() if case.target is None else subject.device_key(case.target)),
        "threat model": threat.name if is_ours(threat.source) else None,
        "settings": dict(threat.settings),
        "gradient": case.gradient,
        "seed": seed,
        "attackers' images": array_digest(subject.attackers.cpu().numpy()) if threat.train is not None else "",
    }
    return key if case.target is not None else {**key, "target": "shared"}


def training(subject: Subject, case: Examples, seed: int) -> Job:
    """The job that trains the source of examples; its results are ``state``, a safetensors file, and ``queries``."""
    return Job(
        {**source_key(subject, case, seed), "part": "substitute"},
        _train,
        lambda: (subject.network, subject.fitted, case, Knowledge(subject.attackers, seed, case.gradient)),
        ("state", "queries"),
        TRAINING_COST * subject.macs / LENET5_MACS,
        f"a substitute of {case.target}",
    )


def crafting(subject: Subject, case: Examples, seed: int, trained: Arrays | None = None) -> Job:
    """The job that crafts examples; its results are ``CRAFTED``.

    Parameters
    ----------
    subject, case, seed
        The network, the examples, and the seed of whatever is random.
    trained : dict, optional
        What ``training`` returned, where the threat model trains.
    """
    attack = case.attack
    images, labels = subject.chosen(case.samples)
    key = {
        **source_key(subject, case, seed),
        "part": "examples",
        "images": array_digest(images),
        "labels": array_digest(labels),
        "attack": str(attack) + repr(attack.parameters) if is_ours(attack.kind.run) else None,
        "libraries": {package: version(package) for package in attack.kind.libraries},
    }
    emulated = case.target is not None and case.target.multipliers
    cost = attack.cost * len(images) * (EMULATED if emulated else 1) * subject.macs / LENET5_MACS
    where = "the exact model" if case.target is None else str(case.target)
    knowledge = Knowledge(subject.attackers, seed, case.gradient)
    return Job(
        key,
        _craft,
        lambda: (subject.network, subject.fitted, case, knowledge, *subject.chosen(case.samples), trained),
        CRAFTED,
        cost,
        f"{attack} on {where}",
    )


def _device(network: Network, fitted: Fitted, case: Examples) -> Device:
    return Device(network.module) if case.target is None else case.target.build(network.module, fitted)


def _train(network: Network, fitted: Fitted, case: Examples, knowledge: Knowledge) -> Arrays:
    assert case.threat_model.train is not None
    knowledge = replace(knowledge, architecture=network.architecture)
    with at_home(device_of(network.module)):
        device = _device(network, fitted, case)
        module, queries = case.threat_model.train(device, knowledge, **case.threat_model.settings)
    state = safetensors.torch.save(module.state_dict())
    return {"state": np.frombuffer(state, np.uint8), "queries": np.array([queries])}


def _craft(
    network: Network,
    fitted: Fitted,
    case: Examples,
    knowledge: Knowledge,
    images: np.ndarray,
    labels: np.ndarray,
    trained: Arrays | None,
) -> Arrays:
    home = device_of(network.module)
    with at_home(home):
        if trained is not None:
            assert network.architecture is not None
            substitute = models.build(network.architecture).to(home).eval()
            substitute.load_state_dict(safetensors.torch.load(trained["state"].tobytes()))
            knowledge = replace(knowledge, substitute=substitute)
        source = case.threat_model.source(network.module, _device(network, fitted, case), knowledge)
    crafted = case.attack.craft_counted(source, images, labels, seed=knowledge.seed)
    return {
        "images": crafted.images,
        "queries": crafted.queries,
        "halfway": np.full(len(images), np.nan) if crafted.halfway is None else crafted.halfway.astype(np.float64),
        "source_clean": logits_of(source, images),
        "source_attacked": logits_of(source, crafted.images),
    }
