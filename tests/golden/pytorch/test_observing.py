"""The first layer of a model, its products, and the weights that a multiplier would take."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrize

from golden.errors import InvalidInput, InvalidType
from golden.pytorch import ApproximateModule, approximate
from golden.pytorch.observing import first_layer, multiplied, multiplied_weights

IMAGES = torch.rand(3, 2, 6, 6, generator=torch.Generator().manual_seed(1))


class Normalised(nn.Module):
    """Preprocessing, then layers that were made in another order than they run in."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(4, 3)
        self.norm = nn.BatchNorm2d(2)
        self.stem = nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(2, 4, 3))

    def forward(self, x):
        x = functional.interpolate(self.norm((x - 0.5) / 0.25), scale_factor=2, mode="bilinear")
        return self.last(self.stem(x).mean((2, 3)))


class Own(nn.Module):
    """A layer of one's own."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(4, 2, 3, 3))

    def forward(self, x):
        return functional.conv2d(x, self.weight)


class Plain(nn.Module):
    """A first product without a layer."""

    def __init__(self):
        super().__init__()
        self.kernel = nn.Parameter(torch.rand(4, 2, 3, 3))
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(functional.conv2d(x, self.kernel).mean((2, 3)))


class Doubled(nn.Module):
    def forward(self, x):
        return 2 * x


def computed() -> Any:
    layer = nn.Conv2d(2, 4, 3)
    parametrize.register_parametrization(layer, "weight", Doubled())
    return nn.Sequential(layer)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (Normalised(), "stem.1"),
        (nn.Sequential(nn.Flatten(), nn.Linear(72, 3)), "1"),
        (nn.Sequential(nn.Flatten(1, 2), nn.Conv1d(12, 3, 2)), "1"),
        (nn.Conv2d(2, 4, 3), ""),
        (nn.Sequential(nn.Identity(), Own()), "1"),
        (computed(), "0"),
        (nn.Sequential(nn.ConvTranspose2d(2, 3, 2), nn.Conv2d(3, 3, 2)), "1"),  # the first that multipliers cover
    ],
)
def test_the_first_layer(model, name):
    model.train()
    state = {key: value.clone() for key, value in model.state_dict().items()}
    with approximate("bf16"):
        found = first_layer(model, IMAGES)
    assert found.name == name and found.module is model.get_submodule(name)
    module: Any = found.module
    assert torch.equal(found.weight, module.weight)
    assert model.training and all(torch.equal(state[key], value) for key, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (
            nn.Sequential(nn.Flatten(), nn.ReLU()),
            InvalidInput,
            "the model has no first layer: nothing that it computes",
        ),
        (Plain(), InvalidInput, "first product is computed in 'Plain', which is no layer with a weight; make it a mod"),
        (nn.Sequential(nn.Identity(), Plain()), InvalidInput, "first product is computed in '1', which is no layer"),
        (ApproximateModule(Own(), "bf16"), InvalidInput, "the model holds an ApproximateModule or a part of one"),
        (functional.relu, InvalidType, r"a model is a torch\.nn\.Module, not function"),
    ],
)
def test_no_first_layer(model, error, message):
    with pytest.raises(error, match=message):
        first_layer(model, IMAGES)


def test_weights_in_order_of_use_and_as_products_see_them():
    model = Normalised()
    found = multiplied_weights(model, IMAGES)
    assert [weight.name for weight in found] == ["stem.1.weight", "last.weight"]
    assert [weight.operand.shape[weight.output] for weight in found] == [4, 3]  # channels, features
    for weight in found:
        weight.operand.zero_()
        assert not model.get_parameter(weight.name).any()
    shared = nn.Linear(4, 4)
    twice = nn.Sequential(nn.Conv2d(2, 4, 6), nn.Flatten(), shared, shared)
    assert [weight.name for weight in multiplied_weights(twice, IMAGES)] == ["0.weight", "2.weight"]
    line = nn.Sequential(nn.Flatten(1, 2), nn.Conv1d(12, 3, 2))
    (weight,) = multiplied_weights(line, IMAGES)
    assert weight.operand.shape[weight.output] == 3


@pytest.mark.parametrize("model", [nn.Flatten(), computed()])
def test_no_weights(model):
    with pytest.raises(InvalidInput, match="no product that a multiplier covers has a parameter of the model as its"):
        multiplied_weights(model, IMAGES)


def test_products_with_the_operands_that_they_have_on_a_multiplier():
    torch.manual_seed(3)
    model = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
    for name in ("exact", "ax-fpm"):
        first, second = multiplied(model, IMAGES, name)
        assert (first.name, second.name) == ("0", "3")
        assert torch.equal(first.x, IMAGES)
        assert torch.equal(first.w, model[0].get_parameter("weight"))
        # What the second product has to multiply is what the first one gave on that multiplier, bit for bit.
        with torch.no_grad():
            before = ApproximateModule(model[:3], name)(IMAGES)
        assert torch.equal(second.x, before)
        assert (second.x == 0).any()
        assert second.operation.macs(second.x, second.w) == 3 * 144 * 3
    assert not torch.equal(multiplied(model, IMAGES)[1].x, second.x)
    with pytest.raises(InvalidInput, match="unknown multiplier"):
        multiplied(model, IMAGES, "ax-fpn")


def test_products_are_copies():
    model = nn.Linear(4, 3)
    (product,) = multiplied(model, torch.ones(2, 4))
    with torch.no_grad():
        model.weight.zero_()
    assert product.w.abs().sum() > 0
