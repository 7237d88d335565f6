"""Which module an operator belongs to, and what is chosen for it by name."""

import contextlib
import gc
import weakref

import pytest
import torch
from torch import nn

from golden.errors import InvalidInput
from golden.pytorch import approximate
from golden.sums import matmul


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3))
        self.fc1, self.fc2 = nn.Linear(8, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.fc2(self.fc1(self.features(x).flatten(1)).relu())


def by_layer(net, x, features, fc1, fc2):
    """Return the result with a context per layer: the multipliers of all, None for exact."""
    for part, name in ((net.features[0], features[0]), (nn.ReLU(), None), (net.features[2], features[1]),
                       (nn.Flatten(), None), (net.fc1, fc1), (nn.ReLU(), None), (net.fc2, fc2)):  # fmt: skip
        if name:
            with approximate(name):
                x = part(x)
        else:
            x = part(x)
    return x


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (None, (("ax-fpm", "ax-fpm"), "ax-fpm", "ax-fpm")),
        ({"fc2": None}, (("ax-fpm", "ax-fpm"), "ax-fpm", None)),
        ({"features": "bf16", "features.2": True, "fc1": False}, (("bf16", "ax-fpm"), None, "ax-fpm")),
        ({"": None, "fc1": "e8m2"}, ((None, None), "e8m2", None)),
        (lambda name, module: isinstance(module, nn.Conv2d), (("ax-fpm", "ax-fpm"), None, None)),
        (lambda name, module: {"fc1": "e8m2", "fc2": True}.get(name), ((None, None), "e8m2", "ax-fpm")),
    ],
)
def test_layers(layers, expected):
    net, x = Net(), torch.rand(2, 1, 6, 6)
    with approximate("ax-fpm", layers=layers):
        y = net(x)
    assert torch.equal(y, by_layer(net, x, *expected))


def test_names_are_those_of_the_outermost_module():
    net, x = Net(), torch.rand(2, 8)
    with (
        approximate("ax-fpm", layers={"fc1": None}),
        pytest.raises(InvalidInput, match="layers names 'fc1', which the"),
    ):
        net.fc1(x)
    w = torch.rand(8, 2)
    with approximate("ax-fpm", layers={"fc1": None}):
        assert torch.equal(x @ w, matmul(x, w, "ax-fpm"))  # outside any module
        nn.CrossEntropyLoss()(net(torch.rand(1, 1, 6, 6)), torch.tensor([1]))  # a root without products


def test_every_outermost_module_is_a_root_of_its_own():
    first, second = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)), nn.Sequential(nn.Linear(4, 4))
    x, asked = torch.rand(2, 4), []
    with approximate("ax-fpm", layers=lambda name, module: asked.append((name, module))):
        first(x)
        second(x)
        second[0](x)
    assert list(dict.fromkeys(asked)) == [("0", first[0]), ("1", first[1]), ("0", second[0]), ("", second[0])]


def test_a_module_under_two_names_is_found_under_either():
    shared = nn.Linear(4, 4)
    net = nn.Sequential(shared, nn.ReLU(), shared)
    x = torch.rand(2, 4)
    with approximate("ax-fpm", layers={"2": None}):
        y = net(x)
    assert torch.equal(y, net(x))


class Interrupted(nn.Module):
    def forward(self, x):
        raise KeyboardInterrupt


class Catching(nn.Module):
    """A module in which another one is interrupted before its own product."""

    def __init__(self):
        super().__init__()
        self.interrupted, self.fc = nn.Sequential(nn.ReLU(), Interrupted()), nn.Linear(9, 3)

    def forward(self, x):
        with contextlib.suppress(KeyboardInterrupt):
            self.interrupted(x)
        return x @ self.fc.weight.t() + self.fc(x)


def test_an_interrupt_leaves_no_module_behind():
    net, x = Catching(), torch.randn(2, 9)
    layers = {"interrupted": None, "fc": "bf16"}
    w, bias = net.fc.weight.t(), net.fc.bias
    expected = matmul(x, w, "ax-fpm") + matmul(x, w, "bf16", bias)
    with approximate("ax-fpm", layers=layers):
        assert torch.equal(net(x), expected)
        with pytest.raises(KeyboardInterrupt):
            net.interrupted(x)
        assert torch.equal(x @ w, matmul(x, w, "ax-fpm"))
        assert torch.equal(net(x), expected)  # a root again, with its own names


def test_modules_that_ended_keep_nothing_alive():
    net, x = nn.Sequential(nn.Linear(9, 9), nn.ReLU()), torch.randn(2, 9)
    with torch.no_grad(), approximate("ax-fpm", layers={"0": True}):
        net(x)
        seen = weakref.ref(x)
        gc.disable()
        del x
        alive = seen() is not None
        gc.enable()
    assert not alive
