"""Biases that grow with the products they are added to: one factor per bias, fitted, weights untouched."""

import copy
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import fusion, parametrize

import axfpm
from golden.cnn import checkpoint as checkpoints, data
from golden.errors import InvalidInput, InvalidType
from golden.pytorch import ApproximateModule, approximate, calibrate
from golden.pytorch.calibration import calibration as calibration_of


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def filled(model: Any, seed: int = 3, bias: float = 1.0) -> Any:
    """The model with weights that keep the size of what passes, and biases as large."""
    g = generator(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, generator=g))
            p.mul_((2 / p[0].numel()) ** 0.5 if p.dim() > 1 else bias)
        for name, b in model.named_buffers():
            if "running" in name:
                b.copy_(torch.rand(b.shape, generator=g) + 0.5)
    return model.eval()


def chain(depth: int = 3, width: int = 16, **settings: Any) -> Any:
    layers = [layer for _ in range(depth - 1) for layer in (nn.Linear(width, width), nn.ReLU())]
    return filled(nn.Sequential(*layers, nn.Linear(width, 10)), **settings)


X = torch.randn(200, 16, generator=generator(1))


def calibration(*args: Any) -> Any:
    return calibration_of(*args)


def run(model: Any, x: torch.Tensor, multiplier: str | None = None) -> torch.Tensor:
    with torch.no_grad():
        return (ApproximateModule(model, multiplier) if multiplier else model)(x)


def products(layer: Any, x: torch.Tensor, multiplier: str | None = None) -> torch.Tensor:
    """What a layer adds its bias to, by itself."""
    bare = copy.deepcopy(layer)
    bare.bias = None
    return run(bare, x, multiplier).double()


def test_each_bias_has_the_factor_of_its_products_on_the_exact_ones():
    model = chain()
    scaled, factors = calibration(model, "ax-fpm", X)
    exact, mine = X, X
    for name in ("0", "2", "4"):
        e, a = products(model.get_submodule(name), exact), products(model.get_submodule(name), mine, "ax-fpm")
        expected = float((a * e).sum() / (e * e).sum())
        assert factors[f"{name}.bias"] == pytest.approx(expected, rel=1e-4)
        assert torch.equal(scaled.get_submodule(name).bias, model.get_submodule(name).bias * factors[f"{name}.bias"])
        assert torch.equal(scaled.get_submodule(name).weight, model.get_submodule(name).weight)
        exact = run(model.get_submodule(name), exact).relu()
        mine = run(scaled.get_submodule(name), mine, "ax-fpm").relu()
    assert list(factors) == ["0.bias", "2.bias", "4.bias"]
    assert 1.3 < factors["0.bias"] < 1.5 and factors["0.bias"] ** 2 < factors["4.bias"] < 1.5**3


def test_an_exact_multiplier_changes_nothing():
    factors = calibration(chain(), "exact", X)[1]
    assert list(factors.values()) == [1, 1, 1]
    partly = ApproximateModule(chain(), "ax-fpm", layers={"": None})
    assert list(calibration(partly, "ax-fpm", X)[1].values()) == [1, 1, 1]


def test_a_deep_network_with_large_biases_regains_its_accuracy():
    """Four layers of random features, and the class whose mean feature is nearest."""
    g, classes = generator(2), torch.arange(10).repeat(60)
    x = torch.randn(10, 64, generator=g)[classes] + 0.5 * torch.randn(600, 64, generator=g)
    model = chain(5, 64, bias=0.5)
    features = run(model[:-1], x)
    means = torch.stack([features[classes == c].mean(0) for c in range(10)])
    with torch.no_grad():
        model[-1].weight.copy_(means - means.mean(0))
        model[-1].bias.copy_(-means.square().sum(1) / 2)
    fitted = torch.arange(600) % 3 == 0
    scaled = axfpm.calibrate(model, "ax-fpm", x[fitted])

    def accuracy(m, multiplier=None):
        return float((run(m, x[~fitted], multiplier).argmax(1) == classes[~fitted]).float().mean())

    assert accuracy(model) > 0.95
    assert accuracy(model, "ax-fpm") < 0.7
    assert accuracy(scaled, "ax-fpm") > 0.9


