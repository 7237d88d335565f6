"""Training on a multiplier: its gradients are those of a surrogate, written again and differentiated in float64."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from golden.pytorch import ApproximateModule, approximate
from golden.sums import conv2d, matmul

AX_FPM = (0x111111, 0xEEEEEE, 0x888888)
CASES = [
    *(("ax-fpm", gradient) for gradient in ("straight-through", "scaled", "masked")),
    *(("e8m1", gradient) for gradient in ("scaled", "masked")),
    *(("mitchell", gradient) for gradient in ("straight-through", "scaled")),
]


class Net(nn.Module):
    """What networks are trained of: a convolution, batch norm, ReLU, a pool, a linear layer."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.fc = nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.Linear(3 * 9, 4)

    def forward(self, x):
        return self.fc(functional.max_pool2d(self.norm(self.conv(x)).relu(), 2).flatten(1))


def masked(x: np.ndarray, mask: int) -> np.ndarray:
    """Float32 values with a mask over their 24-bit significands, as float64."""
    significand, exponent = np.frexp(np.abs(x.astype(np.float64)))
    kept = (significand * 2.0**24).astype(np.int64) & mask
    return np.sign(x) * kept * 2.0 ** (exponent - 24.0)


def rounded(x: np.ndarray, bits: int) -> np.ndarray:
    """Float32 values to so many significant bits, ties to even, as float64."""
    significand, exponent = np.frexp(x.astype(np.float64))
    return np.ldexp(np.round(significand * 2**bits), exponent - bits)


def ratio(part: np.ndarray, x: np.ndarray, at_zero: float) -> Tensor:
    return torch.from_numpy(np.divide(part, x, out=np.full(x.shape, at_zero), where=x != 0))


class Bilinear:
    """What a contraction is differentiated as: a bilinear form around the operands of a step, in float64.

    ``form(x, w)`` sums s x w, or l(x) b(w) + c(x) t(w) with masked parts that keep their ratio to the operand.
    """

    def __init__(self, name: str, gradient: str, x: Tensor, w: Tensor, contract, value: Tensor):
        self.contract, self.value = contract, value
        self.x, self.w = x.double(), w.double()
        exact = contract(self.x, self.w)
        self.factor = float((value * exact).sum() / (exact * exact).sum()) if gradient == "scaled" else 1.0
        self.ratios = self.parts(name, x.numpy(), w.numpy()) if gradient == "masked" else [(1.0, 1.0)]

    @staticmethod
    def parts(name: str, x: np.ndarray, w: np.ndarray) -> list:
        if name == "e8m1":  # an exact product of operands of two bits
            return [(ratio(rounded(x, 2), x, 1.0), ratio(rounded(w, 2), w, 1.0))]
        low, high, top = AX_FPM  # at zero: of a power of two, whose hidden bit is in high and in top
        return [
            (ratio(masked(x, low), x, 0.0), 1.0),
            (ratio(masked(x, high), x, 1.0), ratio(2 * masked(w, top), w, 2.0)),
        ]

    def form(self, x: Tensor, w: Tensor) -> Tensor:
        products = [self.contract(x * a, w * b) for a, b in self.ratios]
        return self.factor * torch.stack(products).sum(0)

    def __call__(self, x: Tensor, w: Tensor) -> Tensor:
        return self.value + self.form(x, w) - self.form(self.x, self.w)


def columns(x: Tensor, w: Tensor) -> Tensor:
    """A convolution of 3 x 3, padded by 1, as a matrix product."""
    out = torch.einsum("ok,nkp->nop", w.flatten(1), functional.unfold(x, 3, padding=1))
    return out.unflatten(2, x.shape[2:])


def rows(x: Tensor, w: Tensor) -> Tensor:
    return x @ w.t()


class Surrogate:
    """The loss of a step of training, near it: bit-exact values of the layers, and what they are differentiated as."""

    def __init__(self, net: Net, name: str, gradient: str, images: Tensor, labels: Tensor):
        seen: dict[str, Tensor] = {}
        hooks = [
            layer.register_forward_pre_hook(
                partial(lambda key, _layer, args: seen.update({key: args[0].detach()}), key)
            )
            for key, layer in (("conv", net.conv), ("fc", net.fc))
        ]
        with approximate(name), torch.no_grad():
            copy.deepcopy(net)(images)  # which has the hooks too; its running means move, not those of net
        for hook in hooks:
            hook.remove()
        conv, fc = net.conv.weight.detach(), net.fc.weight.detach()
        values = {
            "conv": conv2d(seen["conv"], conv, padding=1, multiplier=name).double(),
            "fc": matmul(seen["fc"], fc.t().contiguous(), name).double(),
        }
        self.conv = Bilinear(name, gradient, seen["conv"], conv, columns, values["conv"])
        self.fc = Bilinear(name, gradient, seen["fc"], fc, rows, values["fc"])
        self.images, self.labels = images.double(), labels

    def loss(self, p: dict[str, Tensor]) -> Tensor:
        x = self.conv(self.images, p["conv.weight"]) + p["conv.bias"][:, None, None]
        x = functional.batch_norm(x, None, None, p["norm.weight"], p["norm.bias"], training=True)
        x = functional.max_pool2d(x.relu(), 2).flatten(1)
        return functional.cross_entropy(self.fc(x, p["fc.weight"]) + p["fc.bias"], self.labels)

    def gradients(self, net: Net) -> dict[str, Tensor]:
        p = {key: value.detach().double().requires_grad_() for key, value in net.named_parameters()}
        return dict(zip(p, torch.autograd.grad(self.loss(p), list(p.values())), strict=True))


