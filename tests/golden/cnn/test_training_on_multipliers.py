"""Training on a multiplier: forward passes bit for bit, from fresh or trained parameters, and after a kill."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from golden.cnn import checkpoint, data
from golden.cnn.checkpoint import weights_digest
from golden.cnn.training import count_correct, train
from golden.errors import InvalidInput
from golden.pytorch import ApproximateModule, approximate

ROOT = Path(__file__).parents[3]
IMAGES = 96


def few(monkeypatch):
    images, labels = data.load("digits", "train")
    dataset = data.DataSet("digits", lambda _split: (images[:IMAGES], labels[:IMAGES]), (1, 28, 28), 10, "96 digits")
    monkeypatch.setitem(data.DATASETS._entries, "digits", dataset)


@pytest.fixture
def small(monkeypatch):
    """The digits, but few of them."""
    few(monkeypatch)


@pytest.mark.parametrize("adversarial", [None, 0.1])
@pytest.mark.parametrize("name", ["ax-fpm", "e8m1"])
def test_every_forward_pass_is_on_the_multiplier(small, monkeypatch, name, adversarial):
    from golden.pytorch import gradients

    seen, exact = set(), []
    original = gradients.contract

    def spy(operation, x, w, bias, rule):
        seen.add((str(rule.multiplier), rule.gradient, rule.compute, rule.accumulate))
        return original(operation, x, w, bias, rule)

    for module in ("matrices", "convolutions"):
        monkeypatch.setattr(f"golden.pytorch.{module}.contract", spy)
    monkeypatch.setattr("golden.cnn.training.count_correct", lambda module, *_: exact.append(type(module)) or 1)
    _, provenance = train(epochs=1, multiplier=name, gradient="straight-through", adversarial=adversarial)
    assert seen == {(name, "straight-through", "multiplier", "float32")}
    assert provenance.settings["multiplier"] == name
    assert provenance.settings["gradient"] == "straight-through"
    assert exact[1] is ApproximateModule
    assert exact[0] is not ApproximateModule


def test_a_step_is_that_of_a_loop_with_the_context(small):
    # One batch, by hand: the optimiser, the schedule and the order of the images are those of the run.
    images, labels = (torch.from_numpy(part) for part in data.load("digits", "train"))
    batch = 32
    trained, provenance = train(epochs=1, multiplier="ax-fpm", start="lenet5-digits", seed=4)
    own, _ = checkpoint.load("lenet5-digits")
    own.train()
    torch.manual_seed(int(np.random.SeedSequence([4, 0]).generate_state(1)[0]))
    order = torch.randperm(len(images))
    optimiser = torch.optim.Adam(own.parameters(), lr=float(provenance.settings["peak"]))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=float(provenance.settings["peak"]), epochs=1, steps_per_epoch=IMAGES // batch
    )
    for chosen in order.split(batch):
        with approximate("ax-fpm"):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(own(images[chosen]), labels[chosen]).backward()
            optimiser.step()
            schedule.step()
    assert weights_digest(own) == weights_digest(trained)


def test_accuracy_on_the_multiplier(small, tmp_path):
    output = tmp_path / "a.safetensors"
    module, provenance = train(epochs=2, multiplier="ax-fpm:block=2", output=output)
    assert provenance.correct_on == {
        "ax-fpm:block=2": count_correct(ApproximateModule(module, "ax-fpm:block=2"), *data.load("digits"))
    }
    assert provenance.correct == count_correct(module, *data.load("digits"))
    assert checkpoint.load(output)[1] == provenance
    assert weights_digest(module) != weights_digest(train(epochs=2)[0])


def test_fine_tuning_begins_with_what_it_is_given(small, tmp_path):
    start, before = checkpoint.load("lenet5-digits-seed1")
    module, provenance = train(start="lenet5-digits-seed1", learning_rate=1e-12)
    assert (provenance.model, provenance.data, provenance.epochs) == ("lenet5", "digits", 1)
    assert provenance.settings["from"].startswith("lenet5 (lenet5-digits-seed1), ")
    assert provenance.settings["from"].endswith(weights_digest(start)[:12])
    assert provenance.correct_on == {}
    for a, b in zip(start.parameters(), module.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-9)
    assert provenance.seed == 0 != before.seed
    again, _ = train(start=checkpoint.path_of("lenet5-digits-seed1"), model="lenet5", data="digits", learning_rate=0.1)
    assert weights_digest(again) != weights_digest(module)


KILLED = """
import os, signal, sys
import torch
torch.set_num_threads(int(sys.argv[2]))
sys.path.insert(0, {folder!r})
from _pytest.monkeypatch import MonkeyPatch
from test_training_on_multipliers import few, train
few(MonkeyPatch())

def progress(done, total, message):
    if done == 7:  # in the third epoch
        os.kill(os.getpid(), signal.SIGKILL)

train(output=sys.argv[1], progress=progress, **{arguments!r})
"""


@pytest.mark.parametrize(
    "arguments",
    [
        {"epochs": 3, "multiplier": "ax-fpm"},
        {"epochs": 3, "multiplier": "e8m1", "gradient": "masked", "adversarial": 0.1, "start": "lenet5-digits"},
    ],
    ids=["fresh", "adversarial and trained"],
)
def test_a_killed_run_ends_as_one_never_stopped(small, tmp_path, arguments):
    whole, provenance = train(**arguments)
    output = tmp_path / "a.safetensors"
    code = KILLED.format(folder=str(Path(__file__).parent), arguments=arguments)
    command = [sys.executable, "-c", code, str(output), str(torch.get_num_threads())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors.training"]
    seen = []
    resumed, stored = train(**arguments, output=output, progress=lambda *step: seen.append(step))
    assert seen[0] == (6, 9, "taken up after epoch 2")
    assert weights_digest(resumed) == weights_digest(whole)
    assert stored == provenance == checkpoint.load(output)[1]
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize("multiplier", [None, "ax-fpm"])
def test_a_training_that_diverges_loses_nothing(small, tmp_path, multiplier):
    output = tmp_path / "a.safetensors"
    settings = {"multiplier": multiplier, "output": output, "start": "lenet5-digits"}
    train(**settings)
    before = output.read_bytes()
    on = "" if multiplier is None else " on ax-fpm"
    sentence = rf"^training{on} diverged in epoch 1, where .+ (nan|inf|infinity); give a learning rate below 1e\+30$"
    with pytest.raises(InvalidInput, match=sentence):
        train(**settings, learning_rate=1e30)
    assert output.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_a_last_step_that_diverges_is_noticed(small, tmp_path, monkeypatch):
    # No loss is computed behind it.
    class Last(torch.optim.SGD):
        steps = 0

        def step(self, *arguments, **named):
            self.steps += 1
            if self.steps == 3:
                self.param_groups[0]["params"][0].data.fill_(float("inf"))

    monkeypatch.setattr("golden.cnn.training.OPTIMISERS", {"adam": Last})
    with pytest.raises(InvalidInput, match=r"diverged in epoch 1, where conv1\.weight has NaN or infinity; give a"):
        train(start="lenet5-digits", output=tmp_path / "a")
    assert [*tmp_path.iterdir()] == []
