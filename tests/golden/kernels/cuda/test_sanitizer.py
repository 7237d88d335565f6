"""Races and reads out of bounds, by compute-sanitizer: products and convolutions of odd shapes, both kernels."""

import os
import shutil
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch has no GPU here"),
    pytest.mark.skipif(shutil.which("compute-sanitizer") is None, reason="compute-sanitizer is not installed"),
]

SCRIPT = """
import torch
from golden.catalogue import multiplier
from golden.kernels.cuda import convolution, matrices

generator = torch.Generator().manual_seed(0)
normal = lambda *size: torch.randn(*size, generator=generator).cuda()
for name in ("ax-fpm", "ax-fpm-wrap"):
    m = multiplier(name)
    for rows, depth, columns in ((1, 1, 1), (130, 5, 66), (33, 7, 16), (5, 9, 129)):
        x, w = normal(rows, depth), normal(depth, columns)
        matrices.matmul(x, w, normal(columns), m, "float32")
        matrices.matmul(x * 1e30, w, None, m, "float64")
    convolution.conv2d(normal(2, 4, 9, 11), normal(6, 2, 3, 3), None, (2, 3), (0, 2), (1, 2), 2, m, "float32")
torch.cuda.synchronize()
print("computed")
"""


@pytest.mark.parametrize("tool", ["memcheck", "racecheck"])
def test_nothing_is_found(tool):
    # Without torch's cache every tensor is an allocation of its own, whose ends are known.
    environment = {**os.environ, "PYTORCH_NO_CUDA_MEMORY_CACHING": "1"}
    command = ["compute-sanitizer", "--tool", tool, "--error-exitcode", "9", sys.executable, "-c", SCRIPT]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "computed" in run.stdout and run.returncode == 0, run.stdout[-3000:] + run.stderr[-2000:]
