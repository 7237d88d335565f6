"""What is reached through an ApproximateModule runs on the multiplier, and what is written to it reaches the model."""

import collections
import copy
import functools
import inspect
import io
import pickle
import types
import warnings
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrize

from golden.errors import InvalidInput
from golden.pytorch import ApproximateModule, approximate, coverage, surrogate
from golden.sums import matmul

X = torch.randn(3, 5, generator=torch.Generator().manual_seed(1))
SCALE = torch.randn(5, 5, generator=torch.Generator().manual_seed(2))


class Callee:
    """An object that can be called and is no module."""

    def __init__(self):
        self.calls = 0

    def __call__(self, x):
        self.calls += 1
        return x @ SCALE

    def other(self, x):
        return x @ SCALE.t()


class Computed:
    """A descriptor of someone else's."""

    def __init__(self, function):
        self.function = function

    def __get__(self, holder, cls=None):
        return self if holder is None else self.function(holder)


Named = collections.namedtuple("Named", "layer other")


def rotate(x):
    return x @ SCALE


class Model(nn.Module):
    """Every way in which a model offers something to call."""

    registered = ()

    def __init_subclass__(cls, **kwargs):
        Model.registered += (cls,)

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.first = nn.Linear(5, 5)
        self.blocks = nn.ModuleList([nn.Sequential(nn.Linear(5, 5), nn.ReLU()), nn.Linear(5, 5)])
        self.heads = nn.ModuleDict({"a": nn.Linear(5, 2), "b": nn.Linear(5, 5)})
        self.hidden = [nn.Linear(5, 5)]
        self.by_name = {"rotate": rotate}
        self.ordered = collections.OrderedDict(first=self.first)
        self.gathered = collections.defaultdict(list, first=[self.first])
        self.named, self.queue, self.group = Named(self.first, 1), collections.deque([self.first]), {self.first}
        self.function, self.partial, self.callee = rotate, functools.partial(functional.linear, weight=SCALE), Callee()
        self.weight = nn.Parameter(torch.randn(5, 5))
        self.register_buffer("seen", torch.zeros(()))
        self.classes = 3

    def encode(self, x, times=1):
        for _ in range(times):
            x = self.first(x)
        return x @ self.weight

    def layer(self, index):
        return self.blocks[index]

    def steps(self, x):
        for block in self.blocks:
            x = block(x)
            received = yield x
            x = x if received is None else received
        return x

    def lazily(self, xs):
        return map(self.encode, xs)

    async def later(self, x):
        return self.encode(x)

    async def streamed(self, x):
        yield self.encode(x)

    @property
    def product(self):
        return X @ self.weight

    @Computed
    def described(self):
        return X @ self.weight

    def __getattr__(self, name):
        if name == "answered":
            return X @ self.weight
        return super().__getattr__(name)

    @property
    def itself(self):
        return self

    @staticmethod
    def static(x):
        return x @ SCALE

    @classmethod
    def of_class(cls, x):
        return x @ SCALE

    def forward(self, x):
        return self.heads["a"](self.encode(x))


def pair(**settings) -> tuple[Any, Any]:
    model = Model()
    return model, ApproximateModule(model, "ax-fpm", **settings)


CALLS = {
    "a method": lambda m: m.encode(X, times=2),
    "a submodule": lambda m: m.first(X),
    "its forward": lambda m: m.first.forward(X),
    "an index": lambda m: m.blocks[1](X),
    "two levels": lambda m: m.blocks[0][0](X),
    "a slice": lambda m: m.blocks[0][:1](X),
    "from the end": lambda m: m.blocks[-1](X),
    "iteration": lambda m: [block(X) for block in m.blocks],
    "iteration, two levels": lambda m: next(layer(X) for layer in next(iter(m.blocks))),
    "a key": lambda m: m.heads["b"](X),
    "items": lambda m: [head(X) for _, head in m.heads.items()],
    "values": lambda m: [head(X) for head in m.heads.values()],
    "a list": lambda m: m.hidden[0](X),
    "a dict": lambda m: m.by_name["rotate"](X),
    "a function": lambda m: m.function(X),
    "a partial function": lambda m: m.partial(X),
    "an object": lambda m: m.callee(X),
    "an object's method": lambda m: m.callee.other(X),
    "a partial function's own": lambda m: m.partial.func(X, SCALE),
    "an ordered dict": lambda m: m.ordered["first"](X),
    "a dict of lists": lambda m: m.gathered["first"][0](X),
    "a named tuple": lambda m: m.named.layer(X),
    "a queue": lambda m: m.queue[0](X),
    "a set": lambda m: next(iter(m.group))(X),
    "a descriptor": lambda m: m.described,
    "an attribute of __getattr__": lambda m: m.answered,
    "the forward of its class": lambda m: type(m.first).forward(m.first, X),
    "a static method": lambda m: m.static(X),
    "a class method": lambda m: m.of_class(X),
    "a property": lambda m: m.product,
    "a method's module": lambda m: m.layer(1)(X),
    "a bound method kept": lambda m: (lambda f: f(X))(m.encode),
    "by name": lambda m: m.get_submodule("blocks.0.0")(X),
    "by name, from a view": lambda m: m.blocks.get_submodule("0.0")(X),
    "a generator": lambda m: list(m.steps(X)),
    "a lazy map": lambda m: list(m.lazily([X, -X])),
    "itself": lambda m: m.itself.itself(X),
    "eval": lambda m: m.first.eval()(X),
    "getattr": lambda m: getattr(m, "heads").a(X),  # noqa: B009
}


