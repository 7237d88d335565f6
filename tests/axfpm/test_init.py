import subprocess
import sys

import pytest

import axfpm


@pytest.mark.parametrize("name", axfpm.__all__)
def test_every_public_name_resolves(name):
    assert getattr(axfpm, name) is not None
    assert name in dir(axfpm)


def test_unknown_name():
    with pytest.raises(AttributeError, match="no attribute 'multply'"):
        _ = axfpm.multply


def test_import_is_light():
    heavy = "numpy torch numba amaranth matplotlib altair scipy foolbox"
    code = f"import axfpm, sys; print(*[m for m in {heavy.split()!r} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == ""


def test_names_work_together():
    assert axfpm.multiply(1.0, 1.0, axfpm.multiplier("ax-fpm")) == 2.0
    assert axfpm.MULTIPLIERS["exact"] == axfpm.multiplier("exact")
