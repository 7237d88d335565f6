"""Where a model computes: its device, and exact torch there in float32 proper, the same each time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import chain
from typing import Any

import torch
from torch import nn

from golden.errors import InvalidInput, MissingTool
from golden.kernels.cuda import dispatch

__all__ = ["at_home", "check_device", "check_name", "device_of", "ieee_products", "ways_of_torch"]


def device_of(module: nn.Module) -> torch.device:
    """The device of a model's parameters and buffers, the first of them; the CPU where it has none."""
    for tensor in chain(module.parameters(), module.buffers()):
        return tensor.device
    return torch.device("cpu")


def check_name(name: str) -> None:
    """Raise InvalidInput unless a device is called ``cpu``, ``cuda`` or ``cuda:1``."""
    if name != "cpu" and not re.fullmatch(r"cuda(:\d+)?", name):
        raise InvalidInput(f"the device {name} is unknown; choose cpu, cuda, or cuda:1 for the second GPU")


def check_device(name: str) -> None:
    """Raise unless models can compute on a device here, as ``check_name`` takes it.

    Raises
    ------
    InvalidInput
        If the name is another, or torch has no such GPU.
    MissingTool
        If the emulation lacks something that it needs there.
    """
    check_name(name)
    if name == "cpu":
        return
    if not torch.cuda.is_available():
        raise InvalidInput("torch has no GPU to use here; compute on the CPU, or see `axfpm doctor`")
    count = torch.cuda.device_count()
    if (torch.device(name).index or 0) >= count:
        raise InvalidInput(f"there is no {name} among {count} GPUs, counted from 0; name one that is there")
    problem = dispatch.lacks()
    if problem:
        raise MissingTool(problem)


@contextmanager
def at_home(device: torch.device, *, placed: bool = False) -> Iterator[None]:
    """Make tensors on a GPU where nobody says otherwise, with ``ieee_products``; nothing for the CPU.

    Attacks and their libraries make tensors of their own, most of them without naming a device. Those that do name it,
    ``placed``, are spared torch's mode for that, which every one of torch's functions goes through.
    """
    if device.type == "cpu":
        yield
        return
    with ieee_products(), nullcontext() if placed else device:
        yield


def ways_of_torch() -> tuple[Any, ...]:
    """What selects among torch's own kernels on a GPU, of which some round in other ways or orders than others."""
    convolutions: Any = torch.backends.cudnn
    return (
        torch.backends.cuda.matmul.fp32_precision,
        convolutions.conv.fp32_precision,
        convolutions.deterministic,
        convolutions.benchmark,
        convolutions.enabled,
        torch.are_deterministic_algorithms_enabled(),
        torch.backends.cuda.matmul.allow_fp16_accumulation,
        torch.backends.cuda.flash_sdp_enabled(),
        torch.backends.cuda.mem_efficient_sdp_enabled(),
        torch.backends.cuda.cudnn_sdp_enabled(),
        torch.backends.cuda.math_sdp_enabled(),
    )


@contextmanager
def ieee_products() -> Iterator[None]:
    """Exact torch on a GPU in float32 proper, the same each time.

    No TF32 in matrix products or convolutions, and of cuDNN's ways those alone that give the same bits again.
    """
    convolutions: Any = torch.backends.cudnn
    places = torch.backends.cuda.matmul, convolutions.conv
    before = [place.fp32_precision for place in places], convolutions.deterministic, convolutions.benchmark
    # As torch's own contexts, this one is spared the ban on lasting changes that importing torch's test suite brings.
    bracketed: Any = getattr(torch.backends, "__allow_nonbracketed_mutation", nullcontext)
    try:
        for place in places:
            place.fp32_precision = "ieee"
        with bracketed():
            convolutions.deterministic, convolutions.benchmark = True, False
        yield
    finally:
        for place, value in zip(places, before[0], strict=True):
            place.fp32_precision = value
        with bracketed():
            convolutions.deterministic, convolutions.benchmark = before[1:]