@pytest.fixture
def batch():
    return torch.randn(6, 2, 6, 6), torch.randint(4, (6,))


def step(net, name, gradient, images, labels) -> float:
    """A forward pass in training mode on the multiplier, and a backward pass outside."""
    with approximate(name, gradient=gradient):
        loss = functional.cross_entropy(net(images), labels)
    loss.backward()
    return float(loss.detach())


@pytest.mark.parametrize(("name", "gradient"), CASES)
def test_gradients_are_those_of_the_surrogate(name, gradient, batch):
    net = Net().train()
    surrogate = Surrogate(net, name, gradient, *batch)
    loss = step(net, name, gradient, *batch)
    expected = surrogate.gradients(net)
    p = {key: value.detach().double() for key, value in net.named_parameters()}
    assert loss == pytest.approx(float(surrogate.loss(p)), rel=1e-5)
    for key, parameter in net.named_parameters():
        assert parameter.grad is not None
        scale = max(0.1, float(expected[key].abs().max()))  # a bias in front of a batch norm has no gradient at all
        torch.testing.assert_close(parameter.grad.double(), expected[key], rtol=1e-4, atol=1e-5 * scale)
        # The surrogate's own derivative is a limit of differences: it is not what torch says that it is alone.
        for index in range(0, parameter.numel(), max(1, parameter.numel() // 5)):
            moved = []
            for h in (1e-6, -1e-6):
                shifted = p[key].clone()
                shifted.view(-1)[index] += h
                moved.append(float(surrogate.loss({**p, key: shifted})))
            difference = (moved[0] - moved[1]) / 2e-6
            assert float(parameter.grad.view(-1)[index]) == pytest.approx(difference, rel=1e-3, abs=1e-4 * scale)


@pytest.mark.parametrize(("name", "gradient"), CASES)
def test_a_run_is_that_of_the_surrogate(name, gradient, batch):
    net = Net().train()
    other = copy.deepcopy(net)
    before = copy.deepcopy(net)
    runs = [(each, torch.optim.SGD(each.parameters(), lr=0.05, momentum=0.9)) for each in (net, other)]
    for _ in range(5):
        for _, optimiser in runs:
            optimiser.zero_grad()
        expected = Surrogate(other, name, gradient, *batch).gradients(other)
        step(net, name, gradient, *batch)
        for key, parameter in other.named_parameters():
            parameter.grad = expected[key].float()
        for _, optimiser in runs:
            optimiser.step()
    for key, parameter in net.named_parameters():
        torch.testing.assert_close(parameter, other.get_parameter(key), rtol=1e-3, atol=1e-4)
    assert float((net.conv.weight - before.conv.weight).detach().abs().max()) > 0.01


OPTIMISERS = {
    "sgd": partial(torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True),
    "adam": partial(torch.optim.Adam, lr=0.01),
    "adamw": partial(torch.optim.AdamW, lr=0.01),
    "rmsprop": partial(torch.optim.RMSprop, lr=0.01),
    "adagrad": partial(torch.optim.Adagrad, lr=0.01),
}


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_loop_inside_the_context_is_the_loop_with_a_module(optimiser, batch):
    images, labels = batch
    nets = [nn.Sequential(Net(), nn.Dropout(0.2)).train()]
    nets.append(copy.deepcopy(nets[0]))
    found = []
    for net, inside in zip(nets, (True, False), strict=True):
        torch.manual_seed(1)
        steps = OPTIMISERS[optimiser](net.parameters())
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(steps, 4)

        def loop(model, steps=steps, schedule=schedule):
            loss = torch.zeros(())
            for _ in range(4):
                steps.zero_grad()
                loss = functional.cross_entropy(model(images), labels)
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                steps.step()
                schedule.step()
            return float(loss.detach())

        if inside:
            with approximate("ax-fpm") as context:
                found.append(loop(net))
            assert context.uncovered_operators == ()
        else:
            found.append(loop(ApproximateModule(net, "ax-fpm")))
    assert found[0] == found[1]
    for a, b in zip(*(net.state_dict().values() for net in nets), strict=True):
        assert torch.equal(a, b)


def test_running_means_are_of_values_on_the_multiplier(batch):
    net = Net().train()
    with approximate("ax-fpm"):
        net(batch[0])
    weight, bias = (parameter.detach() for parameter in net.conv.parameters())
    conv = conv2d(batch[0], weight, bias, padding=1, multiplier="ax-fpm")
    assert net.norm.running_mean is not None
    torch.testing.assert_close(net.norm.running_mean, 0.1 * conv.mean((0, 2, 3)))
