"""Inflated logits hide gradients: the temperature that divides them, and the warning where they do."""

import collections
import copy
import dataclasses
import gc
import math
import pickle
import warnings
import weakref
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

import axfpm
from golden.cnn import checkpoint as checkpoints, data
from golden.errors import InvalidInput, InvalidType
from golden.pytorch import ApproximateModule, GradientMaskingWarning, approximate, surrogate, temperature
from golden.robustness.attacks import attack


@pytest.fixture(scope="module")
def digits():
    model, _ = checkpoints.load("lenet5-digits")
    images, labels = data.load("digits")
    return model.eval(), images[:64], labels[:64]


class Pair(nn.Module):
    def forward(self, x):
        return x, x


def net(scale=1.0) -> Any:
    torch.manual_seed(3)
    model: Any = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    with torch.no_grad():
        model[2].weight.mul_(scale)
    return model


X = torch.rand(5, 6, generator=torch.Generator().manual_seed(1))
Y = torch.zeros(5, dtype=torch.long)


def test_it_is_the_least_squares_factor(digits):
    model, images, _ = digits
    x = torch.from_numpy(images)
    with torch.no_grad():
        exact, approximated = model(x).numpy(), ApproximateModule(model, "ax-fpm")(x).numpy()
    factor = np.linalg.lstsq(exact.reshape(-1, 1), approximated.reshape(-1), rcond=None)[0][0]
    assert axfpm.temperature(model, "ax-fpm", images) == pytest.approx(factor, rel=1e-5)
    assert 5 < factor < 8
    assert temperature(model, "ax-fpm", x) == temperature(ApproximateModule(model, "bf16"), "ax-fpm", images)
    assert temperature(model, "exact", images) == pytest.approx(1, abs=1e-5)
    with approximate("bf16"):
        assert temperature(model, "ax-fpm", x) == axfpm.temperature(model, "ax-fpm", images)
    partly = ApproximateModule(model, "ax-fpm", layers={"": None})
    assert temperature(partly, "ax-fpm", images) == 1


def test_batches_add_up_and_the_model_is_left_as_it_was():
    model: Any = nn.Sequential(nn.Dropout(0.5), net(), nn.BatchNorm1d(3)).train()
    model[0].eval()
    x = torch.rand(150, 6)
    before = copy.deepcopy(model.state_dict())
    found = temperature(model, "ax-fpm", x)
    assert [module.training for module in (model, model[0], model[1])] == [True, False, True]
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), before.values(), strict=True))
    model.eval()
    with torch.no_grad():
        exact, approximated = model(x).double(), ApproximateModule(model, "ax-fpm")(x).double()
    assert found == pytest.approx(float((exact * approximated).sum() / exact.square().sum()), rel=1e-12)
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize(
    ("model", "images", "error", "message"),
    [
        (functional.relu, X, InvalidType, r"a model is a torch\.nn\.Module, not function"),
        (net(), [[0.5] * 6], InvalidType, "images are an array or a tensor, not list"),
        (net(), X[:0], InvalidInput, "no images to fit"),
        (net(), X.double(), InvalidType, "dtype float64"),
        (net(0.0), X * 0, InvalidInput, "by least squares, which is no temperature"),
        (Pair(), X, InvalidType, "a tuple has no logits; return a tensor, or an object with logits"),
    ],
)
def test_what_has_no_temperature(model, images, error, message):
    if "least squares" in message:
        nn.init.zeros_(model[2].bias)
    with pytest.raises(error, match=message):
        temperature(model, "ax-fpm", images)


@pytest.mark.parametrize("make", [ApproximateModule, surrogate])
def test_logits_are_divided(make):
    model = net()
    plain, divided = make(model, "ax-fpm"), make(model, "ax-fpm", temperature=4)
    assert torch.equal(divided(X), plain(X) / 4) and torch.equal(divided(X).argmax(1), plain(X).argmax(1))
    assert (plain.temperature, divided.temperature) == (1.0, 4.0)
    assert "temperature=4" in repr(divided) and "temperature" not in repr(plain)
    for twin in (copy.deepcopy(divided), pickle.loads(pickle.dumps(divided))):
        assert torch.equal(twin(X), divided(X))
    divided.temperature = np.float32(2)
    assert torch.equal(divided(X), plain(X) / 2)
    for value, error, message in (
        (0, InvalidInput, "temperature=0 is too small; give more than 0"),
        (-1.0, InvalidInput, "temperature=-1"),
        (math.inf, InvalidInput, "temperature=inf is not finite; give more than 0"),
        (math.nan, InvalidInput, "temperature=nan"),
        ("4", InvalidType, "temperature is a number, not str"),
        (True, InvalidType, "temperature is a number, not bool"),
    ):
        with pytest.raises(error, match=message):
            make(model, "ax-fpm", temperature=value)
        with pytest.raises(error, match=message):
            divided.temperature = value
    assert divided.temperature == 2


def test_the_surrogate_takes_the_temperature_over():
    model = ApproximateModule(net(), "ax-fpm", temperature=4)
    assert surrogate(model).temperature == 4
    assert surrogate(model, temperature=2).temperature == 2
    assert surrogate(model.model).temperature == 1
    assert torch.equal(surrogate(model)(X), surrogate(model.model)(X) / 4)


class Output(SimpleNamespace):
    pass


