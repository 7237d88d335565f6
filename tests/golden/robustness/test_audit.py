"""The audit as a whole: its rows, its refusals, no false alarm, and planted defences by all checks."""

import json
import os
from pathlib import Path

import numpy as np
import planted
import pytest
import torch

import axfpm
from golden.cnn import checkpoint, data
from golden.errors import InvalidInput, InvalidType
from golden.pytorch import ApproximateModule
from golden.robustness.audit.case import default_eps
from golden.robustness.audit.checks import CHECKS

MNIST = Path(os.environ.get("AXFPM_DATA", "none")) / "mnist"
NEEDS_MNIST = pytest.mark.skipif(not MNIST.is_dir(), reason="no MNIST in the folder AXFPM_DATA")
CIFAR10 = Path(os.environ.get("AXFPM_DATA", ""), "cifar-10-batches-py", "test_batch")
NEEDS_CIFAR10 = pytest.mark.skipif(not CIFAR10.is_file(), reason="no CIFAR-10 in the folder AXFPM_DATA")


@pytest.fixture(scope="module")
def lenet5():
    return checkpoint.load("lenet5-digits")[0]


@pytest.fixture(scope="module")
def digits():
    images, labels = data.load("digits", "test")
    return images[:12], labels[:12]


@pytest.fixture(scope="module")
def audited(lenet5, digits):
    return axfpm.audit(lenet5, *digits, eps=0.05)


def test_rows(audited):
    assert [row.name for row in audited.checks] == list(CHECKS)
    assert {row.group for row in audited.checks} == {"masking", "robustness"}
    assert audited.masked == ()
    for row in audited.to_dict()["checks"]:
        assert sorted(row) == ["evidence", "group", "name", "status"]
        assert sorted(row["evidence"]) == ["more", "numbers", "summary", "tolerance"]
        assert row["evidence"]["more"].startswith("axfpm.")
        assert row["status"] == "not applicable" or row["evidence"]["tolerance"]
    assert json.loads(audited.to_json()) == audited.to_dict()


def test_table(audited):
    text = audited.table(width=100)
    assert max(map(len, text.splitlines())) <= 100
    assert "LeNet5: 12 images, 12 classified correctly; linf 0.05 (as given), seed 0" in text
    assert all(name in text for name in CHECKS)
    assert text.endswith("No sign that the standard attack is misled.\n")


def test_the_same_again_and_the_model_is_left_alone(lenet5, digits, audited):
    state = {name: value.clone() for name, value in lenet5.state_dict().items()}
    generator = torch.get_rng_state()
    lenet5.train()
    try:
        x, y = (torch.from_numpy(part) for part in digits)
        assert axfpm.audit(lenet5, x, y, eps=0.05).to_json() == audited.to_json()
        assert lenet5.training
    finally:
        lenet5.eval()
    assert torch.equal(torch.get_rng_state(), generator)
    assert all(torch.equal(value, state[name]) for name, value in lenet5.state_dict().items())


@pytest.mark.long
def test_on_a_multiplier_in_l2(lenet5, digits):
    images, labels = digits[0][:4], digits[1][:4]
    seen = []
    found = axfpm.audit(
        planted.hot(lenet5),
        images,
        labels,
        multiplier="ax-fpm",
        norm="l2",
        name="hot",
        command="--data digits",
        progress=lambda *step: seen.append(step),
    )
    assert [message for _, _, message in seen] == list(CHECKS)
    settings = found.to_dict()["settings"]
    assert (settings["model"], settings["multiplier"], settings["norm"]) == ("hot", "ax-fpm", "l2")
    assert settings["eps"] == pytest.approx(1.3)
    assert settings["eps_from"] == "default for images of one channel"
    assert found["zero gradients"].status == "fail"
    assert "axfpm evaluate --data digits --seed 0 --threat-models white-box --attacks pgd-l2:eps=1.3" in found.table()
    assert "Not to be trusted: zero gradients" in found.table()
    assert found["transfer"].status != "not applicable"


