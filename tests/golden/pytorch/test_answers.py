"""The same call gives one answer, whatever its size or the mode of gradients: exact, on the multiplier, or an error."""

import contextlib
import math
import warnings
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional

from golden.errors import InvalidInput
from golden.pytorch import approximate, coverage

MODES = {
    "grad": contextlib.nullcontext,
    "leaf": contextlib.nullcontext,
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
}
SIZES = {"small": 2, "large": 30}


def r(*shape):
    return torch.rand(*shape)


def recurrent(make, **settings):
    return lambda x: make(3, 4, **settings)(x)[0], lambda n: [r(n, 2, 3)]


def layer(make, *settings, **named):
    """Return a call of a layer that is made anew every time, from the seed of the time."""

    def call(x):
        made = make(*settings, **named)
        return (made.eval() if make is nn.TransformerEncoderLayer else made)(x)

    return call


def encoder(x, mask):
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    return nn.TransformerEncoder(layer, 2).eval()(x, src_key_padding_mask=mask)


def half_true(*shape):
    mask = torch.zeros(*shape, dtype=torch.bool)
    mask[:, -1] = True
    return mask


# name -> (function of operands that may need gradients, operands of a size)
EXACT = {
    "normalize": (functional.normalize, lambda n: [r(n, 4)]),
    "cosine_similarity": (functional.cosine_similarity, lambda n: [r(n, 4), r(n, 4)]),
    "pairwise_distance": (functional.pairwise_distance, lambda n: [r(n, 4), r(n, 4)]),
    "pixel_shuffle": (lambda x: functional.pixel_shuffle(x, 2), lambda n: [r(1, 4, n, n)]),
    "pixel_unshuffle": (lambda x: functional.pixel_unshuffle(x, 2), lambda n: [r(1, 1, n, n)]),
    "channel_shuffle": (lambda x: functional.channel_shuffle(x, 2), lambda n: [r(1, 4, n, n)]),
    "unfold": (lambda x: functional.unfold(x, 2), lambda n: [r(1, 2, n, n)]),
    "fold": (lambda x: functional.fold(x, math.isqrt(x.shape[-1]) + 1, 2), lambda n: [r(1, 4, (n - 1) ** 2)]),
    "cumsum": (lambda x: x.cumsum(0), lambda n: [r(n, 3)]),
    "cumprod": (lambda x: x.cumprod(0), lambda n: [r(n, 3)]),
    "prod": (lambda x: x.prod(), lambda n: [r(n, 3)]),
    "sort": (lambda x: x.sort(0)[0] + x.argsort(0), lambda n: [r(n, 3)]),
    "topk": (lambda x: x.topk(2)[0], lambda n: [r(n, 3)]),
    "scatter_add": (lambda x: x.new_zeros(2).scatter_add(0, torch.arange(len(x)) % 2, x), lambda n: [r(n)]),
    "index_add": (lambda x: x.new_zeros(2).index_add(0, torch.arange(len(x)) % 2, x, alpha=2), lambda n: [r(n)]),
    "index_put": (lambda x: x.new_zeros(2).index_put((torch.arange(len(x)) % 2,), x, True), lambda n: [r(n)]),
    "std": (lambda x: x.std(0) + x.var(0), lambda n: [r(n, 3)]),
    "norm": (lambda x: x.norm() + torch.linalg.norm(x) + x.norm(1, 0), lambda n: [r(n, 3)]),
    "softmax": (lambda x: x.softmax(0) + x.log_softmax(0) + x.logsumexp(0), lambda n: [r(n, 3)]),
    "activations": (
        lambda x: functional.gelu(x) + functional.silu(x) + functional.mish(x) + functional.selu(x),
        lambda n: [r(n, 4)],
    ),
    "gates": (lambda x: functional.glu(x) + functional.prelu(x, x.new_ones(1))[:, :2], lambda n: [r(n, 4)]),
    "batch_norm": (layer(nn.BatchNorm1d, 4), lambda n: [r(n, 4)]),
    "layer_norm": (layer(nn.LayerNorm, 4), lambda n: [r(n, 4)]),
    "group_norm": (layer(nn.GroupNorm, 2, 4), lambda n: [r(n, 4)]),
    "instance_norm": (layer(nn.InstanceNorm1d, 4), lambda n: [r(2, 4, n)]),
    "rms_norm": (layer(nn.RMSNorm, 4), lambda n: [r(n, 4)]),
    "local_response_norm": (layer(nn.LocalResponseNorm, 2), lambda n: [r(2, 4, n)]),
    "pooling": (lambda x: functional.avg_pool2d(x, 2) + functional.max_pool2d(x, 2), lambda n: [r(1, 2, n, n)]),
    "adaptive": (
        lambda x: functional.adaptive_avg_pool2d(x, 1) + functional.adaptive_max_pool2d(x, 1),
        lambda n: [r(1, 2, n, n)],
    ),
    "lp_pool": (lambda x: functional.lp_pool2d(x, 2, 2), lambda n: [r(1, 2, n, n)]),
    "embedding": (lambda w: functional.embedding(torch.arange(len(w)), w), lambda n: [r(n, 4)]),
    "embedding_bag": (lambda w: functional.embedding_bag(torch.arange(len(w))[None], w), lambda n: [r(n, 4)]),
    "interpolate": (lambda x: functional.interpolate(x, scale_factor=2, mode="bilinear"), lambda n: [r(1, 2, n, n)]),
    "interpolate, nearest": (lambda x: functional.interpolate(x, scale_factor=2), lambda n: [r(1, 2, n, n)]),
    "interpolate, bicubic": (
        lambda x: functional.interpolate(x, size=5, mode="bicubic", antialias=True),
        lambda n: [r(1, 2, n, n)],
    ),
    "grid_sample": (
        lambda x, g: functional.grid_sample(x, g, align_corners=False),
        lambda n: [r(1, 2, n, n), r(1, n, n, 2)],
    ),
    "padding": (lambda x: functional.pad(functional.pad(x, (1, 1)), (1, 1), "reflect"), lambda n: [r(1, 2, n)]),
    "losses": (
        lambda x: functional.cross_entropy(x, torch.zeros(len(x), dtype=torch.long), x.new_ones(4), label_smoothing=0.1)
        + functional.mse_loss(x, x + 1)
        + functional.smooth_l1_loss(x, x + 1)
        + functional.binary_cross_entropy(x, x.detach())
        + functional.kl_div(x, x.detach(), reduction="batchmean"),
        lambda n: [r(n, 4)],
    ),
    "outer": (lambda x, y: torch.outer(x, y) + torch.addr(x.new_zeros(()), x, y), lambda n: [r(n), r(n)]),
    "arithmetic": (
        lambda x, y: torch.addcmul(x, x, y, value=2) + torch.lerp(x, y, 0.5) + x**2 - x.square() / y + x * y,
        lambda n: [r(n), r(n)],
    ),
    "complex": (
        lambda x: torch.view_as_real(torch.view_as_complex(x) * torch.polar(x[:, 0], x[:, 1])),
        lambda n: [r(n, 2)],
    ),
    "dropout": (lambda x: functional.dropout(x, 0.0) + functional.alpha_dropout(x, 0.0), lambda n: [r(n, 2)]),
    "masking": (
        lambda x: torch.where(x > 0.5, x, x.masked_fill(x > 0.2, 1.0)).tril().clamp(0.1).roll(1, 0).flip(0),
        lambda n: [r(n, n)],
    ),
    "shapes": (
        lambda x: torch.cat([x.t().contiguous().reshape(-1), x.flatten(), x.view(-1)]).chunk(2)[0].repeat(2),
        lambda n: [r(n, n)],
    ),
}  # fmt: skip

