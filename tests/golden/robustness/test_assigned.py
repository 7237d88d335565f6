"""Assignments as targets and as jobs: their names, their bits, and what they are kept under."""

import json
import re

import numpy as np
import pytest
import torch
from torch import nn

from golden.assignments import Assignment, document
from golden.errors import InvalidInput
from golden.pytorch import ApproximateModule, calibrate
from golden.robustness.assigned import classifying
from golden.robustness.evaluation import evaluate
from golden.robustness.jobs import perform
from golden.robustness.networks import networks, subject_of
from golden.robustness.targets import Fitted, target, targets

ONE = Assignment.of({"1": "ax-fpm", "3": "e8m1"})
NAME = "assignment:1=ax-fpm;3=e8m1"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def tiny():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        last = nn.Linear(8, 3)
        model = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), last)
        images = torch.rand(60, 1, 4, 4)
        with torch.no_grad():
            last.bias -= model(images).mean(0)
            return model.eval(), images, model(images).argmax(1)


def test_names(tmp_path):
    path = tmp_path / "a+b.json"
    path.write_text(json.dumps(document([{"layers": {"fc": "exact"}}, {"layers": ONE.to_dict()}])), encoding="utf-8")
    found = target(ONE)
    assert (found.name, found.group, found.multiplier, found.layers) == (NAME, "multiplier", None, ONE)
    assert found.multipliers == ONE.multipliers
    good = path.rename(tmp_path / "ab.json")
    assert target(f"assignment:{good}:2") == target(NAME) == found
    listed = targets(f"noise,{NAME}+calibrated,assignment:1=ax-fpm:block=2,carry=widen;3=exact,e8m2")
    assert [each.name for each in listed] == [
        "noise",
        f"{NAME}+calibrated",
        "assignment:1=ax-fpm-widen:block=2;3=exact",
        "e8m2",
    ]
    assert targets(ONE) == (found,)
    for name, said in (
        (f"{NAME}+clamp", "an assignment takes +calibrated and no other modifier, not +clamp; leave it out"),
        (f"assignment:{good}", f"{good} holds 2 assignments; say which one"),
        ("assignment:1=e8m11", "unknown multiplier 'e8m11'"),
    ):
        with pytest.raises(InvalidInput, match=re.escape(said)):
            target(name)


def test_the_same_bits_as_a_module(tiny):
    model, images, _ = tiny
    fitted = Fitted(images[:20])
    with torch.no_grad():
        expected = ApproximateModule(model, "exact", layers=ONE)(images)
        assert torch.equal(target(NAME).build(model, fitted).module(images), expected)
        scaled = calibrate(ApproximateModule(model, "exact", layers=ONE), "exact", images[:20])
        device = target(f"{NAME}+calibrated").build(model, fitted)
        assert torch.equal(device.module(images), ApproximateModule(scaled, "exact", layers=ONE)(images))
    assert set(device.details["gains"]) == {"1.bias", "3.bias"}
    assert device.temperature != 1
    with pytest.raises(InvalidInput, match="has no multiplier for the layer '3'"):
        target("assignment:1=exact").build(model, fitted)


def test_white_box_attacks_go_through_each_layers_own(tiny):
    model, images, labels = tiny
    device = target(ONE).build(model, Fitted(images[:20]))
    attacked = device.attacked(gradient="straight-through")
    assert isinstance(attacked, ApproximateModule)
    assert attacked.context.settings.layers == ONE
    with torch.no_grad():
        assert torch.equal(attacked(images), device.module(images) / device.temperature)
    results = evaluate(
        *tiny,
        multiplier=(),
        layers=ONE,
        attacks="adaptive:eps=0.05,restarts=2,steps=3",
        threat_models="white-box",
        control=None,
    )
    assert [row.target for row in results.clean] == ["exact torch", NAME]
    assert {row.target for row in results.attacks} == {"exact torch", NAME}
    with torch.no_grad():
        right = int((device.module(images).argmax(1) == labels).sum())
    assert (results.clean[1].accuracy.k, results.clean[1].accuracy.n) == (right, 60)


def test_an_attacker_who_knows_the_multipliers(tiny):
    found = evaluate(*tiny, multiplier=(), layers=ONE, attacks="fgsm", threat_models="aware", control=None)
    assert {row.target for row in found.attacks} == {"exact torch", NAME}
    with pytest.raises(InvalidInput, match="mitchell"):
        evaluate(
            *tiny,
            multiplier=(),
            layers=Assignment.of({"1": "ax-fpm", "3": "mitchell"}),
            attacks="fgsm",
            threat_models="aware",
            control=None,
        )


def test_beside_multipliers_and_from_a_file(tiny, tmp_path):
    path = tmp_path / "one.json"
    path.write_text(json.dumps(document([{"layers": ONE.to_dict()}])), encoding="utf-8")
    found = evaluate(*tiny, multiplier="bf16", layers=path, attacks=())
    assert [row.target for row in found.clean] == ["exact torch", "bf16", "e8m2", NAME]
    assert found.settings["layers"] == "all"
    assert found.settings["multipliers"] == ["bf16", "e8m2"]
    with pytest.raises(InvalidInput, match="no multiplier named"):
        evaluate(*tiny, multiplier=(), attacks=())


def test_what_a_part_is_kept_under(tiny):
    model, images, labels = tiny
    subject = subject_of(networks(model)[0], images.numpy(), labels.numpy(), Fitted(images[:20]))
    others = Assignment.of({"1": "ax-fpm", "3": "e8m2"}), Assignment.of({"1": "e8m1", "3": "ax-fpm"})
    keys = [json.dumps(subject.device_key(target(each)), sort_keys=True) for each in (ONE, *others, "ax-fpm", "e8m1")]
    assert len(set(keys)) == len(keys)
    jobs = classifying(subject, [ONE, *others])
    assert len({json.dumps(job.key, sort_keys=True) for job in jobs}) == 3
    assert None not in jobs[0].key.values()
    _, found = perform(0, jobs[0].work, jobs[0].arguments())
    with torch.no_grad():
        expected = ApproximateModule(model, "exact", layers=ONE)(images).numpy()
    assert np.array_equal(found["logits"], expected)
