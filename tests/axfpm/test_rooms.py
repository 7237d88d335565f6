"""Started where folders of other people have the rooms' names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import axfpm
from axfpm import rooms

ROOT = Path(axfpm.__file__).parent.parent


def start(*arguments: str, folder: Path, path: Path | str = ROOT):
    """Run Python in a folder, this package on its path."""
    environment = {**os.environ, "PYTHONPATH": str(path)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("room", rooms.ROOMS)
@pytest.mark.parametrize("kind", ["package", "module"])
def test_a_shadowed_room(tmp_path, room, kind):
    if kind == "package":
        (tmp_path / room).mkdir()
        other = tmp_path / room / "__init__.py"
        found = other.parent
    else:
        found = other = tmp_path / f"{room}.py"
    other.write_text("raise SystemExit('it was imported')")
    sentence = f"`import {room}` finds {found} instead of {ROOT / room}, which axfpm needs; start Python in another"
    command = start("-m", "axfpm", "list", folder=tmp_path)
    assert command.returncode == 2
    assert command.stdout == ""
    assert command.stderr.startswith(f"axfpm: {sentence}")
    assert command.stderr.count("\n") == 1
    imported = start("-c", "import axfpm", folder=tmp_path)
    assert imported.returncode == 1
    assert f"ImportError: {sentence}" in imported.stderr


def test_the_installed_command(tmp_path):
    (tmp_path / "golden.py").write_text("")
    script = tmp_path / "bin" / "axfpm"
    script.parent.mkdir()
    script.write_text("import sys\nfrom axfpm.cli import main\nsys.exit(main())\n")
    assert start(str(script), "--version", folder=tmp_path).returncode == 0  # its folder, not this one, is searched
    shadowed = start(str(script), "--version", folder=tmp_path, path=f".{os.pathsep}{ROOT}")
    assert shadowed.returncode == 2
    assert shadowed.stderr.startswith("axfpm: `import golden` finds ")
    assert shadowed.stderr.count("\n") == 1


def test_what_shadows_nothing(tmp_path):
    (tmp_path / "sim").mkdir()  # no package: a regular one anywhere on the path comes before it
    (tmp_path / "hdl.txt").write_text("")
    for folder in (tmp_path, ROOT, ROOT / "axfpm"):
        assert start("-m", "axfpm", "--version", folder=folder).returncode == 0


def test_an_editable_installation(tmp_path):
    # Setuptools' finder stands after the path's: there a folder without __init__.py comes first.
    code = """
import importlib.util, sys
from pathlib import Path

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        place = Path(ROOT, name, "__init__.py")
        if "." not in name and place.is_file():
            return importlib.util.spec_from_file_location(name, place, submodule_search_locations=[str(place.parent)])

sys.meta_path = [f for f in sys.meta_path if "editable" not in repr(f)] + [Finder]
import axfpm
print(axfpm.multiply(1.0, 1.0))
""".replace("ROOT", repr(str(ROOT)))
    fine = start("-c", code, folder=tmp_path, path="")
    assert (fine.returncode, fine.stdout) == (0, "2.0\n"), fine.stderr
    (tmp_path / "sim").mkdir()
    shadowed = start("-c", code, folder=tmp_path, path="")
    assert shadowed.returncode == 1
    assert f"ImportError: `import sim` finds {tmp_path / 'sim'} instead of {ROOT / 'sim'}" in shadowed.stderr


def test_a_link_to_the_package(tmp_path):
    for name in ("axfpm", *rooms.ROOMS):
        (tmp_path / name).symlink_to(ROOT / name)
    assert start("-m", "axfpm", "--version", folder=tmp_path).returncode == 0


def test_rooms_are_not_imported():
    code = "import sys, axfpm; print([room for room in ('golden', 'hdl', 'sim', 'synth') if room in sys.modules])"
    assert start("-c", code, folder=ROOT).stdout == "[]\n"


def test_a_loaded_room_counts(monkeypatch):
    module = type(sys)("hdl")
    monkeypatch.setitem(sys.modules, "hdl", module)
    assert rooms.place_of("hdl") is None
    module.__spec__ = type("Spec", (), {"submodule_search_locations": ["/other/hdl"], "origin": None})()
    assert "`import hdl` finds /other/hdl" in rooms.shadowing()