COVERED = {
    "linear": (functional.linear, lambda n: [r(n, 4), r(3, 4), r(3)]),
    "matmul": (lambda x, y: x @ y, lambda n: [r(2, n, 4), r(2, 4, n)]),
    "conv2d": (lambda x, w: functional.conv2d(x, w, groups=2), lambda n: [r(1, 4, n, n), r(4, 2, 2, 2)]),
    "conv1d": (lambda x, w: functional.conv1d(x, w, padding="same"), lambda n: [r(1, 2, n), r(3, 2, 3)]),
    "attention": (functional.scaled_dot_product_attention, lambda n: [r(1, 2, n, 8), r(1, 2, n, 8), r(1, 2, n, 8)]),
    "multi-head attention": (
        lambda x: nn.MultiheadAttention(8, 2, batch_first=True).eval()(x, x, x)[0], lambda n: [r(2, n, 8)]
    ),
    "transformer layer": (
        layer(nn.TransformerEncoderLayer, 8, 2, 16, batch_first=True), lambda n: [r(2, n, 8)]
    ),
    "transformer": (lambda x: encoder(x, half_true(*x.shape[:2])), lambda n: [r(2, n, 8)]),
}  # fmt: skip

UNCOVERED = {
    "cdist": (torch.cdist, lambda n: [r(n, 4), r(n, 4)]),
    "cdist, 1": (lambda x, y: torch.cdist(x, y, p=1.0), lambda n: [r(n, 4), r(n, 4)]),
    "cdist, direct": (
        lambda x, y: torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist"), lambda n: [r(n, 4), r(n, 4)]
    ),
    "pdist": (functional.pdist, lambda n: [r(n, 4)]),
    "bilinear": (functional.bilinear, lambda n: [r(n, 4), r(n, 4), r(3, 4, 4)]),
    "embedding_bag": (
        lambda w, s: functional.embedding_bag(torch.arange(len(w))[None], w, mode="sum", per_sample_weights=s),
        lambda n: [r(n, 4), r(1, n)],
    ),
    "conv_transpose": (functional.conv_transpose2d, lambda n: [r(1, 2, n, n), r(2, 3, 2, 2)]),
    "conv3d": (functional.conv3d, lambda n: [r(1, 2, n, n, n), r(3, 2, 2, 2, 2)]),
    "lstm": recurrent(nn.LSTM),
    "gru": recurrent(nn.GRU, num_layers=2, bidirectional=True),
    "rnn": recurrent(nn.RNN, nonlinearity="relu"),
    "lstm cell": (lambda x: nn.LSTMCell(3, 4)(x)[0], lambda n: [r(n, 3)]),
    "gru cell": (layer(nn.GRUCell, 3, 4), lambda n: [r(n, 3)]),
    "solve": (torch.linalg.solve, lambda n: [r(n, n) + torch.eye(n), r(n, 1)]),
    "inv": (torch.linalg.inv, lambda n: [r(n, n) + torch.eye(n)]),
    "det": (torch.linalg.det, lambda n: [r(n, n) + torch.eye(n)]),
    "pinv": (torch.linalg.pinv, lambda n: [r(n, n)]),
    "svd": (torch.linalg.svdvals, lambda n: [r(n, n)]),
    "qr": (lambda x: torch.linalg.qr(x)[1], lambda n: [r(n, n)]),
    "cholesky": (lambda x: torch.linalg.cholesky(x * 0 + torch.eye(len(x))), lambda n: [r(n, n)]),
    "matrix_power": (lambda x: torch.linalg.matrix_power(x, 3), lambda n: [r(n, n)]),
    "matrix_exp": (torch.matrix_exp, lambda n: [r(n, n)]),
    "fft": (lambda x: torch.fft.rfft(x).abs(), lambda n: [r(n)]),
    "stft": (
        lambda x: torch.stft(x, 4, return_complex=True, window=torch.ones(4)).abs(), lambda n: [r(4 * n)]
    ),
    "cov": (torch.cov, lambda n: [r(n, 4)]),
    "cross": (torch.linalg.cross, lambda n: [r(n, 3), r(n, 3)]),
    "affine_grid": (
        lambda x: functional.affine_grid(x, [len(x), 1, 4, 4], align_corners=False), lambda n: [r(n, 2, 3)]
    ),
    "multi_dot": (lambda x: torch.linalg.multi_dot([x, x, x]), lambda n: [r(n, n)]),
    "addbmm": (lambda x: torch.addbmm(x[0], x, x), lambda n: [r(2, n, n)]),
}  # fmt: skip


