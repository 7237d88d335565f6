"""A model on an assignment: the bits of each layer on its own multiplier, from a file as from a mapping."""

import json

import pytest
import torch
from torch import nn

from golden.assignments import Assignment, document
from golden.errors import InvalidInput
from golden.pytorch import ApproximateModule, approximate
from golden.pytorch.assigned import assigned
from golden.pytorch.observing import multiplied, product_names

LAYERS = {"0": "ax-fpm", "3": "e8m2", "5": "exact"}
ONE = Assignment.of(LAYERS)


@pytest.fixture(scope="module")
def case():
    torch.manual_seed(3)
    layers = nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 8), nn.ReLU(), nn.Linear(8, 4)
    return nn.Sequential(*layers).eval(), torch.rand(5, 1, 6, 6)


def by_hand(model, x):
    with torch.no_grad():
        for name, layer in model.named_children():
            if name in LAYERS:
                with approximate(LAYERS[name]):
                    x = layer(x)
            else:
                x = layer(x)
    return x


def test_each_layer_on_its_own(case, tmp_path):
    model, x = case
    expected = by_hand(model, x)
    path = tmp_path / "one.json"
    path.write_text(json.dumps(document([{"layers": LAYERS}])), encoding="utf-8")
    with torch.no_grad():
        assert torch.equal(assigned(model, ONE, x)(x), expected)
        assert torch.equal(ApproximateModule(model, "e8m1", layers=path)(x), expected)
        for layers in (ONE, path, str(path), f"{path}:1"):
            with approximate("e8m1", layers=layers):
                assert torch.equal(model(x), expected)
        with approximate("ax-fpm"):
            assert not torch.equal(model(x), expected)


def test_operands_are_those_of_the_assignment(case):
    model, x = case
    assert product_names(model, x) == ("0", "3", "5")
    seen = multiplied(model, x, ONE)
    assert [product.name for product in seen] == ["0", "3", "5"]
    with torch.no_grad(), approximate("ax-fpm"):
        first = model[0](x)
    assert torch.equal(seen[1].x, first.relu().flatten(1))


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ({"0": "exact", "3": "exact"}, "has no multiplier for the layer '5'"),
        ({**LAYERS, "7": "exact"}, "the assignment names '7', and the network's layers are '0', '3', '5'"),
    ],
)
def test_another_network(case, layers, said):
    model, x = case
    for make in (assigned, lambda model, one, x: multiplied(model, x, one)):
        with pytest.raises(InvalidInput, match=said):
            make(model, Assignment.of(layers), x)


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(InvalidInput, match=r"cannot read .*absent.json: No such file"):
        approximate("exact", layers=str(tmp_path / "absent.json"))
