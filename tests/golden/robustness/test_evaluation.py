"""Evaluation runs: the numbers, resuming, and wrong input."""

import copy
import dataclasses
import json

import numpy as np
import pytest
import torch
from replaying_cases import used_recordings
from torch import nn

from golden.catalogue import Multiplier
from golden.cnn import checkpoint, data
from golden.designs import Function
from golden.errors import InvalidInput, InvalidType
from golden.formats import FP32
from golden.pytorch import approximate
from golden.registry import Registry
from golden.robustness import jobs, threats
from golden.robustness.attacks import attack
from golden.robustness.evaluation import evaluate
from golden.robustness.row_types import EXACT
from golden.robustness.statistics import Proportion


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def digits():
    images, labels = data.load("digits", "test")
    return images[:24], labels[:24]


@pytest.fixture(scope="module")
def tiny():
    """A model of 16 inputs, cheap to emulate, with images that it takes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        last = nn.Linear(8, 3)
        model = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), last)
        images = torch.rand(120, 1, 4, 4)
        with torch.no_grad():
            last.bias -= model(images).mean(0)  # all three classes occur
            return model, images.numpy(), model(images).argmax(1).numpy()


def test_numbers_are_those_of_a_direct_count(digits):
    images, labels = digits
    results = evaluate(
        "lenet5-digits", images, labels, multiplier="ax-fpm", attacks="pgd:eps=0.1,steps=10", seed=5, data="digits test"
    )
    module, _ = checkpoint.load("lenet5-digits")
    perturbed = attack("pgd:eps=0.1,steps=10").craft(module, images, labels, seed=5)
    right = {}
    with torch.no_grad():
        for name in (EXACT, "ax-fpm", "e8m2"):
            for kind, x in (("clean", images), ("attacked", perturbed)):
                if name == EXACT:
                    logits = module(torch.from_numpy(x))
                else:
                    with approximate(name):
                        logits = module(torch.from_numpy(x))
                right[name, kind] = {i for i, z in enumerate(logits.tolist()) if z.index(max(z)) == labels[i]}
    assert [row.target for row in results.clean] == [EXACT, "ax-fpm", "e8m2"]
    assert [row.control for row in results.clean] == [False, False, True]
    for row in results.clean:
        assert row.accuracy == Proportion(len(right[row.target, "clean"]), 24)
    adversarial = right[EXACT, "clean"] - right[EXACT, "attacked"]
    assert len(adversarial) >= 8
    for row in results.attacks:
        both = adversarial & right[row.target, "clean"]
        assert row.source_success == Proportion(len(adversarial), len(right[EXACT, "clean"]))
        assert row.robust_accuracy == Proportion(len(right[row.target, "clean"] & right[row.target, "attacked"]), 24)
        if row.target == EXACT:
            assert row.transfer is None
        else:
            assert row.transfer == Proportion(len(both - right[row.target, "attacked"]), len(both))
    settings = json.loads(results.to_json())["settings"]
    assert settings["model"] == "lenet5 (lenet5-digits)"
    assert (settings["data"], settings["seed"], settings["samples"]) == ("digits test", 5, 24)
    assert settings["attacks"]["pgd:eps=0.1,steps=10"]["eps"] == 0.1
    assert settings["weights_sha256"] == checkpoint.weights_digest(module)


def test_ax_fpm_raises_confidence(digits):
    # Products come out larger by 1.4 on average, so logits grow from layer to layer.
    results = evaluate("lenet5-digits", *digits, attacks=(), control=None)
    exact, approximated = (row.confidence for row in results.clean)
    assert exact is not None
    assert approximated is not None
    assert approximated > exact
    assert results.attacks == ()
    assert "transfer" not in results.table()


def test_interruption_loses_one_job(tiny, monkeypatch):
    done = []
    execute = jobs.perform

    def count(i, work, arguments):
        done.append(work.__name__)
        return execute(i, work, arguments)

    monkeypatch.setattr(jobs, "perform", count)
    whole = evaluate(*tiny, attacks="fgsm:eps=0.1", cache=False)
    expected = sorted(done)
    # Clean, then shown the examples: the exact model, the multiplier, the control.
    assert len(expected) == 3 + 1 + 3

    calls = []

    def interrupt(*step):
        calls.append(step)
        if len(calls) == 5:
            raise KeyboardInterrupt

    done.clear()
    with pytest.raises(KeyboardInterrupt):
        evaluate(*tiny, attacks="fgsm:eps=0.1", progress=interrupt)
    assert len(done) == 5
    seen = []
    again = evaluate(*tiny, attacks="fgsm:eps=0.1", progress=lambda *step: seen.append(step))
    assert sorted(done) == expected
    assert len(seen) == len(expected)
    shares = [part for part, _, _ in seen]
    assert shares == sorted(shares)
    assert seen[-1][0] == seen[-1][1]
    assert again.to_json() == whole.to_json()
    assert evaluate(*tiny, attacks="fgsm:eps=0.1").to_json() == whole.to_json()
    assert len(done) == len(expected)


def test_changed_weights_are_not_mistaken(tiny):
    model, images, labels = tiny
    first = evaluate(model, images, labels, attacks=())
    other = copy.deepcopy(model)
    with torch.no_grad():
        next(other.parameters()).neg_()
    assert evaluate(other, images, labels, attacks=()).clean != first.clean


def test_processes_agree(tiny):
    alone = evaluate(*tiny, attacks="fgsm:eps=0.1", cache=False)
    assert evaluate(*tiny, attacks="fgsm:eps=0.1", cache=False, jobs=2).to_json() == alone.to_json()


def test_model_is_left_alone(tiny):
    model, images, labels = tiny
    model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    evaluate(model, torch.from_numpy(images), torch.from_numpy(labels), attacks="pgd:eps=0.1,steps=2")
    assert model.training
    assert all(p.grad is None for p in model.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_several_multipliers_and_the_control_once(tiny):
    results = evaluate(*tiny, multiplier=["e8m2", "mitchell", "mitchell"], attacks=())
    assert [row.target for row in results.clean] == [EXACT, "mitchell", "e8m2"]
    results = evaluate(*tiny, multiplier="e8m2", attacks=(), control=None)
    assert [(row.target, row.control) for row in results.clean] == [(EXACT, False), ("e8m2", False)]


@pytest.mark.filterwarnings("ignore::golden.pytorch.GradientMaskingWarning")
def test_a_threat_model_from_outside(tiny, monkeypatch):
    def on_the_target(model, device, knowledge):
        assert torch.equal(knowledge.images, torch.from_numpy(tiny[1]))
        return device.attacked()

    monkeypatch.setattr(threats, "THREAT_MODELS", Registry("threat model", {}))
    threats.register_threat_model(threats.ThreatModel("on-target", on_the_target, False, "gradients of the target"))
    results = evaluate(*tiny, attacks="fgsm:eps=0.2", threat_models="on-target")
    assert [(row.threat_model, row.target) for row in results.attacks] == [
        ("on-target", EXACT),
        ("on-target", "ax-fpm"),
        ("on-target", "e8m2"),
    ]
    for row in results.attacks:
        # Source and target are the same model: what is adversarial on one is on the other.
        assert row.transfer is not None
        assert row.transfer.k == row.transfer.n == row.source_success.k > 0


def _call(**changes):
    arguments = {
        "model": nn.Sequential(nn.Flatten(), nn.Linear(16, 3)),
        "x": np.full((5, 1, 4, 4), 0.5, np.float32),
        "y": np.zeros(5, np.int64),
        "attacks": (),
    } | changes
    return evaluate(arguments.pop("model"), arguments.pop("x"), arguments.pop("y"), **arguments)


def _with(value):
    images = np.full((5, 1, 4, 4), 0.5, np.float32)
    images[3, 0, 1, 2] = value
    return images


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"multiplier": "ax-fmp"}, "unknown multiplier 'ax-fmp'"),
        ({"multiplier": []}, "no multiplier named"),
        ({"control": "e8m99"}, "unknown multiplier 'e8m99'"),
        ({"attacks": "fgms"}, "unknown attack 'fgms'"),
        ({"attacks": "fgsm", "threat_models": "grey-box"}, "unknown threat model 'grey-box'; choose from twin, aware"),
        ({"jobs": 0}, "jobs=0 is too small; give at least 1"),
        ({"jobs": 10**8}, "jobs=100000000 is too large; give at most 256, a process each"),
        ({"seed": -1}, "seed=-1 is too small; give at least 0"),
        (
            {"x": np.zeros((0, 1, 4, 4), np.float32), "y": np.zeros(0, np.int64)},
            "there are zero samples; give",
        ),
        ({"x": np.zeros((5, 16), np.float32)}, r"images of shape \(5, 16\) are not \(N, C, H, W\)"),
        ({"x": np.zeros((5, 1, 5, 5), np.float32)}, r"the model does not take images of shape \(1, 5, 5\): "),
        ({"x": _with(np.nan)}, "image 3 has a pixel that is NaN or infinite"),
        ({"x": _with(np.inf)}, "image 3 has a pixel that is NaN or infinite"),
        ({"x": _with(255)}, r"pixels run from 0.5 to 255; scale them to \[0, 1\]"),
        ({"y": np.zeros(4, np.int64)}, r"5 images need labels of shape \(5,\), not \(4,\)"),
        ({"y": np.full(5, 3)}, "labels run from 3 to 3 and the model has 3 classes; give labels from 0 to 2"),
        ({"y": np.full(5, -1)}, "labels run from -1 to -1"),
        ({"model": nn.Flatten(0)}, r"the model gives \(80,\) for 5 images; logits \(N, classes\) are needed"),
        ({"model": "lenet5-digit"}, "no checkpoint 'lenet5-digit'"),
    ],
)
def test_wrong_values(changes, message):
    with pytest.raises(InvalidInput, match=message):
        _call(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": np.zeros}, "a model is a torch.nn.Module or a checkpoint's name, not"),
        ({"x": np.zeros((5, 1, 4, 4))}, "images are an array or tensor of float32, not an array of float64"),
        ({"x": [[0.0]], "y": np.zeros(1, np.int64)}, "not list"),
        ({"y": np.zeros(5)}, "labels are an array or tensor of integers, not an array of float64"),
        ({"y": [0, 0, 0, 0, 0]}, "labels are an array or tensor of integers, not list"),
    ],
)
def test_wrong_types(changes, message):
    with pytest.raises(InvalidType, match=message):
        _call(**changes)


def test_results_are_frozen(tiny):
    results = evaluate(*tiny, attacks=())
    with pytest.raises(dataclasses.FrozenInstanceError):
        results.clean = ()  # type: ignore[misc]


def test_layers_reach_the_door(tiny):
    # Nothing on the multiplier: every row is the exact model's.
    results = evaluate(*tiny, attacks="fgsm:eps=0.2", layers=lambda _name, _module: False, control=None)
    assert results.clean[1].confidence == results.clean[0].confidence
    assert results.attacks[1].robust_accuracy == results.attacks[0].robust_accuracy
    assert results.settings["layers"] == "chosen"
    assert evaluate(*tiny, attacks=(), control=None).clean[1].confidence != results.clean[0].confidence


def test_two_multipliers_of_one_name_are_refused(tiny):
    model, images, labels = tiny
    same = [Multiplier(FP32, Function("mine", f)) for f in (lambda a, b, p: a * b, lambda a, b, p: a | b)]
    with pytest.raises(InvalidInput, match="two of these multipliers have the same name; give each one of its own"):
        evaluate(model, images, labels, multiplier=same, attacks=())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch has no GPU here")
def test_on_a_gpu(digits):
    """Clean classes are the CPU's, examples about as strong; a model that is there is evaluated there."""
    images, labels = digits
    found = {
        where: evaluate("lenet5-digits", images, labels, attacks="pgd:eps=0.1", threat_models="white-box", device=where)
        for where in ("cpu", "cuda")
    }
    assert "gpu" not in found["cpu"].settings
    assert found["cuda"].settings["gpu"] == torch.cuda.get_device_name()
    for a, b in zip(found["cpu"].clean, found["cuda"].clean, strict=True):
        assert (a.target, a.accuracy, a.agreement) == (b.target, b.accuracy, b.agreement)
    for a, b in zip(found["cpu"].attacks, found["cuda"].attacks, strict=True):
        assert abs(a.robust_accuracy.k - b.robust_accuracy.k) <= 4
    again = evaluate(
        checkpoint.load("lenet5-digits")[0].cuda(), images, labels, attacks="pgd:eps=0.1", threat_models="white-box"
    )
    assert [row.robust_accuracy for row in again.attacks] == [row.robust_accuracy for row in found["cuda"].attacks]


