"""The first layer's scores against brute force, what it is found in, and which values are tried."""

import numpy as np
import pytest
import torch
from torch import nn

from golden.errors import AxfpmWarning
from golden.pytorch import ApproximateModule, surrogate
from golden.robustness.adaptive import first_layer
from golden.robustness.adaptive.candidates import candidates, curve, jumps

SHAPE = (4, 7, 6)
LAYERS = {
    "plain": lambda: nn.Conv2d(4, 3, 3),
    "padded": lambda: nn.Conv2d(4, 3, (3, 2), padding=(2, 1)),
    "strided": lambda: nn.Conv2d(4, 3, 3, stride=(2, 3), padding=1),
    "wide stride": lambda: nn.Conv2d(4, 3, 2, stride=3),
    "dilated": lambda: nn.Conv2d(4, 3, 2, dilation=(3, 2), padding=(0, 2)),
    "same, even kernel": lambda: nn.Conv2d(4, 3, (2, 4), padding="same"),
    "groups": lambda: nn.Conv2d(4, 6, 3, groups=2, padding=1),
    "depthwise": lambda: nn.Conv2d(4, 8, 3, groups=4, stride=2, bias=False),
    "linear": lambda: nn.Linear(4 * 7 * 6, 5),
}


class Front(nn.Module):
    """Normalises each channel in its own way, in steps."""

    def forward(self, x):
        return ((8 * x).floor() / 8 - torch.tensor([0.1, 0.2, 0.3, 0.4])[:, None, None]) / 0.37


FRONTS = {"nothing": nn.Identity, "a map": Front}


def network(layer, front="nothing"):
    first = LAYERS[layer]() if isinstance(layer, str) else layer
    flat = [nn.Flatten()]
    return nn.Sequential(FRONTS[front](), *(flat if isinstance(first, nn.Linear) else []), first, *flat).eval()


def find(module, image=None):
    found = first_layer.find(module, torch.rand(1, *SHAPE) if image is None else image)
    assert found is not None
    return found


def brute_force(module, gradient, image, value):
    """What the loss gains, to first order in the layer's output, by each pixel that becomes a value; in float64."""
    pixels = image[0].numel()
    changed = image.expand(pixels, *SHAPE).clone()
    changed.view(pixels, -1)[torch.arange(pixels), torch.arange(pixels)] = value
    with torch.no_grad():
        before, after = module(image).double(), module(changed).double()
    return ((after - before) @ gradient.flatten().double()).reshape(SHAPE)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
@pytest.mark.parametrize("name", ["ax-fpm", "mitchell", "e8m1", "ax-fpm-wrap", None])
@pytest.mark.parametrize("layer", LAYERS)
def test_scores_are_finite_changes_of_the_true_layer(layer, name):
    exact = network(layer, "a map")
    module = ApproximateModule(exact, name) if name else exact
    first = find(module, torch.rand(1, *SHAPE))
    below = float(np.nextafter(np.float32(0.5), np.float32(0)))
    image, values = torch.rand(1, *SHAPE), torch.tensor([0.0, 0.3, below, 0.5, 1.0])
    output, *_ = first.gradient(image, torch.tensor([0]), lambda logits, _: logits.sum(1))
    gradient = torch.randn(output.shape)
    scores = first.scores(gradient, first.kernels(values)) - first.own_scores(gradient, first.front(image))[:, None]
    for k, value in enumerate(values):
        expected = brute_force(module, gradient, image, value)
        assert expected.abs().max() > 0.1
        assert scores[0, k] == pytest.approx(expected.float(), abs=2e-4)


def test_scores_of_several_images_in_small_blocks(monkeypatch):
    module = ApproximateModule(network("padded"), "ax-fpm")
    images, gradient = torch.rand(3, *SHAPE), torch.randn(3, 3, 9, 7)
    first = find(module, images[:1])
    whole = first.own_scores(gradient, first.front(images))
    monkeypatch.setattr(first_layer, "LARGEST", 1)
    alone = [first.own_scores(gradient[k : k + 1], first.front(images[k : k + 1])) for k in range(3)]
    assert whole == pytest.approx(torch.cat(alone), abs=1e-5)


