"""How often a network is right on an assignment, a multiplier for each layer, as a job: what searches ask for."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from golden.assignments import Assignment
from golden.pytorch.assigned import assigned
from golden.robustness.craft import EMULATED
from golden.robustness.jobs import Arrays, Job
from golden.robustness.judge import FORWARD
from golden.robustness.networks import LENET5_MACS, Subject, logits_of, multipliers_key
from golden.robustness.outcomes import right
from golden.robustness.store import array_digest
from golden.robustness.targets import target

__all__ = ["accuracy"]


def accuracy(subject: Subject, assignment: Assignment) -> Job:
    """Return the job that classifies a subject's images on an assignment; its result is ``right``, bool (N,).

    Parameters
    ----------
    subject : Subject
        The network, and all images with their classes.
    assignment : Assignment
        A multiplier for each layer.
    """
    key = {
        **subject.key(),
        "part": "assignment",
        "layers": multipliers_key(target(assignment)),
        "images": array_digest(subject.images),
        "labels": array_digest(subject.labels),
    }
    return Job(
        key,
        _classify,
        lambda: (subject.network.module, assignment, subject.images, subject.labels),
        ("right",),
        FORWARD * EMULATED * len(subject.images) * subject.macs / LENET5_MACS,
        str(assignment),
    )


def _classify(module: nn.Module, assignment: Assignment, images: np.ndarray, labels: np.ndarray) -> Arrays:
    on_it = assigned(module, assignment, torch.from_numpy(images[:1]))
    return {"right": right(logits_of(on_it, images), labels)}
