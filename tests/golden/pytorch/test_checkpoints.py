"""Checkpointed products: a backward pass computes them again, on the multiplier or not at all."""

import contextlib

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from golden.errors import InvalidInput
from golden.pytorch import ApproximateModule, approximate, coverage, surrogate

pytestmark = pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad:UserWarning")

X = torch.rand(2, 4, generator=torch.Generator().manual_seed(1))


class Net(nn.Module):
    """Two layers, of which the first is checkpointed if asked."""

    def __init__(self, reentrant: bool | None):
        super().__init__()
        torch.manual_seed(3)
        self.reentrant = reentrant
        self.first = nn.Sequential(nn.Linear(4, 6), nn.ReLU())
        self.last = nn.Linear(6, 3)

    def forward(self, x):
        if self.reentrant is None:
            return self.last(self.first(x))
        return self.last(checkpoint(self.first, x, use_reentrant=self.reentrant))


def gradients(net: nn.Module, call=None) -> list[torch.Tensor]:
    x = X.clone().requires_grad_()
    net.zero_grad()
    (call or net)(x).square().sum().backward()
    return [torch.as_tensor(t.grad) for t in (x, *net.parameters())]


@pytest.mark.parametrize("make", [lambda net, **layers: ApproximateModule(net, "ax-fpm", **layers), surrogate])
@pytest.mark.parametrize("outer", [None, "ax-fpm"])
@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoints_inside_a_module_are_refused(make, outer, reentrant):
    model = make(Net(reentrant))
    message = "^linear of Linear 'first.0' is checkpointed inside an ApproximateModule .* turn checkpointing off, or"
    with approximate(outer) if outer else contextlib.nullcontext(), pytest.raises(InvalidInput, match=message):
        model(X.clone().requires_grad_())
    with torch.no_grad():
        assert torch.equal(model(X), make(Net(None))(X))
    excluded = make(Net(reentrant), layers={"first": None})
    for a, b in zip(gradients(excluded), gradients(make(Net(None), layers={"first": None})), strict=True):
        assert torch.equal(a, b)
    with approximate("ax-fpm"), pytest.raises(InvalidInput, match="is checkpointed inside"):
        excluded(X.clone().requires_grad_())


@pytest.mark.parametrize("outer", [None, "bf16"])
@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpoint_around_a_module_computes_it_again_on_the_multiplier(outer, reentrant):
    model = ApproximateModule(Net(None), "ax-fpm", layers={"last": "ax-fpm:block=2"})
    expected = [g.clone() for g in gradients(model)]
    with approximate(outer) if outer else contextlib.nullcontext():
        found = gradients(model, lambda x: checkpoint(model, x, use_reentrant=reentrant))
    for a, b in zip(found, expected, strict=True):
        assert torch.equal(a, b)
    inside = ApproximateModule(Net(False), "ax-fpm")
    with pytest.raises(InvalidInput, match="is checkpointed inside"):
        gradients(inside, lambda x: checkpoint(inside, x, use_reentrant=reentrant))


@pytest.mark.parametrize("reentrant", [False, True])
def test_backward_of_checkpoints_outside_their_context_is_refused(reentrant):
    net = Net(reentrant)
    expected = gradients(ApproximateModule(Net(None), "ax-fpm"))
    context = approximate("ax-fpm")
    x = X.clone().requires_grad_()
    with context:
        losses = [net(x).square().sum() for _ in range(3)]
    message = "outside the context that computed them; call it inside the same"
    with pytest.raises(InvalidInput, match=message):
        losses[0].backward()
    with approximate("bf16"), pytest.raises(InvalidInput, match=message):
        losses[1].backward()
    x.grad = None
    net.zero_grad()
    with context:
        losses[2].backward()
    for a, b in zip((x, *net.parameters()), expected, strict=True):
        assert torch.equal(torch.as_tensor(a.grad), b)


@pytest.mark.parametrize("reentrant", [False, True])
def test_names_are_not_known_when_computed_again(reentrant):
    net = Net(reentrant)
    with approximate("ax-fpm", layers=lambda name, module: name != "first.0"):
        with pytest.raises(InvalidInput, match=r"of Linear 'first[.]0' is checkpointed in a context with layers="):
            net(X.clone().requires_grad_())
        with torch.no_grad():
            net(X)


def test_coverage_counts_checkpointed_layers():
    assert coverage(Net(False), X, "ax-fpm").macs == 2 * 4 * 6 + 2 * 6 * 3
