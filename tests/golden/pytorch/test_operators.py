"""Every covered call but attention, in torch's own semantics and on the multiplier bit for bit."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from golden.catalogue import multiplier
from golden.errors import InvalidInput
from golden.pytorch import approximate
from golden.pytorch.convolutions import convolve
from golden.pytorch.rules import Rule
from golden.sums import conv2d, matmul


def whole(*shape: int) -> Tensor:
    """Small whole numbers: sums of their products are exact in float32 in any order."""
    return torch.randint(-4, 5, shape).float()


# What torch takes and its stubs do not know.
NUMBERS_2D: Any = (np.int64(2), (np.int32(1), torch.tensor(2)), torch.tensor(1), np.int64(2))
NUMBERS_1D: Any = (np.int64(2), [np.int64(1)])
LISTS: Any = ([1, 2], [2, 0])

CALLS = {
    "linear": lambda: functional.linear(whole(2, 3, 5), whole(4, 5), whole(4)),
    "linear, one row": lambda: functional.linear(whole(5), whole(4, 5)),
    "linear, one output": lambda: functional.linear(whole(3, 5), whole(5)),
    "conv1d": lambda: functional.conv1d(whole(2, 4, 9), whole(6, 2, 3), whole(6), 2, 1, 2, 2),
    "conv1d, same": lambda: functional.conv1d(whole(2, 4, 9), whole(6, 4, 4), padding="same", dilation=3),
    "conv1d, one": lambda: functional.conv1d(whole(4, 9), whole(6, 4, 3), padding=(1,)),
    "conv2d": lambda: functional.conv2d(whole(2, 4, 9, 7), whole(6, 2, 3, 2), whole(6), (2, 1), (1, 3), (1, 2), 2),
    "conv2d, same": lambda: functional.conv2d(whole(1, 2, 7, 6), whole(3, 2, 4, 3), padding="same", dilation=(1, 2)),
    "conv2d, valid": lambda: functional.conv2d(whole(1, 2, 7, 6), whole(3, 2, 4, 3), padding="valid", stride=2),
    "conv2d, one": lambda: functional.conv2d(whole(2, 7, 6), whole(3, 2, 4, 3), whole(3)),
    "conv2d, depthwise": lambda: functional.conv2d(whole(2, 4, 6, 6), whole(8, 1, 3, 3), padding=1, groups=4),
    "conv2d, integers": lambda: functional.conv2d(whole(1, 4, 7, 6), whole(4, 2, 3, 3), None, *NUMBERS_2D),
    "conv1d, integers": lambda: functional.conv1d(whole(1, 2, 7), whole(3, 2, 3), None, *NUMBERS_1D),
    "matmul 1 1": lambda: torch.matmul(whole(4), whole(4)),
    "matmul 1 2": lambda: whole(4) @ whole(4, 3),
    "matmul 2 1": lambda: whole(3, 4) @ whole(4),
    "matmul 1 3": lambda: whole(4) @ whole(2, 4, 3),
    "matmul 3 1": lambda: whole(2, 3, 4) @ whole(4),
    "matmul 4 2": lambda: torch.linalg.matmul(whole(2, 2, 3, 4), whole(4, 5)),
    "matmul 2 4": lambda: whole(3, 4).matmul(whole(2, 2, 4, 5)),
    "matmul broadcast": lambda: torch.matmul(whole(2, 1, 3, 4), whole(5, 4, 2)),
    "matmul K = 0": lambda: whole(2, 0) @ whole(0, 3),
    "matmul no batch": lambda: whole(0, 2, 4) @ whole(0, 4, 3),
    "rmatmul": lambda: whole(4, 3).__rmatmul__(whole(2, 4)),
    "mm": lambda: whole(2, 4).mm(whole(4, 3)),
    "bmm": lambda: torch.bmm(whole(3, 2, 4), whole(3, 4, 5)),
    "mv": lambda: torch.mv(whole(3, 4), whole(4)),
    "dot": lambda: torch.dot(whole(4), whole(4)),
    "vdot": lambda: whole(4).vdot(whole(4)),
    "inner": lambda: torch.inner(whole(2, 3, 4), whole(5, 4)),
    "addmm, bias": lambda: torch.addmm(whole(3), whole(2, 4), whole(4, 3)),
    "addmm, matrix": lambda: torch.addmm(whole(2, 3), whole(2, 4), whole(4, 3), beta=2, alpha=-1),
    "addmv": lambda: torch.addmv(whole(3), whole(3, 4), whole(4)),
    "baddbmm": lambda: torch.baddbmm(whole(2, 1, 5), whole(2, 3, 4), whole(2, 4, 5), beta=3),
    "baddbmm, beta 0": lambda: torch.baddbmm(torch.full((1,), math.nan), whole(2, 3, 4), whole(2, 4, 5), beta=0),
    "inner, vectors": lambda: torch.inner(whole(4), whole(4)),
    "vecdot": lambda: torch.linalg.vecdot(whole(2, 1, 4), whole(3, 4)),
    "vecdot, dim": lambda: torch.linalg.vecdot(whole(2, 4, 3), whole(2, 4, 3), dim=1),
    "tensordot, all": lambda: torch.tensordot(whole(2, 3), whole(2, 3), 2),
    "einsum to a scalar": lambda: torch.einsum("i,i->", whole(4), whole(4)),
    "einsum all": lambda: torch.einsum("ij,ij->", whole(3, 4), whole(3, 4)),
    "names": lambda: (
        torch.mm(whole(2, 4), mat2=whole(4, 3))
        + torch.bmm(whole(1, 2, 4), mat2=whole(1, 4, 3))[0]
        + torch.baddbmm(whole(1), batch1=whole(1, 2, 4), batch2=whole(1, 4, 3))[0]
        + torch.vdot(whole(4), other=whole(4))
        + torch.mv(whole(3, 4), vec=whole(4))
        + torch.addmv(whole(3), mat=whole(3, 4), vec=whole(4))
    ),
    "tensordot": lambda: torch.tensordot(whole(2, 3, 4), whole(3, 4, 5)),
    "tensordot, lists": lambda: torch.tensordot(whole(2, 3, 4), whole(4, 5, 3), dims=LISTS),
    "grouped rows": lambda: functional.grouped_mm(whole(5, 4), whole(3, 4, 8), offs=torch.tensor([2, 2, 5]).int()),
    "grouped columns": lambda: functional.grouped_mm(whole(2, 3, 4), whole(4, 8), offs=torch.tensor([4, 8]).int()),
    "grouped sums": lambda: functional.grouped_mm(whole(4, 8), whole(8, 4), offs=torch.tensor([4, 8]).int()),
    "grouped batch": lambda: functional.grouped_mm(whole(3, 2, 4), whole(3, 4, 8)),
    "einsum mm": lambda: torch.einsum("ij,jk", whole(2, 3), whole(3, 4)),
    "einsum batch": lambda: torch.einsum("bhqd,bkhd->bqhk", whole(2, 2, 3, 4), whole(2, 5, 2, 4)),
    "einsum two sums": lambda: torch.einsum("iab,bja->ji", whole(2, 3, 4), whole(4, 5, 3)),
    "einsum dots": lambda: torch.einsum("...ij,kj->...ik", whole(2, 2, 3, 4), whole(5, 4)),
    "einsum dots both": lambda: torch.einsum("...ij,...jk", whole(2, 2, 3, 4), whole(2, 2, 4, 5)),
    "einsum elementwise": lambda: torch.einsum("ij,ij->ij", whole(2, 3), whole(2, 3)),
    "einsum trace": lambda: torch.einsum("ii", whole(3, 3)),
}


@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")  # torch's own conv1d
@pytest.mark.parametrize("name", CALLS)
def test_calls_have_torch_semantics(name):
    torch.manual_seed(5)
    expected = CALLS[name]()
    torch.manual_seed(5)
    with approximate("exact"):
        y = CALLS[name]()
    assert y.shape == expected.shape
    assert torch.equal(y, expected)


@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")  # torch says so once in a process
@pytest.mark.parametrize("mode", ["zeros", "reflect", "circular", "replicate"])
@pytest.mark.parametrize("padding", [1, "same"])
@pytest.mark.parametrize("layer", [nn.Conv1d, nn.Conv2d])
def test_padding_modes_are_operands(mode, padding, layer):
    net = layer(2, 3, 4 if padding == "same" else 3, padding=padding, padding_mode=mode)
    with torch.no_grad():
        net.weight.copy_(whole(*net.weight.shape))
        net.bias.copy_(whole(3))
    x = whole(2, 2, *(6,) * (net.weight.dim() - 2))
    with approximate("exact"):
        y = net(x)
    assert torch.equal(y, net(x))


def test_linear_is_the_sum_over_in_features():
    x, layer = torch.randn(3, 7), nn.Linear(7, 4)
    with approximate("ax-fpm"):
        y = layer(x)
    assert torch.equal(y, matmul(x, layer.weight.t(), "ax-fpm", layer.bias))
    assert not torch.allclose(y, layer(x), rtol=0.05)


def test_the_left_operand_is_the_activation():
    x, y = torch.randn(3, 4), torch.randn(4, 2)
    with approximate("ax-fpm"):
        product, swapped = x @ y, (y.t() @ x.t()).t()
    assert torch.equal(product, matmul(x, y, "ax-fpm"))
    assert not torch.equal(product, swapped)


def test_batched_products_are_products_of_each_pair():
    x, y = torch.randn(2, 1, 3, 4), torch.randn(5, 4, 2)
    with approximate("ax-fpm"):
        z = x @ y
    for i in range(2):
        for j in range(5):
            assert torch.equal(z[i, j], matmul(x[i, 0], y[j], "ax-fpm"))


def test_addmm_takes_a_bias_as_the_first_term_and_a_matrix_as_an_addition():
    bias, a, b = torch.randn(3), torch.randn(2, 9), torch.randn(9, 3)
    with approximate("ax-fpm"):
        first, last = torch.addmm(bias, a, b), torch.addmm(bias.expand(2, 3), a, b)
    assert torch.equal(first, matmul(a, b, "ax-fpm", bias))
    assert torch.equal(last, matmul(a, b, "ax-fpm") + bias)


def test_einsum_sums_in_the_order_of_the_activations_indices():
    a, b = torch.randn(2, 3, 4), torch.randn(4, 3, 5)
    with approximate("ax-fpm"):
        y = torch.einsum("iab,baj->ij", a, b)
    assert torch.equal(y, matmul(a.reshape(2, 12), b.permute(1, 0, 2).reshape(12, 5), "ax-fpm"))


def test_groups_are_products_of_their_own():
    x, w, ends = torch.randn(6, 4), torch.randn(3, 4, 8), torch.tensor([2, 2, 5]).int()
    with approximate("ax-fpm"):
        y = functional.grouped_mm(x, w, offs=ends)
    assert torch.equal(y[:5], torch.cat([matmul(x[:2], w[0], "ax-fpm"), matmul(x[2:5], w[2], "ax-fpm")]))
    assert not y[5:].any()


def test_grouped_and_depthwise_convolution():
    x = torch.randn(2, 4, 6, 5)
    grouped, depthwise = (
        nn.Conv2d(4, 6, 3, groups=2, stride=2, padding=1),
        nn.Conv2d(4, 8, (3, 2), groups=4, bias=False),
    )
    with approximate("ax-fpm"):
        y, z = grouped(x), depthwise(x)
    w, bias = grouped.weight, torch.as_tensor(grouped.bias)
    low = conv2d(x[:, :2], w[:3], bias[:3], stride=2, padding=1)
    high = conv2d(x[:, 2:], w[3:], bias[3:], stride=2, padding=1)
    assert torch.equal(y, torch.cat([low, high], 1))
    singles = [conv2d(x[:, g : g + 1], depthwise.weight[2 * g : 2 * g + 2]) for g in range(4)]
    assert torch.equal(z, torch.cat(singles, 1))


@pytest.mark.parametrize("accumulate", ["float32", "float64"])
def test_a_network_equals_its_layers_by_hand(accumulate):
    first, second, last = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 4, 3), nn.Linear(16, 10)
    net = nn.Sequential(first, nn.ReLU(inplace=True), nn.MaxPool2d(2), second, nn.ReLU(), nn.Flatten(), last)
    x = torch.rand(2, 1, 8, 8)
    m = {"multiplier": "ax-fpm", "accumulate": accumulate}
    h = functional.max_pool2d(conv2d(x, first.weight, first.bias, padding=1, **m).relu(), 2)
    h = conv2d(h, second.weight, second.bias, **m).relu().flatten(1)
    expected = matmul(h, last.weight.t(), bias=last.bias, **m)
    with approximate("ax-fpm", accumulate=accumulate):
        y = net(x)
    assert torch.equal(y, expected)


def test_vecdot_sums_along_its_dimension_with_the_first_operand_as_activation():
    x, y = torch.randn(3, 20, 2), torch.randn(20, 2)
    with approximate("ax-fpm"):
        z = torch.linalg.vecdot(x, y, dim=1)
    for i in range(3):
        for j in range(2):
            assert torch.equal(z[i, j], matmul(x[i, None, :, j], y[:, j, None], "ax-fpm")[0, 0])


@pytest.mark.parametrize("value", [1.0, (1, 1.5), (1, 2, 3), "1", np.array([1.0, 1.0]), None])
def test_settings_of_convolutions_are_whole_numbers(value):
    # torch refuses most of these before the emulation sees them
    message = r"stride=.* is not a whole number, nor 2 of them"
    with pytest.raises(InvalidInput, match=message):
        convolve(2)(Rule(multiplier("exact")), whole(1, 1, 3, 3), whole(1, 1, 2, 2), stride=value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: torch.mm(whole(2, 2, 2), whole(2, 2)), "mm takes tensors of 2 and 2 dimensions"),
        (lambda: torch.mm(whole(2, 2), whole(2, 2), out=torch.empty(2, 2)), "with out= cannot run"),
        (lambda: torch.einsum("ij,jk,kl->il", whole(2, 2), whole(2, 2), whole(2, 2)), "write it as products of two"),
        (lambda: torch.einsum("ij,jk->k", whole(2, 2), whole(2, 2)), "sums an index within one operand"),
        (lambda: torch.einsum("ij,jk->ik", whole(2, 1), whole(3, 2)), "different size along 'j'"),
        (lambda: torch.einsum("ijk,jk->ik", whole(2, 1), whole(3, 2)), "does not fit an operand of 2 dimensions"),
        (lambda: torch.tensordot(whole(2, 3), whole(2, 3), 1), "cannot contract"),
        (lambda: functional.grouped_mm(whole(2, 4), whole(1, 4, 4)), "grouped_mm takes offs= where an operand"),
        (
            lambda: functional.grouped_mm(whole(1, 2, 4), whole(1, 4, 4), out_dtype=torch.bfloat16),
            "another out_dtype= cannot run on a multiplier; add or convert after it",
        ),
        (lambda: functional.conv2d(whole(1, 1, 3, 3), whole(1, 1, 2)), "conv2d cannot take"),
        (lambda: functional.conv2d(whole(1, 1, 3, 3), whole(1, 1, 2, 2), padding="equal"), "unknown padding"),
        (
            lambda: functional.conv2d(whole(1, 1, 3, 3), whole(1, 1, 2, 2), padding="same", stride=2),
            "padding='same' has",
        ),
        (lambda: functional.conv1d(whole(1, 1, 3), whole(1, 1, 2), dilation=(1, 1)), "whole number, nor 1 of them"),
    ],
)
def test_what_has_no_meaning_here_says_so(call, message):
    with approximate("ax-fpm"), pytest.raises(InvalidInput, match=message):
        call()
