"""Evaluations: the share that a direct count finds, each done once, kept, and no more than the budget."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

import torch

from axfpm.layer_search.evaluations import Asked, Evaluations
from axfpm.layer_search.objectives import objectives
from axfpm.layer_search.space import Space
from golden.catalogue import multiplier
from golden.cnn import data
from golden.pytorch import approximate
from golden.robustness import assigned
from golden.robustness.jobs import Meter, Processes
from golden.robustness.networks import networks, subject_of
from golden.robustness.store import Store
from golden.robustness.targets import Fitted

CANDIDATES = tuple(map(multiplier, ("exact", "ax-fpm-wrap")))


@pytest.fixture(scope="module")
def subject(planted):
    images, labels = (part[:200] for part in data.load("digits", "train"))
    return subject_of(networks(planted)[0], images, labels, Fitted(torch.from_numpy(images[:20])))


def evaluations(subject, *, cache=True, steps=None):
    space = Space(("front", "main", "side"), CANDIDATES, np.ones((3, 2)), np.ones(2))
    seen = [] if steps is None else steps
    meter = Meter(lambda *step: seen.append(step), [1])
    return Evaluations(space, subject, workers=Processes(1), store=Store(enabled=cache), meter=meter)


def test_a_direct_count(subject, planted):
    found = evaluations(subject).wrong([(0, 1, 0), (1, 0, 1)])
    for choice, share in zip(((0, 1, 0), (1, 0, 1)), found, strict=True):
        layers: dict[str, Any] = dict(zip(("front", "main", "side"), (CANDIDATES[k] for k in choice), strict=True))
        with torch.no_grad(), approximate("exact", layers=layers):
            wrong = planted.module(torch.from_numpy(subject.images)).argmax(1).numpy() != subject.labels
        assert share == wrong.mean()
    assert found[0] > found[1] + 0.1


def test_each_is_done_once_and_kept(subject, monkeypatch):
    steps, done, real = [], [], assigned._classify

    def counted(module, each, images):
        done.append(str(each))
        return real(module, each, images)

    monkeypatch.setattr(assigned, "_classify", counted)
    one = evaluations(subject, steps=steps)
    first = one.wrong([(0, 0, 0), (1, 0, 0)])
    assert one.wrong([(1, 0, 0), (0, 0, 1)])[0] == first[1]
    assert len(done) == len(set(done)) == 3
    assert len(steps) == 4  # what is known already is progress, too
    assert evaluations(subject).wrong([(0, 0, 1)]) == one.wrong([(0, 0, 1)])
    assert len(done) == 3
    evaluations(subject, cache=False).wrong([(0, 0, 1)])
    assert len(done) == 4


def test_the_budget_is_kept(subject):
    asked = Asked(evaluations(subject), objectives("energy,accuracy"), 3)
    every = [(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    assert asked.left == 3
    assert asked.ask(every[:2]) == every[:2]
    assert asked.ask([every[1], every[2], every[3]]) == every[1:3]
    assert asked.left == 0
    assert asked.ask(every) == every[:3]
    assert asked.values().shape == (3, 2)
    assert asked.values([every[2]]).tolist() == [[3.0, asked.wrong[every[2]]]]
    assert Asked(asked.evaluations, asked.objectives, 100).left == 8