def test_outputs_with_logits():
    class Model(nn.Module):
        loss: Any = None

        def __init__(self):
            super().__init__()
            self.net = net()

        def forward(self, x):
            self.made = Output(logits=self.net(x), hidden=x, loss=self.loss)
            return self.made

    model = Model()
    found = ApproximateModule(model, "ax-fpm", temperature=4)(X)
    assert torch.equal(found.logits, ApproximateModule(net(), "ax-fpm")(X) / 4) and found.hidden is X
    assert torch.equal(found.logits * 4, model.made.logits)
    assert temperature(model, "ax-fpm", X) == temperature(net(), "ax-fpm", X)
    model.loss = torch.tensor(1.0)
    with pytest.raises(
        InvalidInput,
        match="the Output that the model returns has a loss of the undivided ones; compute the loss outside",
    ):
        ApproximateModule(model, "ax-fpm", temperature=4)(X)
    with pytest.raises(InvalidInput, match="the tuple that the model returns has none; return a tensor"):
        ApproximateModule(Pair(), "ax-fpm", temperature=4)(X)


Logits = collections.namedtuple("Logits", "hidden logits")


@dataclasses.dataclass(frozen=True)
class Frozen:
    hidden: torch.Tensor
    logits: torch.Tensor


@pytest.mark.parametrize("made", [Logits, Frozen])
def test_outputs_that_cannot_be_written_to(made):
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net()

        def forward(self, x):
            return made(x, self.net(x))

    found = ApproximateModule(Named(), "ax-fpm", temperature=4)(X)
    assert type(found) is made and found.hidden is X
    assert torch.equal(found.logits, ApproximateModule(net(), "ax-fpm")(X) / 4)


@pytest.mark.parametrize("part", [lambda m: m, lambda m: m.get_submodule("0")])
def test_a_model_that_holds_an_approximate_module_is_not_exact(part):
    model = nn.Sequential(part(ApproximateModule(nn.Sequential(nn.Linear(6, 3)), "ax-fpm")))
    with pytest.raises(InvalidInput, match="holds an ApproximateModule or a part of one, whose logits are never exact"):
        temperature(model, "ax-fpm", X)


def input_gradient(model, loss=None, x=X):
    x = x.clone().requires_grad_()
    y = model(x)
    (grad,) = torch.autograd.grad(functional.cross_entropy(y, y.argmax(1)) if loss is None else loss(y), x)
    return grad


@pytest.mark.parametrize("make", [lambda m, **s: ApproximateModule(m, "ax-fpm", **s), surrogate])
@pytest.mark.parametrize("inside", [False, True])
def test_a_hidden_gradient_is_said_once(make, inside):
    model = make(net(1000.0))
    with pytest.warns(GradientMaskingWarning, match="for 5 of 5 inputs"):
        if inside:
            with approximate("bf16"):
                grad = input_gradient(model)
        else:
            grad = input_gradient(model)
    assert not grad.any()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not input_gradient(model).any()
        assert not input_gradient(copy.deepcopy(model)).any()
        assert input_gradient(make(net(1000.0), temperature=2000)).any(1).all()
        assert input_gradient(make(net())).any(1).all()


def test_part_of_a_batch():
    model = ApproximateModule(net(), "ax-fpm")
    with pytest.warns(GradientMaskingWarning, match="for 2 of 5 inputs"):
        input_gradient(model, lambda y: y[:3].sum())
    assert issubclass(axfpm.GradientMaskingWarning, UserWarning)


@pytest.mark.filterwarnings("error")
def test_gradients_that_were_not_asked_of_it():
    model = ApproximateModule(net(1000.0), "ax-fpm")
    functional.cross_entropy(model(X), Y).backward()  # of the parameters
    with torch.no_grad():
        model(X.clone().requires_grad_())
    x = X.clone().requires_grad_()
    (grad,) = torch.autograd.grad(functional.cross_entropy(model(x), Y), next(model.parameters()))
    assert grad is not None
    single = ApproximateModule(nn.Linear(6, 3), "ax-fpm")
    v = X[0].clone().requires_grad_()
    single(v * torch.tensor([0.0, 1, 1, 1, 1, 1])).sum().backward()  # one input without a batch: no rows of zeros
    assert v.grad is not None


def test_the_input_is_left_without_hooks():
    model = ApproximateModule(net(), "ax-fpm")
    x = X.clone().requires_grad_()
    for _ in range(3):
        x.grad = None
        model(x).sum().backward()
    assert not x._backward_hooks
    y = model(x)
    module, watch = weakref.ref(model), weakref.ref(model._axfpm_masking)
    del model
    gc.collect()
    assert module() is None and watch() is not None  # the graph holds what it needs to warn, not the module
    del y
    gc.collect()
    assert watch() is None


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoints_around_it_warn_once(reentrant):
    model = ApproximateModule(net(1000.0), "ax-fpm")
    x = X.clone().requires_grad_()
    with pytest.warns(GradientMaskingWarning) as caught:
        functional.cross_entropy(checkpoint(model, x, use_reentrant=reentrant), model(X).argmax(1)).backward()
    assert len(caught) == 1


def test_an_attack_sees_through_a_temperature(digits):
    model, images, labels = digits
    target = ApproximateModule(model, "ax-fpm")
    pgd = attack("pgd:eps=0.2,steps=10,step=0.3")

    def robust(source):
        crafted = torch.from_numpy(pgd.craft(source, images, labels))
        with torch.no_grad():
            return int((target(crafted).argmax(1).numpy() == labels).sum())

    with pytest.warns(GradientMaskingWarning, match="of 64 inputs"):
        masked = robust(target)
    fitted = temperature(model, "ax-fpm", images)
    with warnings.catch_warnings():
        warnings.simplefilter("error", GradientMaskingWarning)
        seen = robust(ApproximateModule(model, "ax-fpm", temperature=fitted))
    assert masked >= 12 and seen <= 1
