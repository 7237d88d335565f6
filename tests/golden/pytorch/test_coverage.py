"""What of a model runs on a multiplier, operator by operator, and how often it multiplies."""

import pytest
import torch
from pytorch_cases import Net, X
from torch import nn

from golden.pytorch import ApproximateModule, approximate, coverage, surrogate


def test_coverage_counts_every_operator():
    net = Net().eval()
    report = coverage(net, X, "ax-fpm", layers={"model": "bf16"})
    rows = {(o.module, o.operator): o for o in report}
    conv, last, norm = rows["conv", "conv2d"], rows["model", "linear"], rows["norm", "native_batch_norm"]
    assert (conv.approximated, conv.multiplier, conv.calls, conv.macs) == (True, "ax-fpm", 1, 2 * 2 * 16 * 9)
    assert (last.approximated, last.multiplier, last.macs) == (True, "bf16", 2 * 32 * 3)
    assert (norm.approximated, norm.multiplier, norm.macs, norm.uncovered) == (False, "", 2 * 2 * 16, False)
    assert set(rows) == {
        ("", "sub"),
        ("conv", "conv2d"),
        ("norm", "native_batch_norm"),
        ("", "relu"),
        ("model", "linear"),
    }
    assert report.approximated_macs == 576 + 192
    assert report.macs == len(X) * 32 + report.approximated_macs
    table = str(report)
    assert table.splitlines()[0].split() == ["module", "operator", "runs", "on", "calls", "MACs"]
    assert "92.31% approximated" in table
    assert len(table.splitlines()) == len(report) + 2


def test_coverage_takes_arrays():
    net = Net().eval()
    assert str(coverage(net, X.numpy(), "ax-fpm")) == str(coverage(net, X, "ax-fpm"))
    assert str(coverage(net, (X.numpy(),), "ax-fpm")) == str(coverage(net, X, "ax-fpm"))


def test_coverage_counts_padding_groups_and_batches():
    conv = nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2)
    (row,) = coverage(conv, torch.rand(3, 4, 9, 8), "ax-fpm")
    assert row.macs == 3 * 6 * 5 * 4 * 2 * 9
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    rows = {(o.module, o.operator): o for o in coverage(layer, torch.rand(2, 5, 8), "ax-fpm")}
    assert rows["self_attn", "linear"].macs == 2 * 5 * 8 * 24 + 2 * 5 * 8 * 8
    assert rows["self_attn", "scaled_dot_product_attention"].macs == 2 * (2 * 5 * 5 * 8)
    assert not rows["self_attn", "_softmax"].approximated


def test_coverage_lists_what_the_multiplier_misses():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ConvTranspose2d(2, 1, 3))
    report = coverage(net, X, "ax-fpm")
    missed = [o for o in report if o.uncovered]
    assert [(o.module, o.operator, o.macs) for o in missed] == [("1", "convolution", 2 * 4 * 4 * 2 * 9)]
    assert "exact (uncovered)" in report.table()
    chosen = coverage(ApproximateModule(net, "bf16", layers={"1": None}), X, "ax-fpm")
    assert not any(o.uncovered for o in chosen)
    assert [o.multiplier for o in chosen] == ["ax-fpm", ""]


