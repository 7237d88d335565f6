"""Layers as they are recorded: they compute the network on the multiplier, and count its products."""

import numpy as np
import pytest

from golden.catalogue import multiplier
from golden.errors import InvalidInput
from golden.sums import matmul
from synth.energy.inference import layers as module
from synth.energy.inference.layers import IMAGES, NETWORKS, chosen, recorded_layers, trained_on

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def trained():
    return NETWORKS["lenet5-digits"].trained()


@pytest.fixture(scope="module")
def images():
    from golden.cnn.data import load

    found = load("digits")[0]
    return found[chosen(len(found))]


@pytest.mark.parametrize("name", ["exact", "ax-fpm"])
def test_the_layers_compute_the_network_on_the_multiplier(trained, images, name):
    from golden.pytorch import ApproximateModule

    found = recorded_layers(trained, multiplier(name))
    assert [layer.name for layer in found] == ["conv1", "conv2", "fc1", "fc2", "fc3"]
    last = found[-1]
    with torch.no_grad():
        logits = ApproximateModule(trained.module, name)(torch.from_numpy(images)).numpy()
    assert np.array_equal(matmul(last.x, last.w, name, last.bias), logits)
    # The first layer's sums, rectified and pooled, are what the second one lowers: its rows hold every one of them.
    first, second = found[:2]
    sums = matmul(first.x, first.w, name, first.bias).reshape(len(images), 14, 2, 14, 2, 6)
    pooled = np.maximum(sums, 0).max((2, 4)).transpose(0, 3, 1, 2)
    patches = second.x.reshape(len(images), 10, 10, 6, 5, 5)
    assert np.array_equal(patches[:, 3, 7], pooled[:, :, 3:8, 7:12])


def test_another_multiplier_has_other_activations(trained):
    exact, ours = (recorded_layers(trained, multiplier(name)) for name in ("exact", "ax-fpm"))
    assert np.array_equal(exact[0].x, ours[0].x)
    assert not np.array_equal(exact[1].x, ours[1].x)
    assert all(np.array_equal(a.w, b.w) and a.x.shape == b.x.shape for a, b in zip(exact, ours, strict=True))


def test_products_are_counted(trained, images):
    from golden.cnn.models import macs

    found = recorded_layers(trained, multiplier("exact"))
    assert [layer.macs for layer in found] == [117_600, 240_000, 48_000, 10_080, 840]
    assert sum(layer.macs for layer in found) == macs(trained.module, torch.from_numpy(images[0]))


def test_images_are_spread_over_all():
    assert chosen(5).tolist() == [0, 1, 2, 3, 4]
    found = chosen(10_000)
    assert (len(found), found[0], found[-1]) == (IMAGES, 0, 9960)


def test_lenet5_is_on_what_is_at_hand(monkeypatch):
    monkeypatch.setattr("golden.cnn.data.mnist_is_at_hand", lambda: False)
    assert NETWORKS["lenet5"].data() == "digits"
    monkeypatch.setattr("golden.cnn.data.mnist_is_at_hand", lambda: True)
    assert NETWORKS["lenet5"].data() == "mnist"
    with pytest.raises(InvalidInput, match="unknown network 'lenet'; did you mean lenet5"):
        NETWORKS.look_up("lenet")


def test_what_is_no_product_of_matrices(trained):
    from types import SimpleNamespace

    from golden.pytorch.contractions import Convolution

    grouped = SimpleNamespace(name="conv", operation=Convolution((1, 1), (0, 0), (1, 1), 2), x=None, w=None)
    with pytest.raises(InvalidInput, match="the layer 'conv' has groups"):
        module._lowered(grouped)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="the layer '' has no weight of its own"):
        module._bias(trained, SimpleNamespace(name=""))  # type: ignore[arg-type]


def test_networks_by_name_or_checkpoint(tmp_path, trained):
    from golden.cnn import checkpoint

    assert trained_on("lenet5-digits").name == trained_on(trained.checkpoint).name == trained.name
    assert trained_on("lenet5-digits-pgd").name == "lenet5 (lenet5-digits-pgd)"
    own = tmp_path / "own.safetensors"
    checkpoint.save(own, trained.module, trained.provenance)
    assert (trained_on(str(own)).name, trained_on(str(own)).data) == ("lenet5 (own)", "digits")
    torch.save(trained.module.state_dict(), tmp_path / "others.pt")
    with pytest.raises(InvalidInput, match=r"others\.pt does not say which network it is and on which images; take a"):
        trained_on(str(tmp_path / "others.pt"))
    with pytest.raises(InvalidInput, match="unknown network 'lenet'; did you mean lenet5"):
        trained_on("lenet")
