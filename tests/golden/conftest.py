"""Lets the tests of this folder import what they share, and seeds them."""

import sys
from pathlib import Path

import pytest
import torch

for _folder in ("kernels", "pytorch", "robustness"):
    sys.path.insert(0, str(Path(__file__).parent / _folder))


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(3)
