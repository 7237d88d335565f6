"""Architectures: layers, sizes, the registry."""

import dataclasses
import os
from pathlib import Path

import pytest
import torch

from golden.cnn import data, models
from golden.cnn.training import count_correct
from golden.errors import InvalidInput

AUTHORS = Path(os.environ.get("AXFPM_DATA", ""), "authors", "trained_lenet5.pt")


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
    with pytest.raises(InvalidInput, match="unknown model 'lenet'; did you mean lenet5 or da-lenet"):
        models.build("lenet")


def test_register_model(monkeypatch):
    monkeypatch.setattr(models.MODELS, "_entries", dict(models.MODELS))
    mine = dataclasses.replace(models.MODELS["lenet5"], name="mine")
    assert models.register_model(mine) is mine
    assert models.build("mine")(torch.zeros(1, 1, 28, 28)).shape == (1, 10)
    with pytest.raises(InvalidInput, match="another model is already named 'mine'"):
        models.register_model(dataclasses.replace(mine, classes=3))


@pytest.mark.skipif(not AUTHORS.is_file(), reason="AXFPM_DATA names no folder with authors/trained_lenet5.pt")
def test_published_checkpoint_loads():
    model = models.build("da-lenet")
    model.load_state_dict(torch.load(AUTHORS, weights_only=True, map_location="cpu"))
    images, labels = data.load("mnist", "test")
    assert count_correct(model.eval(), images[:500], labels[:500]) >= 480