@pytest.mark.parametrize(
    "device",
    ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here"))],
)
def test_every_threat_model_in_one_process_and_in_two(digits, device, monkeypatch):
    """The same numbers; on a GPU, which two processes share, from the passes as they are and from their replays."""
    images, labels = (part[:12] for part in digits)
    settings = {
        "attacks": ["pgd:eps=0.1,steps=5", "square:eps=0.1,queries=20", "gaussian-noise"],
        "threat_models": ["twin", "aware", "proxy:epochs=1", "query", "white-box", "corruption"],
        "fit": data.load("digits", "train")[0][:64],
        "control": None,
        "device": device,
        "cache": False,
    }
    used = used_recordings(monkeypatch)
    one = evaluate("lenet5-digits", images, labels, **settings)
    assert any(used) == (device == "cuda")
    assert {row.threat_model.partition(":")[0] for row in one.attacks} == {
        "twin", "aware", "proxy", "query", "white-box", "corruption",
    }  # fmt: skip
    two = evaluate("lenet5-digits", images, labels, **settings, jobs=2)
    assert two.clean == one.clean and two.attacks == one.attacks


def test_a_model_elsewhere_is_not_sent_to_other_machines(tiny):
    """A GPU's model; here it stands on a device that any machine has."""
    model, images, labels = tiny
    with pytest.raises(InvalidInput, match="the backend dask evaluates on CPUs; leave out the device meta"):
        evaluate(copy.deepcopy(model).to("meta"), images, labels, backend="dask", scheduler="tcp://127.0.0.1:1")
