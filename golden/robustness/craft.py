"""Crafting: one job for every attack on every source, kept under a digest of all that it depends on."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
import safetensors.torch
from torch import nn

from golden.cnn import models
from golden.pytorch.devices import at_home, device_of
from golden.robustness.built import built, name_of, source_of
from golden.robustness.jobs import Arrays, Job
from golden.robustness.networks import LENET5_MACS, Network, Subject, logits_of
from golden.robustness.plan import Examples
from golden.robustness.store import is_ours
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
        "attackers' images": subject.attackers_digest if threat.train is not None else "",
    }
    return key if case.target is not None else {**key, "target": "shared"}


def training(subject: Subject, case: Examples, seed: int) -> Job:
    """The job that trains the source of examples; its results are ``state``, a safetensors file, and ``queries``."""
    knowledge = Knowledge(subject.attackers, seed, case.gradient)
    return Job(
        {**source_key(subject, case, seed), "part": "substitute"},
        _train,
        lambda: (subject.network, subject.fitted, case, _names(subject, case, seed)[0], knowledge),
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
    images, labels = subject.chosen_digests(case.samples)
    key = {
        **source_key(subject, case, seed),
        "part": "examples",
        "images": images,
        "labels": labels,
        "attack": str(attack) + repr(attack.parameters) if is_ours(attack.kind.run) else None,
        "libraries": {package: version(package) for package in attack.kind.libraries},
    }
    emulated = case.target is not None and case.target.multipliers
    cost = attack.cost * case.samples * (EMULATED if emulated else 1) * subject.macs / LENET5_MACS
    where = "the exact model" if case.target is None else str(case.target)
    knowledge = Knowledge(subject.attackers, seed, case.gradient)
    return Job(
        key,
        _craft,
        lambda: (
            subject.network,
            subject.fitted,
            case,
            _names(subject, case, seed),
            knowledge,
            *subject.chosen(case.samples),
            trained,
        ),
        CRAFTED,
        cost,
        f"{attack} on {where}",
    )


def _names(subject: Subject, case: Examples, seed: int) -> tuple[str, str]:
    """Of the device that examples are for, and of what attacks are run on; empty where they have none.

    Threat models from elsewhere may change a device, and get one of their own.
    """
    threat = case.threat_model
    known = is_ours(threat.source) and (threat.train is None or is_ours(threat.train))
    device = "" if case.target is None or not known else name_of(subject, subject.device_key(case.target))
    return device, name_of(subject, source_key(subject, case, seed))


def _train(network: Network, fitted: Fitted, case: Examples, device: str, knowledge: Knowledge) -> Arrays:
    assert case.threat_model.train is not None
    knowledge = replace(knowledge, architecture=network.architecture)
    with at_home(device_of(network.module)):
        shown = _device(network, fitted, case, device)
        module, queries = case.threat_model.train(shown, knowledge, **case.threat_model.settings)
    state = safetensors.torch.save(module.state_dict())
    return {"state": np.frombuffer(state, np.uint8), "queries": np.array([queries])}


def _craft(
    network: Network,
    fitted: Fitted,
    case: Examples,
    names: tuple[str, str],
    knowledge: Knowledge,
    images: np.ndarray,
    labels: np.ndarray,
    trained: Arrays | None,
) -> Arrays:
    home = device_of(network.module)
    device, source = names

    def make() -> nn.Module:
        known = knowledge
        if trained is not None:
            assert network.architecture is not None
            substitute = models.build(network.architecture).to(home).eval()
            substitute.load_state_dict(safetensors.torch.load(trained["state"].tobytes()))
            known = replace(knowledge, substitute=substitute)
        return case.threat_model.source(network.module, _device(network, fitted, case, device), known)

    with at_home(home):
        replays = source_of(source, make)
    module = replays.module
    # Attacks from elsewhere may change what they are run on: they are given a copy.
    with replays if is_ours(case.attack.kind.run) else nullcontext():
        crafted = case.attack.craft_counted(module, images, labels, seed=knowledge.seed)
        return {
            "images": crafted.images,
            "queries": crafted.queries,
            "halfway": np.full(len(images), np.nan) if crafted.halfway is None else crafted.halfway.astype(np.float64),
            "source_clean": logits_of(module, images),
            "source_attacked": logits_of(module, crafted.images),
        }


def _device(network: Network, fitted: Fitted, case: Examples, name: str) -> Device:
    return Device(network.module) if case.target is None else built(network, fitted, case.target, name)