class Call(nn.Module):
    """A model of one call, which makes the same layers every time."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        torch.manual_seed(7)
        return self.function(*inputs)


def operands(make, size, mode):
    torch.manual_seed(5)
    made = make(size)
    return [x.requires_grad_() for x in made] if mode == "leaf" else made


def cases(table):
    return [pytest.param(function, make, id=name) for name, (function, make) in table.items()]


def rows(function, made, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return coverage(Call(function), tuple(x.detach() for x in made), "ax-fpm", **settings)


def every(make):
    for size in SIZES.values():
        for mode, enter in MODES.items():
            yield size, mode, enter, operands(make, size, mode)


@pytest.mark.parametrize(("function", "make"), cases(EXACT))
def test_exact_everywhere(function, make):
    counts = {}
    for size, mode, enter, made in every(make):
        with enter():
            torch.manual_seed(7)
            expected = function(*made)
            with approximate("ax-fpm") as context:
                torch.manual_seed(7)
                y = function(*made)
            assert torch.equal(y, expected), (size, mode)
            assert context.uncovered_operators == ()
            report = rows(function, made)
        assert not any(o.uncovered or o.approximated for o in report)
        counts.setdefault(size, set()).add((report.macs, tuple(sorted((o.operator, o.macs) for o in report))))
    assert all(len(found) == 1 for found in counts.values())


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")  # of torch's own fast path
@pytest.mark.parametrize(("function", "make"), cases(COVERED))
def test_on_the_multiplier_everywhere(function, make):
    results, counts = {}, {}
    for size, mode, enter, made in every(make):
        with enter():
            torch.manual_seed(7)
            exact = function(*made)
            with approximate("ax-fpm"):
                torch.manual_seed(7)
                y = function(*made)
            assert not torch.allclose(y, exact, rtol=1e-3), (size, mode)
            results.setdefault(size, []).append(y.detach().clone())
            report = rows(function, made)
        assert not any(o.uncovered for o in report)
        counts.setdefault(size, set()).add((report.macs, report.approximated_macs, report.uncounted))
    assert all(torch.equal(a, b) for found in results.values() for a, b in pairwise(found))
    assert all(len(found) == 1 for found in counts.values())


@pytest.mark.parametrize(("function", "make"), cases(UNCOVERED))
def test_an_error_everywhere(function, make):
    counts = {}
    for size, _, enter, made in every(make):
        with enter():
            with approximate("ax-fpm"), pytest.raises(InvalidInput, match="has no emulation on a multiplier; exclude"):
                function(*made)
            torch.manual_seed(7)
            exact = function(*made)
            with approximate("ax-fpm", layers={"": None}):
                torch.testing.assert_close(Call(function)(*made), exact)
            report = rows(function, made)
            missed = [o for o in report if o.uncovered]
            assert missed and all(o.macs or not o.counted for o in missed)
            excluded = rows(function, made, layers={"": None})
            assert not any(o.uncovered for o in excluded) and excluded.macs == report.macs
        counts.setdefault(size, set()).add((bool(report.uncounted), report.uncounted or sum(o.macs for o in missed)))
    assert all(len(found) == 1 for found in counts.values()), counts
