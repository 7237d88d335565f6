"""Which tensors the GPU's kernels take; whole networks on them, on a GPU, or in Triton's interpreter."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import golden.kernels.cuda.dispatch as gpu
from golden.catalogue import multiplier
from golden.errors import InvalidInput, InvalidType, MissingTool
from golden.pytorch import ApproximateModule, approximate, coverage, surrogate
from golden.sums import conv2d, linear, matmul


def tensor_on(kind):
    return SimpleNamespace(is_cpu=kind == "cpu", device=torch.device(kind))


def test_tensors_on_the_cpu_stay_there_unless_told(monkeypatch):
    monkeypatch.delenv("AXFPM_KERNEL", raising=False)
    assert not gpu.on_device(tensor_on("cpu"), "x")
    monkeypatch.setenv("AXFPM_KERNEL", "plain")
    assert not gpu.on_device(tensor_on("cpu"), "x")
    monkeypatch.setattr(gpu, "_interprets", lambda: False)
    monkeypatch.setenv("AXFPM_KERNEL", "cuda-lanes")
    monkeypatch.setattr(gpu, "lacks", lambda: "emulation on a GPU needs Triton; pip install 'axfpm[gpu]'")
    with pytest.raises(MissingTool, match=r"names the kernel 'cuda-lanes', and emulation .* needs Triton; .*unset it"):
        gpu.on_device(tensor_on("cpu"), "x")
    monkeypatch.setattr(gpu, "lacks", lambda: None)
    with pytest.raises(
        InvalidInput, match="'cuda-lanes' runs on an NVIDIA GPU, and x is on the CPU; unset AXFPM_KERNEL"
    ):
        gpu.on_device(tensor_on("cpu"), "x")
    with pytest.raises(InvalidInput, match="runs on tensors on a GPU"):
        matmul(np.ones((1, 1), np.float32), np.ones((1, 1), np.float32))
    monkeypatch.setattr(gpu, "_interprets", lambda: True)
    assert gpu.on_device(tensor_on("cpu"), "x")


def test_tensors_on_a_gpu(monkeypatch):
    monkeypatch.delenv("AXFPM_KERNEL", raising=False)
    monkeypatch.setattr(gpu, "lacks", lambda: "emulation on a GPU needs Triton; pip install 'axfpm[gpu]'")
    with pytest.raises(MissingTool, match=r"x is on cuda, and emulation .* needs Triton; .*; or move .* \.cpu\(\)"):
        gpu.on_device(tensor_on("cuda"), "x")
    monkeypatch.setattr(gpu, "lacks", lambda: None)
    assert gpu.on_device(tensor_on("cuda:1"), "x")
    for name in ("cuda-lanes", "cuda-integer"):
        monkeypatch.setenv("AXFPM_KERNEL", name)
        assert gpu.on_device(tensor_on("cuda"), "x")
    monkeypatch.setenv("AXFPM_KERNEL", "avx2")
    with pytest.raises(InvalidInput, match="'avx2' runs on the CPU, and x is on cuda"):
        gpu.on_device(tensor_on("cuda"), "x")
    monkeypatch.setenv("AXFPM_KERNEL", "cuda-lane")
    with pytest.raises(InvalidInput, match=r"names no kernel.*cuda-lanes"):
        gpu.on_device(tensor_on("cuda"), "x")


def test_what_the_gpu_path_lacks(monkeypatch):
    monkeypatch.setattr(gpu, "find_spec", lambda name: None)
    assert "pip install 'axfpm[gpu]'" in str(gpu.lacks())
    monkeypatch.setattr(gpu, "find_spec", lambda name: object())
    assert gpu.lacks() is None
    monkeypatch.setattr(torch.version, "hip", "6.2")
    assert "not for AMD's" in str(gpu.lacks())


def test_other_devices_and_mixed_ones_are_refused():
    x, w = torch.ones(2, 2), torch.ones(2, 2)
    with pytest.raises(InvalidType, match="a is on meta, and the emulation runs on CPUs and NVIDIA GPUs"):
        matmul(x.to("meta"), w.to("meta"))
    with pytest.raises(InvalidType, match="the activations are on cpu and w is on meta; move one of them"):
        matmul(x, w.to("meta"))
    with pytest.raises(InvalidType, match="the activations are on cpu and bias is on meta"):
        linear(x, w, torch.ones(2, device="meta"))
    with approximate("ax-fpm"), pytest.raises(InvalidType, match=r"move one of them|use \.cpu"):
        torch.mm(x, w.to("meta"))


def test_kernels_by_multiplier(monkeypatch):
    monkeypatch.delenv("AXFPM_KERNEL", raising=False)
    assert gpu.kernel(multiplier("ax-fpm")) == "cuda-lanes"
    assert gpu.kernel(multiplier("ax-fpm-wrap")) == "cuda-integer"
    monkeypatch.setenv("AXFPM_KERNEL", "cuda-integer")
    assert gpu.kernel(multiplier("ax-fpm")) == "cuda-integer"


class Small(torch.nn.Module):
    def __init__(self, attends):
        super().__init__()
        self.front = torch.nn.Conv2d(1, 4, 3, padding=1, stride=2)
        self.attention = torch.nn.MultiheadAttention(4, 2, batch_first=True) if attends else None
        self.head = torch.nn.Linear(4 * 16, 5)

    def forward(self, x):
        x = self.front(x).relu().flatten(2).mT
        return self.head((x if self.attention is None else self.attention(x, x, x)[0]).flatten(1))


@pytest.mark.long
@pytest.mark.parametrize("attends", [False, True])
def test_networks_gradients_surrogate_and_coverage(device, monkeypatch, attends):
    torch.manual_seed(0)
    model, images = Small(attends).eval(), torch.rand(2, 1, 8, 8)

    def results(gradient, device):
        x = images.to(device, copy=True).requires_grad_()
        y = ApproximateModule(model.to(device), "ax-fpm", gradient=gradient)(x)
        y.square().sum().backward()
        assert x.grad is not None
        return y.detach().cpu(), x.grad.cpu()

    def others(device):
        here = model.to(device)
        return (
            surrogate(here, "ax-fpm")(images.to(device)).detach().cpu(),
            coverage(here, images.to(device), "ax-fpm").macs,
        )

    monkeypatch.delenv("AXFPM_KERNEL", raising=False)
    expected = [results(gradient, "cpu") for gradient in ("scaled", "masked", "straight-through")]
    stand_in, macs = others("cpu")
    # Exact torch, which gradients, the surrogate's sums and softmax run on, rounds in another order on a GPU.
    close = (1e-4, 1e-6) if device == "cuda" else (0.0, 0.0)
    same = close if attends else (0.0, 0.0)

    def compare(got, want, tolerances):
        torch.testing.assert_close(got, want, rtol=tolerances[0], atol=tolerances[1])

    asked = []
    for name in ("matmul", "conv2d"):
        whole = getattr(gpu, name)
        monkeypatch.setattr(gpu, name, lambda *a, _whole=whole, _name=name: asked.append(_name) or _whole(*a))
    for kernel in ("cuda-lanes", "cuda-integer"):
        monkeypatch.setenv("AXFPM_KERNEL", kernel)
        for gradient, (y, grad) in zip(("scaled", "masked", "straight-through"), expected, strict=True):
            found, slope = results(gradient, device)
            compare(found, y, same)
            compare(slope, grad, close)
        found, counted = others(device)
        compare(found, stand_in, close)
        assert counted == macs
    assert {"matmul", "conv2d"} <= set(asked)


@pytest.mark.long
def test_functions_of_the_front_door(device, monkeypatch):
    generator = torch.Generator().manual_seed(1)

    def normal(*size):
        return torch.randn(*size, generator=generator)

    x, w, bias = normal(3, 4, 6), normal(5, 6), normal(5)
    image, kernel = normal(2, 3, 5, 5), normal(4, 3, 3, 3)

    def all_of_them(device):
        a, b, start, pixels, taps = (y.to(device) for y in (x, w, bias, image, kernel))
        yield linear(a, b, start)
        yield matmul(a, torch.full((3, 6, 2), 0.5, device=device), "ax-fpm-widen")
        yield matmul(a[0], b.mT, "exact", start, "float64")
        yield conv2d(pixels, taps, torch.full((4,), -1.0, device=device), stride=9, padding=1, multiplier="bf16")

    monkeypatch.delenv("AXFPM_KERNEL", raising=False)
    expected = list(all_of_them("cpu"))
    monkeypatch.setenv("AXFPM_KERNEL", "cuda-lanes")
    for got, want in zip(all_of_them(device), expected, strict=True):
        assert got.dtype == torch.float32 and got.device.type == device
        assert torch.equal(got.cpu().view(torch.int32), want.view(torch.int32))
    with pytest.raises(InvalidInput, match="no GPU kernel computes"):
        matmul(x[0].to(device), w.mT.to(device), "ax-fpm:cell=AMA1,block=12")
