"""What is reached through an ApproximateModule is the model's own: equal, hooked, copied and saved like it."""

import copy
import functools
import inspect
import io
import pickle
from typing import Any

import pytest
import torch
from reached_cases import Callee, Model, X, pair
from torch import nn
from torch.nn import functional

from golden.pytorch import ApproximateModule, coverage
from golden.sums import matmul


def test_a_view_is_its_module():
    model, approximated = pair()
    view = approximated.first
    assert isinstance(view, nn.Linear) and view.__class__ is nn.Linear
    assert view == model.first and model.first == view and hash(view) == hash(model.first) and view is not model.first
    assert view != model.blocks[1] and repr(view) == repr(model.first)
    assert view.weight is model.first.weight and view.in_features == 5
    assert view in set(model.modules()) and len(approximated.blocks) == 2 and "a" in approximated.heads
    view.requires_grad_(False)
    assert view.eval() == model.first and not model.first.training and not model.first.weight.requires_grad
    assert view.double() is view and model.first.weight.dtype == torch.float64
    view.float()
    with torch.no_grad():
        view.weight.zero_()
        view.bias.fill_(2.0)
    assert (approximated.first(X) == 2).all()
    assert list(view.state_dict()) == ["weight", "bias"]
    assert type(view)(5, 1).__class__ is nn.Linear and type(type(view)(5, 1)) is nn.Linear


def test_traversal_gives_the_models_own():
    model, approximated = pair()
    for name in ("children", "parameters", "buffers"):
        assert all(a is b for a, b in zip(getattr(approximated, name)(), getattr(model, name)(), strict=True))
    assert all(a is b for a, b in zip([*approximated.modules()][1:], [*model.modules()][1:], strict=True))
    assert all(a is b for a, b in zip(approximated.blocks.children(), model.blocks.children(), strict=True))
    exact = next(iter(approximated.children()))
    assert torch.equal(exact(X), model.first(X))
    assert approximated.model is model and torch.equal(approximated.model.encode(X), model.encode(X))
    names = []
    approximated.apply(lambda module: names.append(type(module)))
    assert names[-1] is Model


@pytest.mark.parametrize(
    "call",
    [lambda m, x: m(x), lambda m, x: m.encode(x), lambda m, x: m.first(x), lambda m, x: m.get_submodule("first")(x)],
)
def test_hooks_run_once(call):
    model, approximated = pair()
    seen = []
    approximated.first.register_forward_pre_hook(lambda module, inputs: seen.append(("before", module)))
    handle = model.first.register_forward_hook(lambda module, inputs, output: seen.append(("after", module)))
    approximated.first.register_full_backward_hook(lambda module, *_: seen.append(("backward", module)))
    call(approximated, X.clone().requires_grad_()).sum().backward()
    assert [name for name, _ in seen] == ["before", "after", "backward"]
    assert all(module is model.first for _, module in seen)
    handle.remove()
    seen.clear()
    call(approximated, X)
    assert [name for name, _ in seen] == ["before"]


def test_hooks_of_its_own_run_once():
    model, approximated = pair()
    seen = []
    approximated.register_forward_hook(lambda module, inputs, output: seen.append(module))
    approximated.register_full_backward_hook(lambda module, *_: seen.append("backward"))
    approximated.register_state_dict_post_hook(lambda module, *_: seen.append("state"))
    approximated(X.clone().requires_grad_()).sum().backward()
    approximated.state_dict()
    assert seen == [approximated, "backward", "state"]
    assert not model._forward_hooks


def test_callables_look_like_themselves():
    model, approximated = pair()
    assert inspect.ismethod(approximated.encode) and inspect.isfunction(approximated.function)
    assert inspect.signature(approximated.encode) == inspect.signature(model.encode)
    assert approximated.encode.__self__ is model and approximated.encode == model.encode
    assert isinstance(approximated.partial, functools.partial) and approximated.partial.func == functional.linear
    approximated.callee(X)
    approximated.callee.note = 1
    assert (approximated.callee.calls, model.callee.calls, model.callee.note) == (1, 1, 1)
    assert approximated.callee.__class__ is Callee
    assert isinstance(approximated.hidden, tuple) and approximated.hidden[0] == model.hidden[0]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize("reach", [lambda m: m.first, lambda m: m.blocks[0][0], lambda m: m.first.forward])
def test_copies_of_what_is_reached_have_a_model_of_their_own(duplicate, reach):
    model: Any = Model()
    del model.hidden, model.by_name, model.function, model.group
    approximated: Any = ApproximateModule(model, "ax-fpm", layers={"blocks": "bf16"})
    found = reach(approximated)
    twin = duplicate(found)
    assert torch.equal(twin(X), found(X)) and twin != found
    (getattr(twin, "__self__", twin)).weight.data.zero_()
    assert model.first.weight.any() and model.blocks[0][0].weight.any()
    assert not torch.equal(twin(X), found(X))
    both = copy.deepcopy((approximated, approximated.first))
    assert both[0].first == both[1]


def test_saved_by_torch():
    _, approximated = pair()
    file = io.BytesIO()
    torch.save(approximated.first, file)
    file.seek(0)
    assert torch.equal(torch.load(file, weights_only=False)(X), approximated.first(X))


def test_views_in_other_modules_enter_the_context():
    model, approximated = pair(layers={"first": "bf16"})
    net = nn.Sequential(approximated.first, nn.ReLU(), approximated.blocks[1])
    hidden = matmul(X, model.first.weight.t(), "bf16", model.first.bias).relu()
    expected = matmul(hidden, model.blocks[1].weight.t(), "ax-fpm", model.blocks[1].bias)
    assert torch.equal(net(X), expected)
    assert list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    rows = [(o.module, o.multiplier) for o in coverage(net, X, "e8m2") if o.approximated]
    assert [multiplier for _, multiplier in rows] == ["bf16", "ax-fpm"]
