"""Folding a batch norm changes how a network is written, not what it computes."""

import pytest
import torch
from torch import nn

from golden.cnn.batch_norm import folded


def trained(*layers):
    module = nn.Sequential(*layers)
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                for tensor in (layer.weight, layer.bias, layer.running_mean):
                    tensor.normal_()  # type: ignore[union-attr]  # it tracks statistics
                layer.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
    return module


@pytest.mark.parametrize("bias", [False, True])
def test_the_same_function_without_batch_norm(bias):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = trained(
            nn.Conv2d(3, 4, 3, bias=bias), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
            nn.Linear(4 * 36, 8, bias=bias), nn.BatchNorm1d(8), nn.Linear(8, 2),
        )  # fmt: skip
        images = torch.rand(5, 3, 8, 8)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    found = folded(module)
    assert [type(layer) for layer in found] == [nn.Conv2d, nn.ReLU, nn.Flatten, nn.Linear, nn.Linear]  # type: ignore[arg-type]
    expected = module.eval().double()(images.double())
    assert not torch.equal(expected[0], expected[1])
    assert torch.allclose(found.double()(images.double()), expected, rtol=1e-5, atol=1e-5)
    assert not found.training
    assert all(torch.equal(tensor.float(), before[name].float()) for name, tensor in module.state_dict().items())


def test_a_batch_norm_that_follows_no_layer_stays():
    module = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 3, 1), nn.ReLU(), nn.BatchNorm2d(3))
    assert [type(layer) for layer in folded(module)] == [type(layer) for layer in module]  # type: ignore[arg-type]


def test_inner_sequences_are_folded_too():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))

        def forward(self, x):
            return self.inner(x)

    assert len(folded(nn.Sequential(Block()))[0].inner) == 1  # type: ignore[index]