needs_mnist = pytest.mark.skipif(
    not Path(os.environ.get("AXFPM_DATA", ""), "mnist").is_dir(), reason="AXFPM_DATA names no folder with mnist/"
)


@pytest.mark.parametrize("name", ["lenet5-digits", pytest.param("lenet5-mnist", marks=needs_mnist)])
def test_lenet5_is_no_worse(name):
    model, _ = checkpoints.load(name)
    dataset = name.removeprefix("lenet5-")
    if dataset == "mnist":
        images, labels = data.load(dataset)
        images, labels = images[:800], labels[:800]
        fitted, images, labels = images[:200], torch.from_numpy(images[200:]), torch.from_numpy(labels[200:])
    else:
        fitted = data.load(dataset, "train")[0][:200]
        images, labels = map(torch.from_numpy, data.load(dataset))
    scaled, factors = calibration(model, "ax-fpm", fitted)
    right = [int((run(m, images, "ax-fpm").argmax(1) == labels).sum()) for m in (model, scaled)]
    assert right[1] >= right[0]
    assert list(factors) == [f"{layer}.bias" for layer in ("conv1", "conv2", "fc1", "fc2", "fc3")]
    gains = list(factors.values())
    assert all(1.2 < b / a < 1.6 for a, b in zip([1.0, *gains], gains, strict=False))


class Residual(nn.Module):
    """A branch beside what it is added to, with or without batch norms of running statistics."""

    def __init__(self, norms=True):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 6, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(6) if norms else nn.Identity()
        self.conv2 = nn.Conv2d(6, 6, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(6) if norms else nn.Identity()
        self.fc = nn.Linear(6, 4)

    def forward(self, x):
        x = self.bn1(self.conv1(x)).relu()
        return self.fc((x + self.bn2(self.conv2(x))).relu().mean((2, 3)))


IMAGES = torch.rand(60, 2, 8, 8, generator=generator(4))


def test_batch_norm_folded_or_not():
    model = filled(Residual())
    folded = copy.deepcopy(model)
    for i in ("1", "2"):
        conv, norm = model.get_submodule(f"conv{i}"), model.get_submodule(f"bn{i}")
        setattr(folded, f"conv{i}", fusion.fuse_conv_bn_eval(conv, norm))
        setattr(folded, f"bn{i}", nn.Identity())
    assert torch.allclose(run(model, IMAGES), run(folded, IMAGES), atol=1e-5)
    scaled, factors = calibration(model, "ax-fpm", IMAGES)
    of_folded = calibration(folded, "ax-fpm", IMAGES)[1]
    assert factors["bn1.running_mean"] == factors["bn1.bias"]
    weights = (model.bn1.weight / (model.bn1.running_var + model.bn1.eps).sqrt()).detach()
    e, a = (run(m.conv1, IMAGES, on) * weights[:, None, None] for m, on in ((model, None), (scaled, "ax-fpm")))
    assert factors["bn1.bias"] == pytest.approx(float((a * e).sum() / (e * e).sum()), rel=1e-4)
    for i in ("1", "2"):
        assert factors[f"bn{i}.bias"] == pytest.approx(of_folded[f"conv{i}.bias"], rel=0.15)
    for name, tensor in model.state_dict().items():
        expected = tensor * factors[name] if name in factors else tensor
        assert torch.equal(scaled.state_dict()[name], expected), name
    assert {"bn1.weight", "bn1.running_var", "conv1.weight"}.isdisjoint(factors)


def test_norms_of_their_own_statistics_end_the_growth():
    model = filled(nn.Sequential(nn.Linear(16, 16), nn.LayerNorm(16), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 3)))
    factors = calibration(model, "ax-fpm", X)[1]
    assert list(factors) == ["0.bias", "2.bias", "4.bias"]  # the norm's own shift is right as it is
    assert 1.3 < factors["2.bias"] < 1.6 < factors["4.bias"] < 2.3
    batch = filled(nn.Sequential(nn.Linear(16, 16), nn.BatchNorm1d(16, track_running_stats=False), nn.Linear(16, 3)))
    assert list(calibration(batch, "ax-fpm", X)[1]) == ["0.bias", "2.bias"]
    tracking = filled(nn.Sequential(nn.Conv2d(2, 3, 3), nn.InstanceNorm2d(3, affine=True, track_running_stats=True)))
    assert set(calibration(tracking, "ax-fpm", IMAGES)[1]) == {"0.bias", "1.running_mean", "1.bias"}
    plain = filled(nn.Sequential(nn.Conv2d(2, 3, 3), nn.InstanceNorm2d(3, affine=True)))
    assert set(calibration(plain, "ax-fpm", IMAGES)[1]) == {"0.bias"}


