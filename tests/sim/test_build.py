import pytest

from golden.errors import InvalidInput
from sim.build import SimulationError, build, folder_for_builds
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


def test_a_design_that_does_not_compile(icarus, tmp_path):
    with pytest.raises(SimulationError, match=r"icarus does not compile the design[\s\S]*syntax error"):
        build("module m(; endmodule", top="m", ports=(), simulator=find(icarus), waves=False, folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_unwritable_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match=r"cannot write the build folder .*; choose a folder that can be written"):
        folder_for_builds(tmp_path / "file" / "below")
