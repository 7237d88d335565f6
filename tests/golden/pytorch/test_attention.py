"""Attention as two products and a softmax, in torch's own semantics and on the multiplier bit for bit."""

import contextlib
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from golden.pytorch import approximate
from golden.sums import matmul


@pytest.mark.parametrize("causal", [False, True])
def test_attention_by_hand(causal):
    q, k, v = torch.randn(2, 3, 4), torch.randn(2, 5, 4), torch.randn(2, 5, 6)
    with approximate("ax-fpm"):
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
    for i in range(2):
        scores = matmul(q[i], k[i].t(), "ax-fpm") * 0.5
        if causal:
            scores = scores.masked_fill(~torch.ones(3, 5, dtype=torch.bool).tril(), -math.inf)
        assert torch.equal(y[i], matmul(scores.softmax(-1), v[i], "ax-fpm"))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"is_causal": True},
        {"attn_mask": torch.tensor([[True, False, True, True], [True] * 4])},
        {"attn_mask": torch.tensor([[0.5, -1.0, 0.0, 2.0], [0.0] * 4]), "scale": 0.25},
        {"enable_gqa": True},
    ],
)
def test_attention_has_torch_semantics(settings):
    heads = 2 if settings.get("enable_gqa") else 4
    q, k, v = torch.randn(2, 4, 2, 8), torch.randn(2, heads, 4, 8), torch.randn(2, heads, 4, 3)
    with approximate("exact"):
        y = functional.scaled_dot_product_attention(q, k, v, **settings)
    torch.testing.assert_close(y, functional.scaled_dot_product_attention(q, k, v, **settings))


MASKS = {
    "bool": torch.tensor([[True, False, True], [False] * 3]),
    "float": torch.tensor([[0.5, -math.inf, 0.0], [-math.inf] * 3]),
    "all": torch.full((2, 3), -math.inf),
}


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.filterwarnings("error")
def test_queries_that_may_attend_to_nothing(name):
    values, gradients = [], []
    for context in (approximate("exact"), contextlib.nullcontext()):
        torch.manual_seed(4)
        q, k, v = (torch.randn(2, n, 4, requires_grad=True) for n in (2, 3, 3))
        with context:
            y = functional.scaled_dot_product_attention(q, k, v, attn_mask=MASKS[name])
        values.append(y)
        gradients.append(torch.autograd.grad(y.square().sum(), (q, k, v)))
    assert not values[0][:, 1].any() and all(g.isfinite().all() for g in gradients[0])
    torch.testing.assert_close(values[0], values[1])
    torch.testing.assert_close(gradients[0], gradients[1])


def test_a_sequence_of_nothing_but_padding():
    mha, x = nn.MultiheadAttention(4, 2, batch_first=True), torch.randn(2, 3, 4)
    padding = torch.tensor([[False, False, True], [True] * 3])
    found = []
    for context in (approximate("exact"), contextlib.nullcontext()):
        x.requires_grad_().grad = None
        with context:
            y, _ = mha(x, x, x, key_padding_mask=padding, need_weights=False)
        y.square().sum().backward()
        found.append((y, x.grad))
    assert found[0][0].isfinite().all()
    torch.testing.assert_close(found[0], found[1])


def test_multi_head_attention_by_hand():
    mha = nn.MultiheadAttention(4, 2, batch_first=True).eval()
    x = torch.randn(1, 3, 4)
    with approximate("ax-fpm"), torch.no_grad():
        y, _ = mha(x, x, x, need_weights=False)
    qkv = matmul(x[0], mha.in_proj_weight.t(), "ax-fpm", mha.in_proj_bias)
    heads = []
    for h in range(2):
        q, k, v = (qkv[:, 4 * i + 2 * h : 4 * i + 2 * h + 2] for i in range(3))
        weights = (matmul(q, k.t(), "ax-fpm") * (1 / math.sqrt(2))).softmax(-1)
        heads.append(matmul(weights, v, "ax-fpm"))
    assert torch.equal(y[0], matmul(torch.cat(heads, 1), mha.out_proj.weight.t(), "ax-fpm", mha.out_proj.bias))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("grad", [False, True])
def test_a_transformer_layer_is_covered_on_every_path(training, grad):
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True).train(training)
    x = torch.randn(2, 3, 8)
    with torch.set_grad_enabled(grad):
        with approximate("exact"):
            close = layer(x)
        with approximate("ax-fpm"):
            y, masked = layer(x), layer(x, src_key_padding_mask=torch.tensor([[False, False, True]] * 2))
    torch.testing.assert_close(close, layer(x))
    assert not torch.allclose(y, layer(x), rtol=0.01)
    assert not torch.equal(y, masked)


def test_attention_weights_are_covered():
    mha = nn.MultiheadAttention(8, 2, batch_first=True)
    x = torch.randn(2, 3, 8)
    mask = torch.zeros(3, 3).fill_diagonal_(-1)
    with approximate("exact"):
        y, weights = mha(x, x, x, attn_mask=mask)
    expected = mha(x, x, x, attn_mask=mask)
    torch.testing.assert_close((y, weights), expected)