class Attending(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(4, 8)
        self.position = nn.Parameter(torch.zeros(1, 5, 8))
        self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.cross = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Parameter(torch.zeros(8, 3))
        self.shift = nn.Parameter(torch.zeros(3))

    def forward(self, x):
        x = self.block(self.embed(x) + self.position)
        y = x.flip(1)
        return torch.addmm(self.shift, self.cross(x, y, y)[0].mean(1), self.head)


def test_biases_wherever_they_are_added():
    model = filled(Attending())
    x = torch.randn(40, 5, 4, generator=generator(5))
    scaled, factors = calibration(model, "ax-fpm", x)
    assert list(factors) == [
        *("embed.bias", "position", "block.self_attn.in_proj_bias", "block.self_attn.out_proj.bias"),
        *("block.linear1.bias", "block.linear2.bias", "cross.in_proj_bias[0:8]", "cross.in_proj_bias[8:24]"),
        *("cross.out_proj.bias", "shift"),
    ]
    assert all(factor > 1.02 for factor in factors.values())
    before, after = model.cross.in_proj_bias, scaled.cross.in_proj_bias
    assert torch.equal(after[:8], before[:8] * factors["cross.in_proj_bias[0:8]"])
    assert torch.equal(after[8:], before[8:] * factors["cross.in_proj_bias[8:24]"])
    for name, p in model.named_parameters():
        if "norm" in name or p.dim() == 2:
            assert torch.equal(scaled.state_dict()[name], p), name


class Twice(nn.Module):
    """One layer used again and again; ``last`` says what is between the uses."""

    def __init__(self, between, uses=3):
        super().__init__()
        self.layer, self.out = nn.Linear(16, 16), nn.Linear(16, 3)
        self.between, self.uses = between, uses

    def forward(self, x):
        for _ in range(self.uses):
            x = self.between(self.layer(x))
        return self.out(x)


@pytest.mark.parametrize("between", [torch.tanh, torch.relu])
def test_a_layer_that_is_used_again_has_one_factor_over_all_its_calls(between):
    model = filled(Twice(between), bias=0.3)
    scaled, factors = calibration(model, "ax-fpm", X)
    both = same = 0.0
    exact, mine = X, X
    for _ in range(model.uses):
        e, a = products(model.layer, exact), products(model.layer, mine, "ax-fpm")
        both, same = both + float((a * e).sum()), same + float((e * e).sum())
        exact, mine = between(run(model.layer, exact)), between(run(scaled.layer, mine, "ax-fpm"))
    assert factors["layer.bias"] == pytest.approx(both / same, rel=2e-3)
    assert list(factors) == ["layer.bias", "out.bias"]


def test_the_model_is_left_as_it_was_and_the_copy_is_like_any_other():
    model = nn.Sequential(nn.Dropout(0.5), filled(Residual())).train()
    model[1].eval()
    before = copy.deepcopy(model.state_dict())
    torch.manual_seed(1)
    scaled = calibrate(model, "ax-fpm", IMAGES)
    state = torch.random.get_rng_state()
    torch.manual_seed(1)
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), before.values(), strict=True))
    assert all(p.grad is None and p.requires_grad for p in (*model.parameters(), *scaled.parameters()))
    assert [m.training for m in scaled.modules()] == [m.training for m in model.modules()]
    again = calibrate(model, "ax-fpm", IMAGES.numpy())
    x = IMAGES[:5]
    expected = run(scaled.eval(), x, "ax-fpm")
    for twin in (again.eval(), copy.deepcopy(scaled), pickle.loads(pickle.dumps(scaled))):
        assert torch.equal(run(twin, x, "ax-fpm"), expected)


