"""A model on a multiplier as a module: state, copies, attack libraries, the published network."""

import copy
import gzip
import io
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_cases import Net, X
from torch import nn
from torch.nn import functional

from golden.cnn.models import DefensiveLeNet
from golden.errors import InvalidInput, InvalidType
from golden.multiply import multiply
from golden.pytorch import ApproximateModule, approximate, surrogate
from golden.sums import matmul


def test_forward_is_the_context():
    net = Net().eval()
    with approximate("ax-fpm"):
        y = net(X)
    assert torch.equal(ApproximateModule(net, "ax-fpm")(X), y)
    assert not torch.allclose(net(X), y, rtol=1e-2)


def test_state_is_the_models_own():
    net = Net()
    model = ApproximateModule(net, "ax-fpm")
    assert list(model.state_dict()) == list(net.state_dict())
    assert [name for name, _ in model.named_parameters()] == [name for name, _ in net.named_parameters()]
    assert all(a is b for a, b in zip(model.parameters(), net.parameters(), strict=True))
    assert [name for name, _ in model.named_buffers()] == [name for name, _ in net.named_buffers()]
    assert [name for name, _ in model.named_modules()] == [name for name, _ in net.named_modules()]
    assert "mean" in dict(model.named_buffers())
    other = Net()
    model.load_state_dict(other.state_dict())
    assert torch.equal(net.conv.weight, other.conv.weight)
    with pytest.raises(RuntimeError, match="Missing key"):
        model.load_state_dict({})


def test_train_eval_and_casts_reach_the_model():
    net = Net()
    model = ApproximateModule(net, "ax-fpm")
    assert model.training
    assert model.eval() is model
    assert not net.training and not net.norm.training and not model.training
    net.train()
    assert model.training
    model.requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())
    assert model.double() is model
    assert net.conv.weight.dtype == torch.float64
    with pytest.raises(InvalidType, match="conv2d of Conv2d 'conv' has an input of dtype float64"):
        model(X.double())
    model.to(torch.float32)
    assert model(X).dtype == torch.float32


def test_attributes_are_the_models():
    model = ApproximateModule(Net(), "ax-fpm")
    assert model.classes == 3
    assert model.conv == model.model.conv and model.conv.weight is model.model.get_parameter("conv.weight")
    with pytest.raises(AttributeError, match="nothing"):
        _ = model.nothing
    assert "multiplier=ax-fpm" in repr(model)


def _through_torch(model):
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), _through_torch])
@pytest.mark.parametrize("make", [lambda net: ApproximateModule(net, "ax-fpm", layers={"conv": None}), surrogate])
def test_copies_hold_a_model_of_their_own(duplicate, make):
    model = make(Net().eval())
    twin = duplicate(model)
    assert torch.equal(twin(X), model(X))
    assert list(twin.state_dict()) == list(model.state_dict())
    assert twin.context.settings == model.context.settings
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
        assert not twin(X).any()
        assert model(X).all()
    twin.train()
    assert twin.model.training and not model.training


def test_weights_edited_in_place_are_seen():
    net = Net().eval()
    model = ApproximateModule(net, "ax-fpm")
    y = model(X)
    net.model.weight.data.mul_(-1)
    net.model.bias.data.zero_()
    z = model(X)
    assert not torch.equal(y, z)
    fresh = ApproximateModule(copy.deepcopy(net), "ax-fpm")
    assert torch.equal(z, fresh(X))


def test_wrapped_twice_the_inner_multiplier_counts():
    net = Net().eval()
    inner = ApproximateModule(net, "bf16")
    assert torch.equal(ApproximateModule(inner, "ax-fpm")(X), inner(X))
    with approximate("ax-fpm"):
        assert torch.equal(inner(X), ApproximateModule(net, "bf16")(X))


def test_batches_do_not_change_results():
    model = ApproximateModule(Net().eval(), "ax-fpm")
    assert torch.equal(model(X), torch.cat([model(X[:1]), model(X[1:])]))


# A DeprecationWarning, and from torch 2.14 on a FutureWarning.
@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
def test_what_cannot_be_wrapped():
    with pytest.raises(InvalidType, match=r"a model is a torch\.nn\.Module, not function"):
        ApproximateModule(functional.relu, "ax-fpm")  # pyright: ignore[reportArgumentType] - wrong on purpose
    with pytest.raises(InvalidType, match="RecursiveScriptModule hides its operators"):
        ApproximateModule(torch.jit.script(nn.Linear(2, 2)), "ax-fpm")
    compiled: Any = torch.compile(nn.Linear(2, 2), backend="eager")
    with pytest.raises(InvalidType, match="OptimizedModule hides its operators"):
        ApproximateModule(compiled, "ax-fpm")
    with pytest.raises(InvalidInput, match="unknown multiplier"):
        ApproximateModule(nn.Linear(2, 2), "axfpm")


