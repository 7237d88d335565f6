"""Computed weights are constants of the deployed model: exact, not audited, and no buffer moves."""

import copy
import threading
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize

from golden.pytorch import ApproximateModule, approximate, coverage
from golden.sums import conv2d, matmul

X = torch.randn(3, 5, generator=torch.Generator().manual_seed(1))


class Moving(nn.Module):
    """A parametrization that multiplies, and moves a buffer and replaces another, in either mode."""

    rotation: torch.Tensor
    calls: torch.Tensor

    def __init__(self):
        super().__init__()
        self.register_buffer("rotation", torch.linalg.qr(torch.randn(5, 5))[0])
        self.register_buffer("calls", torch.zeros(()))
        self.seen: list[bool] = []

    def forward(self, w):
        self.seen.append(self.training)
        self.rotation.mul_(-1)
        self.calls = self.calls + 1
        return w @ self.rotation.clone()


def moving(layer):
    parametrize.register_parametrization(layer, "weight", Moving())
    return layer


MAKERS: dict[str, Any] = {
    "spectral_norm": parametrizations.spectral_norm,
    "weight_norm": parametrizations.weight_norm,
    "matrix_exp": lambda layer: parametrizations.orthogonal(layer, orthogonal_map="matrix_exp"),
    "cayley": lambda layer: parametrizations.orthogonal(layer, orthogonal_map="cayley"),
    "householder": lambda layer: parametrizations.orthogonal(layer, orthogonal_map="householder"),
    "of one's own": moving,
    "two": lambda layer: moving(parametrizations.spectral_norm(layer)),
    "old spectral_norm": nn.utils.spectral_norm,
    "old weight_norm": nn.utils.weight_norm,
}

pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")


def weight_of(layer) -> torch.Tensor:
    """The weight in evaluation mode, outside any context and without a trace."""
    if parametrize.is_parametrized(layer):
        return copy.deepcopy(layer).eval().weight.detach()
    training = layer.training
    layer.eval()
    with torch.no_grad():
        layer(X)  # the older hooks compute it in a call, and move nothing in this mode
    layer.train(training)
    return layer.weight.detach().clone()


def state(layer):
    return {name: value.clone() for name, value in layer.state_dict().items()}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", MAKERS)
def test_the_weight_is_that_of_the_deployed_model(name, training):
    layer = MAKERS[name](nn.Linear(5, 5)).train(training)
    weight, before = weight_of(layer), state(layer)
    expected = matmul(X, weight.t(), "ax-fpm", layer.bias)
    for _ in range(2):
        with approximate("ax-fpm"):
            y = layer(X)
        assert torch.equal(y, expected)
        assert torch.equal(ApproximateModule(layer, "ax-fpm")(X), expected)
    with torch.inference_mode(), approximate("ax-fpm"):
        assert torch.equal(layer(X), expected)
    assert layer.training is training and all(m.training is training for m in layer.modules())
    assert all(torch.equal(a, b) for a, b in zip(state(layer).values(), before.values(), strict=True))
    rows = [(o.operator, o.macs, o.uncovered) for o in coverage(layer, X, "ax-fpm")]
    assert rows == [("linear", 3 * 5 * 5, False)]


@pytest.mark.parametrize("name", MAKERS)
def test_gradients_reach_the_parameters_exactly(name):
    layer = MAKERS[name](nn.Linear(5, 5, bias=False)).eval()
    other = copy.deepcopy(layer) if parametrize.is_parametrized(layer) else layer
    other(X).sum().backward()
    expected = [torch.as_tensor(p.grad).clone() for p in other.parameters()]
    layer.zero_grad()
    with approximate("ax-fpm", gradient="straight-through"):
        layer(X).sum().backward()
    for parameter, grad in zip(layer.parameters(), expected, strict=True):
        torch.testing.assert_close(torch.as_tensor(parameter.grad), grad)


def test_convolutions_and_names():
    layer = parametrizations.spectral_norm(nn.Conv2d(5, 4, 3))
    x, net = torch.randn(1, 5, 4, 4), nn.Sequential(layer, nn.ReLU())
    expected = conv2d(x, weight_of(layer), layer.bias, multiplier="bf16").relu()
    with approximate("ax-fpm", layers={"0": "bf16"}):
        assert torch.equal(net(x), expected)


def test_a_weight_that_is_read_or_written_is_exact():
    layer: Any = parametrizations.orthogonal(nn.Linear(5, 5), orthogonal_map="cayley")
    weight, other = layer.weight.detach().clone(), copy.deepcopy(layer)
    target = torch.linalg.qr(torch.randn(5, 5))[0]
    with approximate("ax-fpm"):
        assert torch.equal(layer.weight, weight)
        layer.weight = target
    other.weight = target
    assert torch.equal(layer.weight, other.weight) and not torch.equal(layer.weight, weight)


def test_products_in_a_models_own_forward_are_the_models():
    class Merged(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Parameter(torch.randn(5, 2)), nn.Parameter(torch.randn(2, 5))

        def forward(self, x):
            return x @ (self.a @ self.b)

    net = Merged()
    with approximate("ax-fpm"):
        y = net(X)
    assert torch.equal(y, matmul(X, matmul(net.a, net.b, "ax-fpm"), "ax-fpm"))


def test_outside_a_context_nothing_is_different():
    layer = parametrizations.spectral_norm(nn.Linear(5, 5)).train()
    before = state(layer)
    inside, done = threading.Event(), threading.Event()

    def other():
        with approximate("ax-fpm"):
            inside.set()
            done.wait(60)

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(60)
    try:
        layer(X)
    finally:
        done.set()
        thread.join()
    assert not all(torch.equal(a, b) for a, b in zip(state(layer).values(), before.values(), strict=True))
    before = state(layer)
    layer(X)
    assert not all(torch.equal(a, b) for a, b in zip(state(layer).values(), before.values(), strict=True))
    assert parametrize.ParametrizationList.forward.__module__ == "torch.nn.utils.parametrize"
    assert not hasattr(parametrize.ParametrizationList.forward, "__wrapped__")


def test_an_interrupt_restores_the_mode():
    class Interrupted(nn.Module):
        def forward(self, w):
            if not self.training:
                raise KeyboardInterrupt
            return w

    layer = nn.Linear(5, 5)
    parametrize.register_parametrization(layer, "weight", Interrupted())
    with approximate("ax-fpm"), pytest.raises(KeyboardInterrupt):
        layer(X)
    assert all(module.training for module in layer.modules())
