"""The benchmark of a GPU: its ceilings, and its rows where the kernels run in Triton's interpreter."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from golden.catalogue import multiplier
from golden.errors import InvalidInput
from golden.speed.gpu import ceiling, run_gpu_bench

H100 = SimpleNamespace(major=9, minor=0, multi_processor_count=132, clock_rate=1_980_000)
A100 = SimpleNamespace(major=8, minor=0, multi_processor_count=108, clock_rate=1_410_000)

SCRIPT = """
import json
from golden.speed import Shape
from golden.speed.gpu import run_gpu_bench
import torch
network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Flatten(), torch.nn.Linear(32, 3))
result = run_gpu_bench(multipliers=["ax-fpm", "ax-fpm-wrap"], shapes=[Shape("product", (3, 17, 5))],
    networks={"network": (network, torch.rand(2, 1, 6, 6))}, device="cpu")
print(json.dumps(result))
"""


def test_ceilings_count_issued_instructions_or_busy_units():
    m = multiplier("ax-fpm")
    assert ceiling(m, H100) == pytest.approx(132 * 1.98 * 128 / 7.0)
    assert ceiling(m, A100) == pytest.approx(108 * 1.41 * 64 / 5)
    assert ceiling(multiplier("ax-fpm-wrap"), H100) is None


def test_without_a_gpu_there_is_one_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InvalidInput, match="torch has no GPU to use here"):
        run_gpu_bench()


@pytest.mark.long
def test_rows(tmp_path):
    pytest.importorskip("triton", reason="Triton is not installed: pip install 'axfpm[gpu]'")
    environment = {**os.environ, "TRITON_INTERPRET": "1", "AXFPM_KERNEL": "cuda-lanes"}
    root = Path(__file__).parents[3]
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, cwd=root, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    rows = result["rows"]
    assert [row["shape"] for row in rows] == ["product"] * 2 + ["network"] * 2
    assert [row["kernel"] for row in rows] == ["cuda-lanes", "cuda-integer"] * 2
    assert [row["macs"] for row in rows] == [3 * 17 * 5] * 2 + [2 * (2 * 16 * 9 + 32 * 3)] * 2
    for row in rows:
        assert row["ratio"] == pytest.approx(row["torch_gmacs"] / row["gmacs"])
        assert row["ceiling"] is None and row["share"] is None
    assert result["machine"]["triton"]