def flat(result):
    return torch.stack(result) if isinstance(result, list) and result[0].shape == result[-1].shape else result


@pytest.mark.parametrize("make", [lambda m: ApproximateModule(m, "ax-fpm"), surrogate])
@pytest.mark.parametrize("name", CALLS)
def test_what_is_called_runs_on_the_multiplier(name, make):
    model = Model()
    call = CALLS[name]
    with approximate("ax-fpm"):
        expected = call(model)
    exact, found = call(model), call(make(model))
    for a, b, c in zip(*(r if isinstance(r, list) else [r] for r in (found, expected, exact)), strict=True):
        assert not torch.allclose(a, c, rtol=1e-2)
        if make is surrogate:
            torch.testing.assert_close(a, b, rtol=2e-1, atol=2.0)
        else:
            assert torch.equal(a, b)
    assert Model.registered == ()


@pytest.mark.parametrize(
    ("layers", "call", "expected"),
    [
        ({"blocks.0.0": "bf16"}, lambda m: m.blocks[0](X), ("bf16", "blocks.0.0")),
        ({"blocks.0": "bf16"}, lambda m: m.blocks[0][0](X), ("bf16", "blocks.0.0")),
        ({"blocks": "bf16"}, lambda m: m.blocks[0][:1](X), ("bf16", "blocks.0.0")),
        ({"blocks.1": "bf16"}, lambda m: m.blocks[0][0](X), ("ax-fpm", "blocks.0.0")),
        ({"first": "bf16"}, lambda m: m.first(X), ("bf16", "first")),
        ({"": "bf16"}, lambda m: m.first(X), ("bf16", "first")),
        ({"heads.b": "bf16"}, lambda m: m.heads["b"](X), ("bf16", "heads.b")),
    ],
)
def test_names_are_those_of_the_whole_model(layers, call, expected):
    model, approximated = pair(layers=layers)
    name, path = expected
    layer = model.get_submodule(path)
    assert torch.equal(call(approximated).relu(), matmul(X, layer.weight.t(), name, layer.bias).relu())


def test_products_of_a_method_belong_to_the_model():
    asked = []
    model, approximated = pair(layers=lambda name, module: asked.append((name, module)) or True)
    approximated.encode(X)
    assert asked == [("first", model.first), ("", model)]
    _, wrong = pair(layers={"fist": None})
    for call in (lambda: wrong.encode(X), lambda: wrong.first(X), lambda: wrong.blocks[1](X), lambda: wrong(X)):
        with pytest.raises(InvalidInput, match="layers names 'fist', which the"):
            call()
    _, convolving = pair()
    convolving.model.up = nn.ConvTranspose1d(1, 1, 2)
    with pytest.raises(InvalidInput, match="aten::convolution of ConvTranspose1d 'up' has no emulation"):
        convolving.up(torch.rand(1, 1, 4))


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


def test_generators_keep_the_context_in_every_step():
    model, approximated = pair()
    with approximate("ax-fpm"):
        expected = list(model.steps(X))
    steps = approximated.steps(X)
    assert torch.equal(X @ SCALE, torch.mm(X, SCALE))
    assert torch.equal(next(steps), expected[0])
    assert torch.equal(X @ SCALE, torch.mm(X, SCALE))  # no context between the steps
    assert torch.equal(steps.send(-X), matmul(-X, model.blocks[1].weight.t(), "ax-fpm", model.blocks[1].bias))
    with pytest.raises(StopIteration) as end:
        steps.send(None)
    assert end.value.value.shape == (3, 5)
    closed = approximated.steps(X)
    next(closed)
    closed.close()
    assert list(closed) == []


@pytest.mark.parametrize("name", ["later", "streamed"])
def test_what_runs_later_is_refused(name):
    _, approximated = pair()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InvalidInput, match="would run after the context of the ApproximateModule has ended; enter"):
            getattr(approximated, name)(X)


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


def test_gradients_flow_through_what_is_reached():
    model, approximated = pair()
    approximated.encode(X).sum().backward()
    assert model.first.weight.grad is not None and model.weight.grad is not None


def test_coverage_names_what_is_reached_inside_a_model():
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = ApproximateModule(Model(), "bf16", layers={"first": "e8m2"})

        def forward(self, x):
            return self.inner.heads["b"](self.inner.encode(x)) + x

    rows = [(o.module, o.operator, o.multiplier) for o in coverage(Outer(), X, "ax-fpm")]
    assert rows == [
        ("inner.first", "linear", "e8m2"),
        ("inner", "matmul", "bf16"),
        ("inner.heads.b", "linear", "bf16"),
        ("", "add", ""),
    ]
