"""Convolutions of the GPU's kernels, run there or in Triton's interpreter: the bits of the CPU's."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("triton", reason="Triton is not installed: pip install 'axfpm[gpu]'")
pytest.importorskip("torch")

import torch
from kernel_cases import operands

from golden.catalogue import multiplier
from golden.kernels.cuda import convolution, matrices
from golden.sums import conv2d as conv2d_on_the_cpu

pytestmark = pytest.mark.long

CASES = (
    # input, weight, stride, padding, dilation, groups
    ((2, 3, 7, 9), (5, 3, 3, 2), (1, 1), (1, 1), (1, 1), 1),
    ((2, 4, 9, 11), (6, 2, 3, 3), (2, 3), (0, 2), (1, 2), 2),
    ((1, 6, 5, 7), (12, 1, 3, 3), (1, 2), (2, 1), (2, 1), 6),
    ((3, 2, 1, 8), (4, 2, 1, 3), (1, 1), (0, 1), (1, 1), 1),
)


def moved(device, *tensors) -> list[Any]:
    return [None if x is None else x.to(device) for x in tensors]


def conv2d(x, w, bias=None, **settings):
    return conv2d_on_the_cpu(*moved("cpu", x, w, bias), **settings)


@pytest.mark.parametrize("processors", [1, 1 << 20])
def test_settings_carries_and_accumulators(device, processors, monkeypatch):
    monkeypatch.setattr(matrices, "_processors", lambda _device: processors)  # large tiles, and small ones
    rng = np.random.default_rng(9)
    wrong = []
    for name in ("ax-fpm", "ax-fpm-widen", "exact", "ax-fpm-wrap"):
        m = multiplier(name)
        for size, weights, stride, padding, dilation, groups in CASES:
            x, w = (torch.from_numpy(operands(kind, s, rng)) for kind, s in (("relu", size), ("normal", weights)))
            bias = torch.from_numpy(operands("normal", weights[:1], rng))
            for accumulate in ("float32", "float64"):
                a, b, start = moved(device, x, w, bias)
                got = convolution.conv2d(a, b, start, stride, padding, dilation, groups, m, accumulate).cpu()
                expected = conv2d(
                    x,
                    w,
                    bias,
                    stride=stride,
                    padding=padding,
                    dilation=dilation,
                    groups=groups,
                    multiplier=m,
                    accumulate=accumulate,
                )
                if not torch.equal(got.view(torch.int32), expected.view(torch.int32)):
                    wrong.append((name, size, accumulate))
    assert wrong == []


def test_padding_is_a_real_zero_and_no_tile_adds_terms(device):
    """-0 as a bias: a product of +0 turns it into +0, and no term may."""
    m = multiplier("ax-fpm")
    x, w = torch.ones(1, 1, 3, 3), -torch.ones(1, 1, 3, 3)
    bias = torch.tensor([-0.0])
    for kernel in (w, torch.zeros_like(w), -torch.zeros_like(w)):
        a, b, start = moved(device, x, kernel, bias)
        got = convolution.conv2d(a, b, start, (1, 1), (3, 3), (1, 1), 1, m, "float32").cpu()
        expected = conv2d(x, kernel, bias, padding=3, multiplier=m)
        assert torch.equal(got.view(torch.int32), expected.view(torch.int32))


def test_memory_is_bounded_and_chunks_change_nothing(device, monkeypatch):
    rng = np.random.default_rng(3)
    m = multiplier("ax-fpm")
    x, w = (
        torch.from_numpy(operands("relu", (5, 2, 6, 7), rng)),
        torch.from_numpy(operands("normal", (3, 2, 3, 3), rng)),
    )
    x[3, 0, 2, 2] = float("inf")  # one part alone leaves the range
    x, w = moved(device, x, w)
    whole = convolution.conv2d(x, w, None, (1, 1), (1, 1), (1, 1), 1, m, "float32")
    unfolded = []
    sums = convolution.sums

    def observed(plan, part, weights, out):
        unfolded.append(part.numel())
        sums(plan, part, weights, out)

    monkeypatch.setattr(convolution, "sums", observed)
    row = 7 * 18
    for bytes_, parts in ((row * 12, 30), (row * 12 * 4, 10), (row * 12 * 6 * 2, 3)):
        unfolded.clear()
        monkeypatch.setattr(convolution, "UNFOLDED", bytes_)
        assert torch.equal(
            convolution.conv2d(x, w, None, (1, 1), (1, 1), (1, 1), 1, m, "float32").view(torch.int32),
            whole.view(torch.int32),
        )
        assert len(unfolded) == parts and max(unfolded) * 12 <= bytes_
    assert torch.equal(whole.cpu().view(torch.int32), conv2d(x, w, padding=1, multiplier=m).view(torch.int32))
