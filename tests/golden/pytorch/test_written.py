"""What is written to an ApproximateModule, or registered through it, reaches the model; what is its own stays."""

import types

import pytest
import torch
from reached_cases import SCALE, Model, X, pair
from torch import nn
from torch.nn.utils import parametrize

from golden.errors import InvalidInput
from golden.pytorch import ApproximateModule, approximate
from golden.sums import matmul


def test_writes_reach_the_model():
    model, approximated = pair()
    approximated.classes, approximated.new = 7, "text"
    assert (model.classes, model.new, approximated.classes) == (7, "text", 7)
    approximated.weight = nn.Parameter(torch.eye(5))
    approximated.seen = torch.ones(())
    approximated.first = nn.Linear(5, 5, bias=False)
    assert torch.equal(model.weight, torch.eye(5)) and model.seen == 1 and model.first.bias is None
    assert (
        {"weight", "first.weight"} <= set(dict(approximated.named_parameters())) == set(dict(model.named_parameters()))
    )
    approximated.first.weight = nn.Parameter(torch.zeros(5, 5))
    setattr(approximated.first, "note", 1)  # noqa: B010
    assert not model.first.weight.any() and model.first.note == 1
    approximated.blocks[1] = nn.Identity()
    approximated.blocks.append(approximated.first)
    approximated.heads["c"] = approximated.first
    approximated.tied = approximated.first
    approximated.add_module("also", approximated.first)
    approximated.heads.add_module("d", approximated.first)
    assert type(model.blocks[1]) is nn.Identity
    assert all(m is model.first for m in (model.blocks[2], model.heads["c"], model.tied, model.also, model.heads["d"]))
    assert all(type(module).__mro__[1].__name__ != "_View" for module in model.modules())
    del approximated.classes, approximated.weight, approximated.tied, approximated.first.note
    assert not any(hasattr(model, name) for name in ("classes", "weight", "tied"))
    assert not hasattr(model.first, "note")
    with pytest.raises(AttributeError, match="nothing"):
        del approximated.nothing


def test_a_forward_written_to_it_runs_in_the_context():
    model, approximated = pair()
    approximated.forward = types.MethodType(lambda self, x: x @ self.weight, model)
    assert torch.equal(approximated(X), matmul(X, model.weight, "ax-fpm"))
    approximated.encode = lambda x: x @ SCALE
    assert torch.equal(approximated.encode(X), matmul(X, SCALE, "ax-fpm"))


def test_a_forward_may_call_the_one_that_it_replaces():
    model, approximated = pair(temperature=2.0)
    logits, before, inner = approximated(X), approximated.forward, approximated.first.forward
    approximated.forward = lambda x: before(x) @ torch.eye(2)
    approximated.first.forward = lambda x: inner(x) * 2
    model.first.weight.data /= 2
    model.first.bias.data /= 2
    assert torch.equal(approximated(X), matmul(logits, torch.eye(2), "ax-fpm"))
    del approximated.forward, approximated.first.forward
    model.first.weight.data *= 2
    model.first.bias.data *= 2
    assert torch.equal(approximated(X), logits)
    with pytest.raises(AttributeError, match="forward"):
        del approximated.forward


def test_a_submodule_compiled_through_it_runs_eagerly():
    _, approximated = pair()
    expected = approximated(X), approximated.first(X)
    approximated.first.compile(backend="eager")
    assert torch.equal(approximated(X), expected[0]) and torch.equal(approximated.first(X), expected[1])


def test_only_three_names_are_its_own():
    model, approximated = pair()
    model._temperature = 7
    approximated._masking = "mine"
    assert (approximated._temperature, model._masking) == (7, "mine")
    approximated._temperature = 3
    assert (model._temperature, approximated.temperature) == (3, 1.0)


def test_its_class_stays():
    model, approximated = pair()
    with pytest.raises(InvalidInput, match="keeps its class; register a parametrization of the model's own weights on"):
        approximated.__class__ = ApproximateModule
    assert type(model) is Model and type(approximated) is ApproximateModule


def test_its_own_attributes_stay():
    model, approximated = pair()
    with pytest.raises(InvalidInput, match="keeps its model; make another one"):
        approximated.model = Model()
    with pytest.raises(AttributeError, match="own, and stays"):
        del approximated.model
    approximated.training = False
    assert not model.training
    approximated.context = approximate("bf16")
    assert torch.equal(approximated.first(X), ApproximateModule(model, "bf16").first(X))
    assert {"encode", "context", "first"} <= set(dir(approximated))


def test_a_parametrization_registered_through_it_is_the_models():
    class Double(nn.Module):
        def forward(self, w):
            return 2 * w

    model, approximated = pair()
    w = model.first.weight.detach().clone()
    parametrize.register_parametrization(approximated.first, "weight", Double())
    assert torch.equal(model.first.weight, 2 * w) and parametrize.is_parametrized(model.first)
    assert torch.equal(approximated.first(X), matmul(X, 2 * w.t(), "ax-fpm", model.first.bias))
    assert torch.equal(approximated.first.weight, 2 * w)