class Call(nn.Module):
    """A model of one call."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


# torch's function, the shapes of its operands, its multiplications
EXACT = {
    "mv": (torch.mv, [(3, 4), (4,)], 12),
    "addmv": (torch.addmv, [(3,), (3, 4), (4,)], 12),
    "dot": (torch.dot, [(4,), (4,)], 4),
    "vdot": (torch.vdot, [(4,), (4,)], 4),
    "linear": (nn.functional.linear, [(2, 5, 4), (3, 4), (3,)], 2 * 5 * 3 * 4),
    "linear, one row": (nn.functional.linear, [(4,), (3, 4)], 12),
    "einsum": (lambda x, y: torch.einsum("bij,bkj->bik", x, y), [(2, 3, 4), (2, 5, 4)], 2 * 3 * 5 * 4),
    "addbmm": (torch.addbmm, [(3, 5), (2, 3, 4), (2, 4, 5)], 2 * 3 * 5 * 4),
    "bilinear": (nn.functional.bilinear, [(4, 3), (4, 5), (2, 3, 5)], 2 * 4 * 2 * 3 * 5),
    "attention": (
        nn.functional.scaled_dot_product_attention,
        [(2, 3, 5, 8), (2, 3, 7, 8), (2, 3, 7, 8)],
        2 * 3 * 5 * 7 * 8 * 2,
    ),
    "conv3d": (nn.functional.conv3d, [(2, 3, 4, 4, 4), (5, 3, 2, 2, 2)], 2 * 5 * 27 * 3 * 8),
}


@pytest.mark.parametrize("inference", [False, True])
@pytest.mark.parametrize("name", EXACT)
def test_exact_products_are_counted(name, inference):
    function, shapes, macs = EXACT[name]
    with torch.inference_mode(inference):
        report = coverage(Call(function), tuple(torch.rand(*shape) for shape in shapes), "ax-fpm", layers={"": None})
    assert (report.macs, report.approximated_macs, report.uncounted) == (macs, 0, ())


class Reading(nn.Module):
    def __init__(self, reader, size):
        super().__init__()
        self.reader, self.fc = reader, nn.Linear(size, 2)

    def forward(self, x):
        return self.fc(self.reader(x)[0])


@pytest.mark.parametrize("inference", [False, True])
@pytest.mark.parametrize(("make", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
@pytest.mark.parametrize(("layers", "directions"), [(1, 1), (2, 2)])
def test_recurrent_layers_are_counted(make, gates, layers, directions, inference):
    net = Reading(make(3, 4, layers, bidirectional=directions == 2), 4 * directions)
    with torch.inference_mode(inference):
        report = coverage(net, torch.rand(5, 2, 3), "ax-fpm")
    steps = 5 * 2
    expected = steps * sum(w.numel() for name, w in net.reader.named_parameters() if name.startswith("weight"))
    products = [o for o in report if o.uncovered]
    assert {o.module for o in products} == {"reader"}
    assert sum(o.macs for o in products) == expected
    assert expected == steps * gates * 4 * directions * (3 + 4 + (layers - 1) * (4 * directions + 4))
    assert report.approximated_macs == steps * 4 * directions * 2
    assert "100.00%" not in str(report)


def test_unknown_counts_are_said_to_be_unknown():
    def function(x):
        return torch.linalg.matrix_exp(x @ x)

    report = coverage(Call(function), torch.rand(3, 3), "ax-fpm")
    assert [(o.operator, o.uncovered, o.counted) for o in report][-1] == ("linalg_matrix_exp", True, False)
    assert len(report.uncounted) == 1
    assert report.table().splitlines()[-2].endswith("?")
    assert report.table().splitlines()[-1].split() == ["all", "at", "most", "100.00%", "approximated", "27", "+", "?"]


class Entering(nn.Module):
    """A module that enters a context of its own."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        with approximate("e8m2"):
            return self.fc(x) @ x.new_ones(3, 2)


@pytest.mark.parametrize("make", [ApproximateModule, lambda model, name, layers: surrogate(model, name, layers=layers)])
def test_contexts_inside_the_model_are_counted_too(make, monkeypatch):
    def emulated(*_):
        raise AssertionError("coverage emulates nothing")

    monkeypatch.setattr("golden.pytorch.gradients._Contract.apply", emulated)
    inner = make(Reading(nn.LSTM(4, 4), 4), "ax-fpm:block=2", layers={"fc": "bf16"})
    net = nn.Sequential(nn.Linear(3, 4), inner, nn.Linear(2, 4), Entering())
    report = coverage(net, torch.rand(5, 2, 3), "ax-fpm")
    rows = [(o.module, o.operator, o.multiplier, o.macs) for o in report if o.macs]
    assert rows == [
        ("0", "linear", "ax-fpm", 10 * 12),
        ("1.reader", "mkldnn_rnn_layer", "", 10 * 16 * 8),
        ("1.fc", "linear", "bf16", 10 * 8),
        ("2", "linear", "ax-fpm", 10 * 8),
        ("3.fc", "linear", "e8m2", 10 * 12),
        ("3", "matmul", "e8m2", 10 * 6),
    ]
    assert inner.context.uncovered_operators == ()