@pytest.mark.parametrize(
    ("norm", "shape", "eps"),
    [
        ("linf", (1, 28, 28), 0.1),
        ("l2", (1, 28, 28), 1.3),
        ("l2", (1, 14, 14), 0.65),
        ("linf", (3, 32, 32), 8 / 255),
        ("l2", (3, 32, 32), 0.5),
    ],
)
def test_budgets_by_the_kind_of_images(norm, shape, eps):
    assert default_eps(norm, shape)[0] == pytest.approx(eps)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"norm": "l1"}, InvalidInput, "unknown norm 'l1'"),
        ({"eps": 0.0}, InvalidInput, "eps=0.0 is too small; give more than 0"),
        ({"eps": 1.5}, InvalidInput, "eps=1.5 is more than the range of a pixel"),
        ({"seed": -1}, InvalidInput, "seed=-1 is too small"),
        ({"multiplier": "ax-fmp"}, InvalidInput, "did you mean ax-fpm"),
        ({"x": np.zeros((0, 1, 28, 28), np.float32)}, InvalidInput, "zero samples"),
        ({"x": np.zeros((2, 1, 28, 28))}, InvalidType, "array of float64"),
        ({"x": np.zeros((2, 3, 9, 9), np.float32)}, InvalidInput, "does not take images of shape"),
        ({"y": np.array([3, 10])}, InvalidInput, "the model has 10 classes"),
        ({"model": "lenet5"}, InvalidType, "a model is a torch.nn.Module, not str"),
    ],
)
def test_refused(lenet5, digits, change, error, message):
    given = {"model": lenet5, "x": digits[0][:2], "y": digits[1][:2]} | change
    with pytest.raises(error, match=message):
        axfpm.audit(given.pop("model"), given.pop("x"), given.pop("y"), **given)


def test_a_model_that_brings_its_multiplier(lenet5, digits):
    module = ApproximateModule(lenet5, "bf16")
    with pytest.raises(InvalidInput):
        axfpm.audit(module, *digits, multiplier="ax-fpm")


HONEST = ("exact", "pgd", "bf16")
CASES = [
    *(pytest.param("mnist", seed, kind, "linf", marks=NEEDS_MNIST) for seed in range(3) for kind in HONEST),
    *(("digits", 0, kind, "l2") for kind in HONEST),
    *(pytest.param("cifar10", seed, "exact", "linf", marks=NEEDS_CIFAR10) for seed in range(3)),
]


@pytest.mark.long
@pytest.mark.parametrize(("name", "seed", "kind", "norm"), CASES)
def test_no_false_alarm(name, seed, kind, norm):
    variant = {"seed": 0, "variant": "pgd"} if kind == "pgd" else {"seed": seed}
    model = checkpoint.load(checkpoint.packaged(data.DATASETS[name].model, name, **variant))[0]
    images, labels = data.sample(*data.load(name, "test"), 60, seed)
    found = axfpm.audit(model, images, labels, multiplier="bf16" if kind == "bf16" else None, norm=norm, seed=seed)
    assert found.masked == (), found.table()


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::golden.errors.AxfpmWarning")  # no first layer can be found behind noise
@pytest.mark.parametrize(
    ("make", "reasons"),
    [
        (planted.hot, {"zero gradients", "temperature"}),
        (lambda model: planted.ripple(model, -50), {"finite differences"}),
        (lambda model: planted.rounding(model, 16), {"zero gradients", "finite differences", "unbounded"}),
        (planted.no_gradient, {"zero gradients", "finite differences", "unbounded", "square"}),
        (planted.noisy, {"random outputs"}),
        (planted.rounding, {"zero gradients", "square"}),
        (lambda model: planted.batch_norm(model, training=True), {"batch dependence"}),
    ],
)
def test_planted_defences_fail(lenet5, make, reasons):
    images, labels = data.sample(*data.load("digits", "test"), 40, 0)
    found = axfpm.audit(make(lenet5), images, labels)
    assert {row.name for row in found.masked} >= reasons, found.table()
    assert ({row.name for row in found.masked} == reasons) or "batch dependence" not in reasons