def test_the_surrogate_takes_over_multiplier_and_layers():
    net = Net().eval()
    model = ApproximateModule(net, "ax-fpm-widen", layers={"conv": None})
    stand_in = surrogate(model)
    assert stand_in.model is net
    torch.testing.assert_close(stand_in(X), model(X), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(stand_in(X), surrogate(net)(X), rtol=1e-3)
    assert list(stand_in.state_dict()) == list(net.state_dict())


@pytest.mark.parametrize("make", [lambda net: ApproximateModule(net, "ax-fpm"), surrogate])
def test_foolbox_drives_it(make):
    foolbox = pytest.importorskip("foolbox")
    model = make(Net().eval())
    wrapped = foolbox.PyTorchModel(model, bounds=(0, 1))
    labels = model(X).argmax(1)
    _, clipped, success = foolbox.attacks.FGSM()(wrapped, X, labels, epsilons=[0.0, 0.9])
    assert not success[0].any()
    assert success[1].any()
    # one step along the sign of this very model's gradient
    x = X.clone().requires_grad_()
    (grad,) = torch.autograd.grad(functional.cross_entropy(model(x), labels, reduction="sum"), x)
    torch.testing.assert_close(clipped[1], (X + 0.9 * grad.sign()).clamp(0, 1))


def test_attacks_may_run_inside_the_context():
    foolbox = pytest.importorskip("foolbox")
    net = Net().eval()
    with approximate("ax-fpm"):
        labels = net(X).argmax(1)
        wrapped = foolbox.PyTorchModel(net, bounds=(0, 1))
        _, inside, _ = foolbox.attacks.LinfPGD(steps=3)(wrapped, X, labels, epsilons=0.1)
    assert float((inside - X).abs().max()) == pytest.approx(0.1, abs=1e-6)


def test_the_published_network_sums_the_products_of_the_script():
    folder = os.environ.get("AXFPM_DATA")
    if not folder or not (Path(folder) / "authors" / "trained_lenet5.pt").exists():
        pytest.skip("AXFPM_DATA does not name a folder with authors/trained_lenet5.pt and mnist/")
    net = DefensiveLeNet().eval()
    net.load_state_dict(torch.load(Path(folder) / "authors" / "trained_lenet5.pt", "cpu", weights_only=True))
    images = gzip.decompress((Path(folder) / "mnist" / "t10k-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((Path(folder) / "mnist" / "t10k-labels-idx1-ubyte.gz").read_bytes())
    count = 4
    x = torch.tensor(np.frombuffer(images, np.uint8, count * 784, 16).reshape(count, 1, 28, 28) / np.float32(255))
    model = ApproximateModule(net, "ax-fpm", accumulate="float64")
    with torch.no_grad():
        logits = model(x)
    assert logits.argmax(1).tolist() == list(labels[8 : 8 + count])
    # By products of golden.multiply, which equal the script's, added in float64 in sequence, the bias last.
    columns = functional.unfold(x[:1], 3, padding=1)[0].numpy()
    kernels = net.conv1.weight.detach().reshape(32, 9).numpy()
    products = multiply(columns[None], kernels[:, :, None], "ax-fpm").astype(np.float64)
    sums = np.cumsum(products, axis=1)[:, -1] + torch.as_tensor(net.conv1.bias).detach().numpy()[:, None]
    with approximate("ax-fpm", accumulate="float64"), torch.no_grad():
        first = net.conv1(x[:1])
        hidden = functional.max_pool2d(net.conv2(functional.max_pool2d(net.conv1(x).relu(), 2)).relu(), 2)
        hidden = net.linear1(hidden.flatten(1)).relu()
    assert np.array_equal(first[0].flatten(1).numpy(), sums.astype(np.float32))
    weights, bias = net.linear2.weight.detach(), net.linear2.bias.detach()
    assert torch.equal(logits, matmul(hidden, weights.t(), "ax-fpm", bias, "float64"))
    products = multiply(hidden.numpy()[:, :, None], weights.t().numpy()[None], "ax-fpm").astype(np.float64)
    assert np.array_equal(logits.numpy(), (np.cumsum(products, axis=1)[:, -1] + bias.numpy()).astype(np.float32))
