"""Where the kernels of these tests run: on a GPU if torch has one, else in Triton's interpreter.

The interpreter is chosen when Triton is imported, so that its tests run in a process of their own. With
TRITON_INTERPRET=1 they run in it on any machine.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"


def on_a_gpu() -> bool:
    import torch

    return not INTERPRETED and torch.cuda.is_available()


@pytest.fixture
def device(monkeypatch):
    """What tensors are put on for the kernels to compute them; on the CPU they do where AXFPM_KERNEL names one."""
    pytest.importorskip("triton", reason="Triton is not installed: pip install 'axfpm[gpu]'")
    return "cuda" if on_a_gpu() else "cpu"


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if "device" not in pyfuncitem.fixturenames or INTERPRETED or on_a_gpu():
        return None
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", pyfuncitem.nodeid]
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    run = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    return True
