"""Architectures: layers, sizes, the registry."""

import dataclasses

import pytest
import torch
from torch import nn

from golden.cnn import data, models
from golden.errors import InvalidInput


def test_lenet5_shapes():
    model = models.build("lenet5")
    shapes = [tuple(p.shape) for name, p in model.named_parameters() if name.endswith("weight")]
    assert shapes == [(6, 1, 5, 5), (16, 6, 5, 5), (120, 400), (84, 120), (10, 84)]
    assert sum(p.numel() for p in model.parameters()) == 61706  # the classic count with full conv2 connections
    # 28*28*6*25 + 10*10*16*150 + 400*120 + 120*84 + 84*10
    assert models.macs(model, torch.zeros(1, 28, 28)) == 117600 + 240000 + 48000 + 10080 + 840
    assert model(torch.zeros(3, 1, 28, 28)).shape == (3, 10)


def test_lenet5_pads_by_two():
    # A single bright corner pixel reaches conv1's output only through padding of at least 2 at (0, 0) and its kernel.
    model = models.build("lenet5")
    with torch.no_grad():
        padded = torch.nn.functional.pad(torch.rand(1, 1, 28, 28), (2, 2, 2, 2))
        same = torch.nn.functional.conv2d(padded, model.conv1.weight, model.conv1.bias)  # type: ignore[arg-type]
        assert torch.allclose(model.conv1(padded[:, :, 2:-2, 2:-2]), same, atol=1e-6)  # type: ignore[operator]


def test_unknown_model():
    with pytest.raises(
        InvalidInput, match=r"unknown model 'lenet'; did you mean lenet5 or alexnet or da-lenet\? \(package"
    ):
        models.build("lenet")


def test_register_model(monkeypatch):
    monkeypatch.setattr(models.MODELS, "_entries", dict(models.MODELS))
    mine = dataclasses.replace(models.MODELS["lenet5"], name="mine")
    assert models.register_model(mine) is mine
    assert models.build("mine")(torch.zeros(1, 1, 28, 28)).shape == (1, 10)
    with pytest.raises(InvalidInput, match="another model is already named 'mine'"):
        models.register_model(dataclasses.replace(mine, classes=3))


def test_the_former_name():
    assert models.MODELS["da-lenet"] is models.MODELS["guesmi2021"]
    assert models.look_up("da-lenet").name == models.canonical("da-lenet") == "guesmi2021"
    assert models.canonical("mine") == "mine"
    assert isinstance(models.build("da-lenet"), models.DefensiveLeNet)


@pytest.mark.parametrize("name", [*models.MODELS, "drawing"])
def test_build_draws_once_and_trains(name, monkeypatch):
    monkeypatch.setitem(
        models.MODELS._entries, "drawing", models.Model("drawing", Drawing, (1, 28, 28), 10, "random logits")
    )
    # The forward pass that checks a model leaves no trace: generator, mode and parameters are as without it.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        plain = models.MODELS[name].build()
        state = torch.get_rng_state()
        torch.manual_seed(3)
        built = models.build(name)
        assert torch.equal(torch.get_rng_state(), state)
    assert built.training
    assert all(torch.equal(tensor, plain.state_dict()[key]) for key, tensor in built.state_dict().items())


class Small(nn.Module):
    """Four numbers of an image to 10 logits."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 10)

    def forward(self, x):
        return self.linear(x.flatten(1)[:, :4])


class Drawing(Small):
    def forward(self, x):
        return super().forward(x) + torch.rand(1)


class TwoResults(Small):
    def forward(self, x):
        return super().forward(x), x


class Double(Small):
    def forward(self, x):
        return super().forward(x).double()


class Squeezed(Small):
    def forward(self, x):
        return super().forward(x)[0]


class Raising(Small):
    def forward(self, x):
        return self.linear(x)


class Remembering(Small):
    def get_extra_state(self):
        return "yesterday"


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (Raising, r"model 'mine', given 2 images of \(1, 28, 28\), raises an error \(RuntimeError: mat1 and mat2"),
        (TwoResults, r"given 2 images of \(1, 28, 28\), returns a tuple, not float32 logits; mend it"),
        (Double, r"returns torch.float64, not float32 logits"),
        (Squeezed, r"returns logits of shape \(10,\), not \(2, 10\)"),
        (Remembering, r"model 'mine' keeps a str in its state at '_extra_state'; mend it"),
    ],
)
def test_a_model_that_is_not_what_it_says(monkeypatch, factory, message):
    monkeypatch.setitem(models.MODELS._entries, "mine", models.Model("mine", factory, (1, 28, 28), 10, "four pixels"))
    with pytest.raises(InvalidInput, match=message):
        models.build("mine")


def test_the_data_set_decides_shape_and_classes():
    model = models.look_up("torch.nn:Identity", data.DATASETS["cifar10"])
    assert (model.name, model.input_shape, model.classes) == ("torch.nn:Identity", (3, 32, 32), 10)
    with pytest.raises(InvalidInput, match=r"returns logits of shape \(2, 3, 32, 32\), not \(2, 10\)"):
        models.build(model)
    with pytest.raises(InvalidInput, match=r"does not say which images it takes; name a data set with --data"):
        models.look_up("torch.nn:Identity")
    with pytest.raises(
        InvalidInput, match=r"model 'lenet5' takes images of \(1, 28, 28\) and 10 classes, 'cifar10' has"
    ):
        models.look_up("lenet5", data.DATASETS["cifar10"])