@pytest.mark.parametrize("layer", ["strided", "linear"])
def test_rules_of_products(layer):
    exact = network(layer)
    image = torch.rand(1, *SHAPE)
    for module, name in [
        (ApproximateModule(exact, "ax-fpm", layers={"1" if layer == "strided" else "2": "e8m1"}), "e8m1"),
        (nn.Sequential(ApproximateModule(exact, "mitchell")), "mitchell"),
    ]:
        assert str(getattr(find(module, image).rule, "multiplier", None)) == name
    assert find(ApproximateModule(exact, "ax-fpm", layers={"": None}), image).rule is None
    assert find(ApproximateModule(nn.Conv2d(4, 2, 3), "bf16"), image).rule is not None
    # The surrogate's products are those of masked operands: `widen`'s, which reach twice the exact ones.
    twin = find(surrogate(exact, "ax-fpm"), image)
    ones = twin.products(torch.ones(1, 1), torch.ones(1, 1))
    assert float(ones) == 2.0
    assert float(find(exact, image).products(torch.ones(1, 1), torch.ones(1, 1))) == 1.0


def test_gradient_at_the_first_layer():
    module = network("padded")
    image, label = torch.rand(2, *SHAPE), torch.tensor([0, 1])
    first = find(module, image[:1])
    weights = torch.randn(3 * 9 * 7)
    gradient, features, logits = first.gradient(image, label, lambda z, _: (z * z) @ weights, samples=1)
    assert torch.equal(features, image)
    assert gradient.flatten(1) == pytest.approx(2 * logits * weights, abs=1e-6)
    # Of several points the first is the output itself, and the noise of the others is small.
    mean, features, again = first.gradient(image, label, lambda z, _: (z * z) @ weights, samples=3)
    assert features.shape == image.shape
    assert torch.equal(again, logits)
    assert not torch.equal(mean, gradient)
    assert mean == pytest.approx(gradient, abs=0.5 * float(gradient.abs().max()))
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in module.modules())


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (nn.Sequential(nn.AvgPool2d(3, 1, 1), nn.Conv2d(4, 2, 3), nn.Flatten()), "is not a function of each pixel"),
        (nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(4, 2, 3), nn.Flatten()), "another shape than the image"),
        (nn.Sequential(nn.Conv2d(4, 2, 3, padding=1, padding_mode="circular"), nn.Flatten()), "pads by circular"),
        (nn.Sequential(nn.Softmax(1), nn.Flatten(), nn.Linear(168, 3)), "is not a function of each pixel"),
        (nn.Sequential(nn.Flatten()), "no convolution or linear layer"),
        (nn.Sequential(nn.Dropout(0.5), nn.Conv2d(4, 2, 3), nn.Flatten()).train(), "is not a function of each pixel"),
    ],
)
def test_what_is_left_out(module, reason):
    with pytest.warns(AxfpmWarning, match=f"is left out for this Sequential: .*{reason}"):
        assert first_layer.find(module, torch.rand(1, *SHAPE)) is None


def test_candidates_of_a_multiplier():
    values = candidates(find(ApproximateModule(network("plain"), "ax-fpm"), torch.rand(1, *SHAPE))).numpy()
    assert values.dtype == np.float32
    assert 30 <= len(values) <= 60
    assert (values.min(), values.max()) == (0, 1)
    for power in (1, 0.5, 0.25, 2**-7):
        assert {np.float32(power), np.nextafter(np.float32(power), np.float32(0))} <= set(values)


@pytest.mark.parametrize("layer", ["plain", "linear"])
def test_jumps_are_found_to_the_last_bit(layer):
    first = find(network(layer, "a map"), torch.rand(1, *SHAPE))  # eighths, rounded down
    steps = np.arange(1, 9, dtype=np.float32) / 8
    assert jumps(first).sort().values.tolist() == sorted([*steps, *np.nextafter(steps, np.float32(0))])
    smooth = find(network(layer), torch.rand(1, *SHAPE))
    assert not len(jumps(smooth))
    assert curve(smooth, torch.tensor([0.0, 0.3, 1.0])) == pytest.approx(torch.tensor([0.0, 0.3, 1.0]), abs=1e-6)
