"""The CIFAR-10 networks: sizes, what stands in front of them, and that training and use are one function."""

import pytest
import torch
from torch import nn

from golden.cnn import checkpoint, data, models
from golden.cnn.cifar10_models import CIFAR10_MEAN, CIFAR10_STD, Standardise


@pytest.mark.parametrize(
    ("name", "convolutions", "macs"),
    [
        # 9 * (3*16 * 32^2 + 16*32 * 16^2 + (32*64 + 64*64 + 64*48) * 8^2) + 768*192 + 192*10
        ("alexnet", 5, 9 * (48 * 1024 + 512 * 256 + (2048 + 4096 + 3072) * 64) + 768 * 192 + 1920),
        # 9 * (3*16 * 32^2 + 16*32 * 16^2 + (32*64 + 64*64) * 8^2 + (64*128 + 128^2) * 4^2 + 2 * 128^2 * 2^2) + 1280
        ("vgg11", 8, 9 * (48 * 1024 + 512 * 256 + 6144 * 64 + (8192 + 16384) * 16 + 2 * 16384 * 4) + 1280),
    ],
)
def test_sizes(name, convolutions, macs):
    model = models.build(name)
    assert sum(isinstance(layer, nn.Conv2d) for layer in model.modules()) == convolutions
    assert not any(isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) for layer in model.modules())
    assert models.macs(model, torch.zeros(3, 32, 32)) == macs
    assert sum(p.numel() for p in model.parameters()) < 1_000_000
    assert data.DATASETS["cifar10"].model == "alexnet"


@pytest.mark.parametrize("name", ["alexnet", "vgg11"])
def test_what_is_trained_becomes_what_is_built(name):
    spec = models.MODELS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trained = models.build_trainable(spec)
        images = torch.rand(64, 3, 32, 32)
    assert trained.training
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in trained.modules())
    trained(images)  # moves the statistics
    found = models.deployed(spec, trained)
    assert torch.allclose(found(images), trained.eval()(images), atol=1e-5)
    built = models.build(name)
    assert built.load_state_dict(found.state_dict())
    assert repr(built.eval()) == repr(found)


def test_pixels_are_standardised():
    layer = Standardise(CIFAR10_MEAN, CIFAR10_STD)
    x = torch.tensor([*CIFAR10_MEAN])[:, None, None] + 2 * torch.tensor([*CIFAR10_STD])[:, None, None]
    assert torch.allclose(layer(x[None].expand(2, 3, 4, 4)), torch.tensor(2.0))
    assert not layer.state_dict()
    assert repr(layer) != repr(Standardise((0, 0, 0), CIFAR10_STD))


@pytest.mark.parametrize("name", [name for name in checkpoint.available() if "cifar10" in name])
def test_checkpoints_are_small_and_say_what_they_were_trained_on(name):
    path = checkpoint.path_of(name)
    assert path.stat().st_size <= 3_000_000
    module, stored = checkpoint.load(name)
    assert stored.settings["images"] == "30000 of data_batch_1, data_batch_2, data_batch_3"
    assert stored.accuracy >= 0.76
    assert all(torch.equal(p, p.half().float()) for p in module.parameters())
    assert checkpoint.read(path).tensors.keys() == module.state_dict().keys()
