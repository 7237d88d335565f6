"""Which tensors the GPU's kernels compute, and what they need for it. Triton is imported when first used."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from golden.catalogue import Multiplier
from golden.errors import InvalidInput, InvalidType, MissingTool
from golden.kernels import GPU_KERNELS, KERNELS
from golden.registry import did_you_mean

# pyright: reportMissingImports=false

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["conv2d", "kernel", "lacks", "matmul", "on_device"]

REMEDY = "move model and data with .cpu()"


def on_device(x: Any, name: str) -> bool:
    """Whether the GPU's kernels compute a tensor, rather than the CPU's.

    They take tensors on an NVIDIA GPU, and where AXFPM_KERNEL names one of them and Triton's interpreter runs
    (TRITON_INTERPRET=1 when Triton is imported), those on the CPU: slow, for tests.

    Raises
    ------
    InvalidType
        If it is on a device that nothing here computes on.
    InvalidInput
        If AXFPM_KERNEL names a kernel that cannot run where it is.
    MissingTool
        If it is on a GPU and Triton is not installed.
    """
    forced = _forced()
    if x.is_cpu:
        if forced in GPU_KERNELS and not _interprets():
            problem = lacks()
            if problem:
                raise MissingTool(f"AXFPM_KERNEL names the kernel {forced!r}, and {problem}; or unset it")
            raise InvalidInput(
                f"the kernel {forced!r} runs on an NVIDIA GPU, and {name} is on the CPU; unset AXFPM_KERNEL or move it "
                "with .cuda()"
            )
        return forced in GPU_KERNELS
    if x.device.type != "cuda":
        raise InvalidType(
            f"{name} is on {x.device}, and the emulation runs on CPUs and NVIDIA GPUs; move it with .cpu()"
        )
    problem = lacks()
    if problem:
        raise MissingTool(f"{name} is on {x.device}, and {problem}; or {REMEDY}")
    if forced is not None and forced not in GPU_KERNELS:
        if forced not in KERNELS:
            raise InvalidInput(
                f"AXFPM_KERNEL={forced!r} names no kernel; {did_you_mean(forced, KERNELS + GPU_KERNELS)}"
            )
        raise InvalidInput(
            f"the kernel {forced!r} runs on the CPU, and {name} is on {x.device}; unset AXFPM_KERNEL or {REMEDY}"
        )
    return True


def lacks() -> str | None:
    """What emulation on a GPU lacks here, and how to get it; None where it can run.

    A GPU itself is not asked for.
    """
    if find_spec("triton") is None:
        return "emulation on a GPU needs Triton; pip install 'axfpm[gpu]'"
    torch = sys.modules.get("torch")
    if torch is not None and torch.version.hip is not None:
        return "emulation on a GPU is written for NVIDIA's, not for AMD's; run on the CPU"
    return None


def kernel(m: Multiplier) -> str:
    """The kernel that computes ordinary operands on a GPU.

    Raises
    ------
    InvalidInput
        If none can.
    """
    from golden.kernels.cuda.families import design, family

    design(m)
    return GPU_KERNELS[0] if _in_lanes() and family(m) is not None else GPU_KERNELS[1]


def matmul(x: Tensor, w: Tensor, bias: Tensor | None, m: Multiplier, accumulate: str) -> Tensor:
    """As ``golden.kernels.dispatch.matmul``, of tensors."""
    from golden.kernels.cuda import matrices

    return matrices.matmul(x, w, bias, m, accumulate, _in_lanes())


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    m: Multiplier,
    accumulate: str,
) -> Tensor:
    """As ``golden.kernels.dispatch.conv2d``, of tensors."""
    from golden.kernels.cuda import convolution

    return convolution.conv2d(x, weight, bias, stride, padding, dilation, groups, m, accumulate, _in_lanes())


def _forced() -> str | None:
    return os.environ.get("AXFPM_KERNEL") or None


def _in_lanes() -> bool:
    return _forced() != "cuda-integer"


def _interprets() -> bool:
    if lacks():
        return False
    from triton import knobs

    return bool(knobs.runtime.interpret)
