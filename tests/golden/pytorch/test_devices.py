"""Where models compute: their device, what is refused, and exact torch on a GPU."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn

from golden.errors import InvalidInput, MissingTool
from golden.kernels.cuda import dispatch
from golden.pytorch import ApproximateModule
from golden.pytorch.devices import at_home, check_device, check_name, device_of, ieee_products


def test_the_device_of_a_model_is_that_of_its_parameters_or_buffers():
    assert device_of(nn.ReLU()) == torch.device("cpu")
    model = nn.Sequential(nn.ReLU(), nn.Linear(2, 2, device="meta"))
    assert device_of(model) == torch.device("meta")
    assert device_of(ApproximateModule(model, "ax-fpm")) == torch.device("meta")
    norm = nn.BatchNorm1d(2, affine=False, device="meta")
    assert device_of(norm) == torch.device("meta")


def test_names_of_devices(monkeypatch):
    for name in ("cpu", "cuda", "cuda:1"):
        check_name(name)
    for name in ("gpu", "cuda:", "mps", ""):
        with pytest.raises(InvalidInput, match="unknown; choose cpu, cuda, or cuda:1"):
            check_name(name)
    check_device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InvalidInput, match="torch has no GPU to use here; compute on the CPU"):
        check_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(InvalidInput, match="there is no cuda:1 among 1 GPUs"):
        check_device("cuda:1")
    monkeypatch.setattr(dispatch, "lacks", lambda: "emulation on a GPU needs Triton; pip install 'axfpm[gpu]'")
    with pytest.raises(MissingTool, match="needs Triton"):
        check_device("cuda:0")
    monkeypatch.setattr(dispatch, "lacks", lambda: None)
    check_device("cuda")


def test_settings_are_put_back_after_errors_too():
    convolutions: Any = torch.backends.cudnn
    before = convolutions.conv.fp32_precision, torch.backends.cuda.matmul.fp32_precision, convolutions.deterministic
    with pytest.raises(KeyError), ieee_products():
        assert convolutions.conv.fp32_precision == torch.backends.cuda.matmul.fp32_precision == "ieee"
        assert convolutions.deterministic and not convolutions.benchmark
        raise KeyError
    after = convolutions.conv.fp32_precision, torch.backends.cuda.matmul.fp32_precision, convolutions.deterministic
    assert after == before


def test_beside_the_test_suite_of_torch():
    """Whoever imports it may no longer set flags, but within a context."""
    code = (
        "import torch\n"
        "from golden.pytorch.devices import ieee_products\n"
        "torch.backends.disable_global_flags()\n"
        "with ieee_products():\n"
        "    assert torch.backends.cudnn.deterministic\n"
        "assert not torch.backends.cudnn.deterministic and torch.backends.flags_frozen()"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_tensors_are_made_at_home():
    with at_home(torch.device("meta")):
        assert torch.zeros(1).device.type == "meta" and torch.zeros(1, device="cpu").device.type == "cpu"
        assert torch.backends.cudnn.deterministic
    with at_home(torch.device("cpu")):
        assert torch.zeros(1).device.type == "cpu" and not torch.backends.cudnn.deterministic