def test_a_model_without_biases_is_returned_unchanged():
    model = nn.Sequential(nn.Linear(16, 8, bias=False), nn.ReLU(), nn.Linear(8, 3, bias=False))
    scaled, factors = calibration(model, "ax-fpm", X)
    assert not factors and scaled is not model
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), scaled.parameters(), strict=True))


def test_layers_and_settings_of_an_approximate_module():
    model = chain()
    wrapped = ApproximateModule(model, "bf16", layers={"2": None}, accumulate="float64")
    scaled, factors = calibration(wrapped, "ax-fpm", X)
    assert type(scaled) is nn.Sequential
    assert factors["2.bias"] == pytest.approx(factors["0.bias"], rel=0.1)  # exact, and what comes in has grown
    assert factors["4.bias"] > 1.3 * factors["2.bias"]
    with approximate("mitchell"):
        assert calibration(model, "ax-fpm", X)[1] == calibration(model, "ax-fpm", X)[1]
        assert calibration(wrapped, "ax-fpm", X)[1] == factors
    uncovered = nn.Sequential(nn.ConvTranspose2d(2, 3, 2), nn.Flatten(), nn.Linear(243, 3))
    with pytest.raises(InvalidInput, match=r"has no emulation on a multiplier; exclude its module"):
        calibrate(uncovered, "ax-fpm", IMAGES)
    listed = calibration(ApproximateModule(uncovered, "ax-fpm", uncovered="exact"), "ax-fpm", IMAGES)[1]
    assert listed["0.bias"] == 1 and listed["2.bias"] > 1.2


class Wandering(nn.Module):
    """Calls its second layer only where the first one's results are small, or only where they are large."""

    def __init__(self, small=True):
        super().__init__()
        self.first, self.second, self.small = nn.Linear(16, 16), nn.Linear(16, 16), small

    def forward(self, x):
        y = self.first(x)
        return self.second(y) if (float(y.abs().mean()) < 1.7) == self.small else y


class Overlapping(nn.Module):
    def __init__(self):
        super().__init__()
        self.shift = nn.Parameter(torch.ones(16))

    def forward(self, x):
        return torch.cat([x.flip(1) + self.shift, x[:, :8] * 2 + self.shift[:8]], 1)


class Computed(nn.Module):
    def forward(self, x):
        return x.exp()


def computed_bias() -> nn.Module:
    layer = nn.Linear(16, 3)
    parametrize.register_parametrization(layer, "bias", Computed())
    return layer


@pytest.mark.parametrize(
    ("model", "images", "error", "message"),
    [
        (functional.relu, X, InvalidType, r"a model is a torch\.nn\.Module, not function"),
        (chain(), [[0.5] * 16], InvalidType, "images are an array or a tensor, not list"),
        (chain(), X[:0], InvalidInput, "no images to fit gains to; give at least one"),
        (chain(), X.double(), InvalidType, "dtype float64"),
        (chain(), X * 0, InvalidInput, "the approximate products to which '0.bias' is added are nan times the exact"),
        (nn.Sequential(ApproximateModule(chain(), "ax-fpm")), X, InvalidInput, "holds an ApproximateModule or a part"),
        (filled(Wandering()), X, InvalidInput, "the model calls other layers on the multiplier than exactly"),
        (filled(Wandering(False)), X, InvalidInput, "the model calls other layers on the multiplier than exactly"),
        (computed_bias(), X, InvalidInput, "linear adds a bias that the model computes from others.*make it a param"),
    ],
)
def test_what_cannot_be_calibrated(model, images, error, message):
    with pytest.raises(error, match=message):
        calibrate(model, "ax-fpm", images)


def test_unknown_multipliers_and_overlapping_parts():
    with pytest.raises(InvalidInput, match="unknown multiplier 'ax-fmp'; did you mean"):
        calibrate(chain(), "ax-fmp", X)
    model = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), Overlapping())
    with pytest.raises(InvalidInput, match="adds overlapping parts of one parameter in different calls"):
        calibrate(model, "ax-fpm", X)


def test_a_factor_that_does_not_settle_is_refused():
    model = filled(Twice(torch.relu, 6), bias=5.0)
    with torch.no_grad():
        model.layer.weight.mul_(3)
    with pytest.raises(InvalidInput, match="a bias in several calls whose common factor does not settle"):
        calibrate(model, "ax-fpm", X)
