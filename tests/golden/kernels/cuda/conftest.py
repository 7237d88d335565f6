"""Tests in Triton's interpreter run in a process of their own: it is chosen when Triton is imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]


@pytest.fixture
def interpreter():
    """Asks for Triton's interpreter."""
    pytest.importorskip("triton", reason="Triton is not installed: pip install 'axfpm[gpu]'")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if "interpreter" not in pyfuncitem.fixturenames or os.environ.get("TRITON_INTERPRET") == "1":
        return None
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", pyfuncitem.nodeid]
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    run = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    return True
