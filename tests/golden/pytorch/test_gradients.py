"""The gradients of the emulation against torch's own, least squares and finite differences."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from golden.errors import InvalidInput
from golden.multiply import multiply
from golden.pytorch import ApproximateModule, approximate, surrogate

LAYERS = {
    "linear": (functional.linear, (6, 9), (4, 9), (4,)),
    "conv2d": (lambda x, w, b: functional.conv2d(x, w, b, 2, 1), (2, 3, 7, 6), (4, 3, 3, 2), (4,)),
    "grouped": (lambda x, w, b: functional.conv2d(x, w, b, 1, 2, 2, 2), (2, 4, 7, 6), (6, 2, 3, 2), (6,)),
    "conv1d": (lambda x, w, b: functional.conv1d(x, w, b, padding="same"), (2, 3, 7), (4, 3, 3), (4,)),
    "matmul": (lambda x, w, b: x @ w + b, (2, 1, 3, 5), (4, 5, 2), (2,)),
    "addmm": (lambda x, w, b: torch.addmm(b, x, w), (3, 5), (5, 2), (2,)),
}


def leaves(name: str) -> tuple:
    function, *shapes = LAYERS[name]
    return function, [torch.randn(*shape, requires_grad=True) for shape in shapes]


def gradients(function, tensors: list[Tensor], grad: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(function(*tensors), tensors, grad)


@pytest.mark.parametrize("name", LAYERS)
def test_straight_through_is_exact_torch(name):
    function, tensors = leaves(name)
    y = function(*tensors)
    grad = torch.randn_like(y)
    expected = torch.autograd.grad(y, tensors, grad)
    with approximate("ax-fpm", gradient="straight-through"):
        found = gradients(function, tensors, grad)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("name", LAYERS)
def test_scaled_is_the_least_squares_factor(name):
    function, tensors = leaves(name)
    exact = function(*tensors)
    grad = torch.randn_like(exact)
    expected = torch.autograd.grad(exact, tensors, grad)
    with approximate("ax-fpm", gradient="scaled"):
        y = function(*tensors)
        found = torch.autograd.grad(y, tensors, grad)
    # the bias is no product: numpy solves for the factor of the rest
    x, w, bias = (t.detach() for t in tensors)
    without = function(x, w, torch.zeros_like(bias)).flatten()
    shift = (exact.detach() - function(x, w, torch.zeros_like(bias))).flatten()
    factor = float(np.linalg.lstsq(without[:, None].numpy(), (y.detach().flatten() - shift).numpy(), rcond=None)[0][0])
    assert 1.2 < factor < 1.7
    for a, b, scale in zip(found, expected, (factor, factor, 1.0), strict=True):
        torch.testing.assert_close(a, scale * b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "low", "high"), [("ax-fpm", 1.3, 1.5), ("exact", 0.999999, 1.000001), ("mitchell", 0.9, 1)]
)
def test_factors_of_multipliers(name, low, high):
    x, w = torch.randn(40, 60, requires_grad=True), torch.randn(60, 40)
    with approximate(name):
        (grad,) = torch.autograd.grad((x @ w).sum(), x)
    factors = grad / w.sum(1)
    assert low < float(factors.mean()) < high
    torch.testing.assert_close(factors, torch.full_like(factors, float(factors.mean())), rtol=1e-4, atol=0)


def test_a_zero_product_keeps_its_gradient():
    x, w = torch.zeros(2, 3, requires_grad=True), torch.randn(3, 2)
    with approximate("ax-fpm"):
        (grad,) = torch.autograd.grad((x @ w).sum(), x)
    torch.testing.assert_close(grad, w.sum(1).expand(2, 3))


def two_products(a: np.ndarray, b: np.ndarray, low: int, high: int, top: int) -> np.ndarray:
    """The form of arithmetic.md section 1 on float32 values, in integers of their significands."""

    def parts(x):
        significand, exponent = np.frexp(np.abs(x.astype(np.float64)))
        return (significand * 2.0**24).astype(np.int64), np.sign(x) * 2.0 ** (exponent - 24.0)

    (A, scale_a), (B, scale_b) = parts(a), parts(b)
    return ((A & low) * B + 2 * (A & high) * (B & top)).astype(np.float64) * scale_a * scale_b


AX_FPM = (0x111111, 0xEEEEEE, 0x888888)
AX_ARRAY = (0x000001, 0xFFFFFE, 0x800000)


@pytest.mark.parametrize(("name", "masks"), [("ax-fpm", AX_FPM), ("ax-fpm-widen", AX_FPM), ("ax-array", AX_ARRAY)])
def test_masked_is_the_finite_difference_of_the_two_product_form(name, masks):
    # Doubling an operand keeps its significand, hence its masks: a finite difference whose step is the operand itself.
    a, b = torch.randn(5, 7, requires_grad=True), torch.randn(7, 3, requires_grad=True)
    grad = torch.randn(5, 3)
    with approximate(name, gradient="masked"):
        ga, gb = torch.autograd.grad(a @ b, (a, b), grad)
    x, w, g = a.detach().numpy(), b.detach().numpy(), grad.numpy()
    step_a = two_products(2 * x[:, :, None], w[None], *masks) - two_products(x[:, :, None], w[None], *masks)
    step_b = two_products(x[:, :, None], 2 * w[None], *masks) - two_products(x[:, :, None], w[None], *masks)
    np.testing.assert_allclose(ga.numpy(), (step_a * g[:, None, :]).sum(2) / x, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(gb.numpy(), (step_b * g[:, None, :]).sum(0) / w, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["ax-fpm", "ax-fpm:block=2", "bf16", "ax-bf16", "e8m3", "exact-trunc"])
@pytest.mark.parametrize("layer", ["linear", "grouped"])
def test_masked_is_the_finite_difference_of_the_surrogate(name, layer):
    function, tensors = leaves(layer)

    class Layer(nn.Module):
        def forward(self, *tensors):
            return function(*tensors)

    net = surrogate(Layer(), name)
    y = net(*tensors)
    grad = torch.randn_like(y)
    found = torch.autograd.grad(y, tensors, grad)
    for which, index in ((0, 3), (0, 17), (1, 2), (1, 11)):
        values = [t.detach().clone() for t in tensors]
        step = float(values[which].view(-1)[index])
        values[which].view(-1)[index] *= 2
        difference = float(((net(*values) - y).detach().double() * grad).sum()) / step
        assert float(found[which].reshape(-1)[index]) == pytest.approx(difference, rel=2e-3, abs=2e-4)


def test_masked_at_zero_is_the_step_to_a_power_of_two():
    x, w = torch.zeros(1, 3, requires_grad=True), torch.randn(3, 2)
    layer = nn.Linear(3, 2, bias=False)
    net = surrogate(layer)
    with torch.no_grad():
        layer.weight.copy_(w.t())
    y = net(x)
    (grad,) = torch.autograd.grad(y.sum(), x)
    for k in range(3):
        for step in (2.0**-9, -(2.0**-30), 4.0):
            moved = torch.zeros(1, 3)
            moved[0, k] = step
            assert float((net(moved) - y).detach().sum()) / step == pytest.approx(float(grad[0, k]), rel=1e-6)


@pytest.mark.parametrize("name", ["ax-fpm", "ax-fpm:block=2", "ax-fpm:block=3", "ax-array", "ax-bf16", "bf16", "exact"])
def test_the_surrogate_is_the_widen_sum(name):
    x, layer = torch.randn(8, 50), nn.Linear(50, 6)
    y = surrogate(layer, name)(x)
    dial = f"{name}:carry=widen" if name.startswith("ax-") and ":" not in name else name.replace(":", ":carry=widen,")
    products = multiply(x.numpy()[:, :, None], layer.weight.t().detach().numpy()[None], dial).astype(np.float64)
    expected = products.sum(1) + layer.bias.detach().numpy()
    sizes = np.abs(products).sum(1)
    # ax-bf16 also truncates its products to 8 bits
    bound = 2**-7 if name == "ax-bf16" else 7e-6
    assert np.all(np.abs(y.detach().numpy() - expected) <= bound * sizes)
    assert np.any(np.abs((layer(x) - y).detach().numpy()) > 1e-3) or name == "exact"


def test_the_surrogate_rounds_and_flushes_as_the_multiplier():
    values = torch.tensor([1e-40, -0.0, 1.00390625, 1.01171875, -3.999, 1.5, 1e30], requires_grad=True)
    with torch.no_grad():
        for name in ("bf16", "bf16-trunc", "e8m1"):
            layer = nn.Linear(1, 1, bias=False)
            layer.weight.fill_(1.0)
            net = surrogate(layer, name)
            y = net(values[:, None])[:, 0]
            assert np.array_equal(y.numpy(), multiply(values.detach().numpy(), np.float32(1), name))


@pytest.mark.parametrize("name", ["mitchell", "ax-fpm:cell=AMA1", "ax-fpm:cell=AMA2"])
def test_multipliers_without_two_products_say_so(name):
    net = nn.Linear(3, 2)
    with pytest.raises(InvalidInput, match="has no two-product form"):
        surrogate(net, name)
    with approximate(name, gradient="masked"), pytest.raises(InvalidInput, match="has no two-product form"):
        net(torch.rand(2, 3))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 2, 3), nn.Linear(8, 3)

    def forward(self, x):
        return self.fc(functional.max_pool2d(self.conv(x).relu_(), 2).flatten(1))


@pytest.mark.parametrize("gradient", ["straight-through", "scaled", "masked"])
@pytest.mark.parametrize("layers", [None, {"conv": None}])
def test_backward_inside_and_outside_the_context(gradient, layers):
    net, x = Net(), torch.rand(2, 1, 6, 6, requires_grad=True)
    found = []
    for inside in (True, False):
        with approximate("ax-fpm", gradient=gradient, layers=layers):
            loss = net(x).square().sum()
            if inside:
                loss.backward()
        if not inside:
            loss.backward()
        found.append([torch.as_tensor(t.grad).clone() for t in (x, *net.parameters())])
        x.grad = None
        net.zero_grad()
    with approximate("ax-fpm", gradient=gradient, layers=layers):
        found.append(torch.autograd.grad(net(x).square().sum(), (x, *net.parameters())))
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_one_layer_does_not_disturb_another():
    # By the chain rule on the approximate values: the last layer's weight gradient sees approximate activations.
    net, x = Net(), torch.rand(2, 1, 6, 6)
    with approximate("ax-fpm", gradient="straight-through"):
        net(x).sum().backward()
        hidden = functional.max_pool2d(net.conv(x).relu(), 2).flatten(1)
    torch.testing.assert_close(net.fc.weight.grad, hidden.sum(0).expand(3, 8))
    torch.testing.assert_close(net.fc.bias.grad, torch.full((3,), 2.0))


@pytest.mark.parametrize("gradient", ["straight-through", "masked"])
def test_second_derivatives(gradient):
    x, w = torch.randn(3, 4, requires_grad=True), torch.randn(4, 2, requires_grad=True)
    with approximate("exact", gradient=gradient):
        (gx,) = torch.autograd.grad((x @ w).pow(3).sum(), x, create_graph=True)
        found = torch.autograd.grad(gx.pow(2).sum(), (x, w))
    (gx,) = torch.autograd.grad((x @ w).pow(3).sum(), x, create_graph=True)
    expected = torch.autograd.grad(gx.pow(2).sum(), (x, w))
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpointed_layers_are_recomputed_on_the_multiplier(reentrant):
    net, x = Net(), torch.rand(2, 1, 6, 6, requires_grad=True)
    with approximate("ax-fpm"):
        checkpoint(net, x, use_reentrant=reentrant).square().sum().backward()
        again = torch.autograd.grad(net(x).square().sum(), x)
    torch.testing.assert_close(x.grad, again[0])


@pytest.mark.parametrize("gradient", ["straight-through", "scaled", "masked"])
def test_training_a_model_on_the_multiplier_lowers_its_loss(gradient):
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    x = torch.randn(32, 4)
    target = (x[:, 0] > 0).long()
    model = ApproximateModule(net, "ax-fpm", gradient=gradient)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(20):
        optimiser.zero_grad()
        losses.append(functional.cross_entropy(model(x), target))
        losses[-1].backward()
        optimiser.step()
    assert losses[-1] < 0.7 * losses[0]
