import importlib.metadata
import subprocess
from pathlib import Path
from typing import Any

import pytest

from golden.cache import intact, work_folder
from golden.errors import InvalidInput
from sim.build import Build, SimulationError, build, plain_workshop
from sim.compiled import program
from sim.runner import run
from sim.tools import find

WIRE = "module wire_only(input a, output y); assign y = a; endmodule\n"


def test_an_unchanged_design_is_built_once(icarus, tmp_path):
    tool = find(icarus)
    first = build(WIRE, top="wire_only", ports=("a", "y"), simulator=tool, waves=False, folder=tmp_path)
    again = build(WIRE, top="wire_only", ports=("a", "y"), simulator=tool, waves=False, folder=tmp_path)
    changed = build(
        WIRE.replace("= a", "= ~a"), top="wire_only", ports=("a", "y"), simulator=tool, waves=False, folder=tmp_path
    )
    assert again.folder == first.folder != changed.folder
    assert again.seconds == 0 < first.seconds
    assert sorted(tmp_path.iterdir()) == sorted([first.folder, changed.folder])


def test_a_build_belongs_to_the_cocotb_it_is_linked_to(icarus, tmp_path, monkeypatch):
    def one():
        return build(WIRE, top="wire_only", ports=("a", "y"), simulator=find(icarus), waves=False, folder=tmp_path)

    first = one()
    here = importlib.metadata.distribution("cocotb")
    with monkeypatch.context() as patch:  # the same version, in another environment that shares the cache
        patch.setattr(type(here), "locate_file", lambda _, path: Path("/another/environment", path))
        other = one()
    assert other.folder != first.folder
    assert other.seconds > 0
    assert one() == Build(first.folder, 0.0)


def test_a_design_that_does_not_compile(icarus, tmp_path):
    with pytest.raises(SimulationError, match=r"icarus does not compile the design[\s\S]*syntax error"):
        build("module m(; endmodule", top="m", ports=(), simulator=find(icarus), waves=False, folder=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def strange(tmp_path):
    """A folder for builds whose path Make does not take."""
    return work_folder("sim", tmp_path / "c\u00e4che with space")


SMALL: dict[str, Any] = {"multiplier": "ax-fpm:format=toy", "vectors": 20}


def test_icarus_under_any_path(icarus, strange):
    report = run(simulator=icarus, waves=True, build_dir=strange, **SMALL)
    assert report.passed
    assert report.waves is not None
    assert report.waves.is_relative_to(strange)
    assert report.waves.stat().st_size > 0
    again = run(simulator=icarus, waves=True, build_dir=strange, **SMALL)
    assert again.passed
    assert again.build_seconds == 0


@pytest.mark.long
def test_programs_under_any_path(verilator, strange):
    main = '#include "Vtop.h"\nint main() { Vtop top; top.a = 1; top.eval(); return top.y ? 7 : 1; }\n'
    verilog = WIRE.replace("wire_only", "top")
    built = program(verilog, main, top="top", tool=find(verilator), folder=strange)
    assert built.is_relative_to(strange)
    assert subprocess.run([built], check=False).returncode == 7
    built.write_bytes(built.read_bytes()[:-1])
    assert not intact(built.parent)
    assert list(strange.iterdir()) == []


@pytest.mark.long
def test_verilator_under_any_path(verilator, strange):
    assert run(simulator=verilator, build_dir=strange, **SMALL).passed
    again = run(simulator=verilator, build_dir=strange, **SMALL)
    assert again.passed
    assert again.build_seconds == 0
    kinds = {path.name.rpartition("-")[0] for path in strange.iterdir()}
    assert kinds == {"verilator-library", "verilator-multiplier"}


def test_no_path_that_make_takes(tmp_path, monkeypatch):
    (tmp_path / "a b").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "a b"))
    with pytest.raises(InvalidInput, match=r"nor in .*a b; set TMPDIR"), plain_workshop(tmp_path / "a b", "x"):
        pass


def test_a_damaged_build_is_made_again(icarus, tmp_path):
    def one():
        return build(WIRE, top="wire_only", ports=("a", "y"), simulator=find(icarus), waves=False, folder=tmp_path)

    first = one()
    program = first.folder / "sim.vvp"
    whole = program.read_bytes()
    for content in (whole[:-1], whole.replace(b"wire_only", b"wire_onlx"), b""):
        program.write_bytes(content)
        assert one().seconds > 0
        assert one().seconds == 0
        assert program.read_bytes().count(b"wire_only") == whole.count(b"wire_only")


def test_a_build_that_is_interrupted_leaves_nothing(icarus, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("sim.build.seal", interrupt)
    with pytest.raises(KeyboardInterrupt):
        build(WIRE, top="wire_only", ports=("a", "y"), simulator=find(icarus), waves=False, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
