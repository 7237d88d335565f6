"""A network with a planted layer, and energies that can be added in the head."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # what the tests of this folder share


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def energies():
    """``energies(layers, *columns)``: each candidate's uJ, the same in every layer, and its area."""
    from axfpm.layer_search.energies import LayerEnergies

    def make(layers, *columns):
        energy = np.tile(np.array(columns, np.float64), (len(layers), 1))
        return LayerEnergies("toy", "osu018", tuple(layers), energy, 10 * np.array(columns, np.float64), "made up")

    return make


class _Planted:
    """What makes the module below, so that torch is imported only where it is needed."""

    @staticmethod
    def module():
        import torch
        from torch import nn

        from golden.cnn import data

        class Planted(nn.Module):
            """Digits by least squares on their pixels in ``main``; the two other layers add a hundred-thousandth."""

            def __init__(self):
                super().__init__()
                self.front, self.main, self.side = nn.Linear(784, 8), nn.Linear(784, 10), nn.Linear(8, 10)

            def forward(self, x):
                x = x.flatten(1)
                return self.main(x) + 1e-5 * self.side(self.front(x).relu())

        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)
            model = Planted().eval()
            images, labels = (torch.from_numpy(part) for part in data.load("digits", "train"))
            flat = torch.cat([images.flatten(1), torch.ones(len(images), 1)], 1).double()
            wanted = torch.nn.functional.one_hot(labels, 10).double()
            square = flat.T @ flat + 1e-1 * torch.eye(785, dtype=torch.float64)
            found = torch.linalg.solve(square, flat.T @ wanted).float()
            # What is the same for all classes changes no class, and makes products large where their errors count.
            model.main.weight.copy_(found[:-1].T + 3 * torch.randn(784))
            model.main.bias.copy_(found[-1])
        return model


@pytest.fixture(scope="session")
def planted():
    """A trained network on digits, of which the layer ``main`` alone decides."""
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    from golden.cnn.trained import TrainedNetwork

    return TrainedNetwork(_Planted.module(), "planted", "digits", "", None)
