"""What is reached through an ApproximateModule runs on the multiplier, under the names of the whole model."""

import warnings

import pytest
import torch
from reached_cases import SCALE, Model, X, pair
from torch import nn

from golden.errors import InvalidInput
from golden.pytorch import ApproximateModule, approximate, coverage, surrogate
from golden.sums import matmul

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
