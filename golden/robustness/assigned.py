"""A network on an assignment, a multiplier for each layer, as a job: what searches ask for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from golden.assignments import Assignment
from golden.pytorch.assigned import assigned
from golden.pytorch.devices import device_of
from golden.robustness.craft import EMULATED
from golden.robustness.jobs import Arrays, Job
from golden.robustness.judge import FORWARD
from golden.robustness.networks import LENET5_MACS, Subject, logits_of, multipliers_key
from golden.robustness.store import array_digest
from golden.robustness.targets import target

__all__ = ["classifying"]


def classifying(subject: Subject, assignments: Sequence[Assignment]) -> list[Job]:
    """Return the jobs that classify a subject's images on assignments; each result is ``logits`` (N, classes).

    Parameters
    ----------
    subject : Subject
        The network, and all images.
    assignments : sequence of Assignment
        A multiplier for each layer, a job each.
    """
    common = {
        **subject.key(),
        "part": "assignment",
        "images": array_digest(subject.images),
    }
    cost = FORWARD * EMULATED * len(subject.images) * subject.macs / LENET5_MACS
    return [
        Job(
            {**common, "layers": multipliers_key(target(each))},
            _classify,
            lambda each=each: (subject.network.module, each, subject.images),
            ("logits",),
            cost,
            str(each),
        )
        for each in assignments
    ]


def _classify(module: nn.Module, assignment: Assignment, images: np.ndarray) -> Arrays:
    first = torch.from_numpy(images[:1]).to(device_of(module))
    return {"logits": logits_of(assigned(module, assignment, first), images)}
