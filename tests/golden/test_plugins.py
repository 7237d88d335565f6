"""Multipliers of other packages: loaded late, each alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from golden import catalogue
from golden.catalogue import MULTIPLIERS, multiplier, plugins, register
from golden.errors import AxfpmWarning, InvalidInput, InvalidType

ROOT = Path(catalogue.__file__).parent.parent

MODULE = """
from golden.catalogue import MULTIPLIERS, multiplier

fine = multiplier("ax-fpm").dial(block=6)
again = multiplier("ax-fpm").dial(block=2)
number = 7
assert "mine" not in MULTIPLIERS  # looked into the catalogue while it is made
"""
RAISING = "raise ValueError('first line\\nsecond line')"
LEAVING = "import sys; sys.exit('goodbye')"
PANICKING = "class Panic(BaseException): ...\nprint('on the way')\nraise Panic('at once')"

MODULES = {"fine": MODULE, "raising": RAISING, "leaving": LEAVING, "panicking": PANICKING}

POINTS = """
[axfpm.multipliers]
mine = plugged_fine:fine
exact = plugged_fine:fine
no name = plugged_fine:fine
absent = plugged_fine:absent
seven = plugged_fine:number
missing = plugged_missing:fine
raising = plugged_raising:fine
leaving = plugged_leaving:fine
panicking = plugged_panicking:fine
other = plugged_fine:again
"""

PROBLEMS = {
    "mine": "",
    "other": "",
    "exact": "another multiplier is already named 'exact'",
    "no name": "'no name' cannot name a multiplier",
    "absent": "AttributeError: ",
    "seven": "a registered multiplier is a Multiplier, not int",
    "missing": "ModuleNotFoundError: No module named 'plugged_missing'",
    "raising": "ValueError: first line",
    "leaving": "SystemExit: goodbye",
    "panicking": "Panic: at once",
}


@pytest.fixture
def installed(tmp_path):
    """A folder with a distribution that has such entry points."""
    for name, text in MODULES.items():
        (tmp_path / f"plugged_{name}.py").write_text(text)
    information = tmp_path / "plugged-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(POINTS)
    return tmp_path


@pytest.fixture
def fresh(installed, monkeypatch):
    """The catalogue before plug-ins were looked for, with these on the path."""
    monkeypatch.syspath_prepend(installed)
    monkeypatch.setattr(MULTIPLIERS, "_entries", dict(MULTIPLIERS._entries))
    monkeypatch.setattr(MULTIPLIERS, "_loaded", None)
    yield
    for name in MODULES:
        sys.modules.pop(f"plugged_{name}", None)


def run(*arguments, path, code=0):
    environment = {**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}"}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


@pytest.mark.usefixtures("fresh")
def test_each_problem_is_one_warning():
    with pytest.warns(AxfpmWarning) as said:
        found = plugins()
    assert found.keys() == PROBLEMS.keys()
    for name, problem in PROBLEMS.items():
        assert found[name].startswith(problem)
        assert bool(found[name]) == bool(problem)
    assert len(said) == sum(map(bool, PROBLEMS.values()))
    texts = [str(warning.message) for warning in said]
    assert any(text.startswith("the plug-in 'raising' is left out (ValueError: first line); update") for text in texts)
    assert plugins() == found  # said once


@pytest.mark.usefixtures("fresh")
def test_a_damaged_list_of_entry_points_costs_only_its_own(installed):
    for name in ("aside", "zest"):  # before and after the others, and none of them about multipliers
        (installed / f"{name}-1.0.dist-info").mkdir()
        (installed / f"{name}-1.0.dist-info" / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n")
        (installed / f"{name}-1.0.dist-info" / "entry_points.txt").write_text("[console_scripts]\nno pair\n")
    with pytest.warns(AxfpmWarning) as said:
        found = plugins()
    assert found.keys() == {*PROBLEMS, "aside", "zest"}
    assert found["aside"].startswith("its entry_points.txt cannot be read: ")
    assert found["mine"] == found["other"] == ""
    assert len(said) == sum(map(bool, found.values()))


@pytest.mark.usefixtures("fresh")
@pytest.mark.filterwarnings("ignore::golden.errors.AxfpmWarning")
def test_an_interrupted_search_is_made_again(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as while_loading, pytest.raises(KeyboardInterrupt):
        while_loading.setattr(MULTIPLIERS, "register", interrupt)
        plugins()
    assert "mine" in MULTIPLIERS


@pytest.mark.usefixtures("fresh")
@pytest.mark.filterwarnings("ignore::golden.errors.AxfpmWarning")
@pytest.mark.parametrize("first", ["lookup", "item", "dial", "contains", "iterate", "length", "canonical"])
def test_plugins_are_found_whatever_asks_first(first):
    fine = multiplier("ax-fpm").dial(block=6)
    ask = {
        "lookup": lambda: multiplier("mine") == fine,
        "item": lambda: MULTIPLIERS["mine"] == fine,
        "dial": lambda: multiplier("mine:carry=widen") == fine.dial(carry="widen"),
        "contains": lambda: "mine" in MULTIPLIERS and "seven" not in MULTIPLIERS,
        "iterate": lambda: list(MULTIPLIERS)[-2:] == ["mine", "other"],
        "length": lambda: len(MULTIPLIERS) == len(list(MULTIPLIERS)),
        "canonical": lambda: str(fine) == "mine",
    }
    assert ask[first]()
    assert all(question() for question in ask.values())
    assert MULTIPLIERS["exact"] != fine


@pytest.mark.usefixtures("fresh")
def test_what_the_catalogue_answers_itself_loads_nothing():
    assert str(multiplier("ax-fpm")) == "ax-fpm"
    assert "exact" in MULTIPLIERS
    assert MULTIPLIERS._loaded is None
    assert "plugged_fine" not in sys.modules


def test_importing_looks_for_nothing(installed):
    code = (
        "import golden.catalogue, sys; print('importlib.metadata' in sys.modules, golden.catalogue.MULTIPLIERS._loaded)"
    )
    environment = ["-S", "-c", f"import sys; sys.path[:0] = {[p for p in sys.path if 'site-packages' in p]!r}; {code}"]
    out, _ = run(*environment, path=installed)
    assert out.endswith(" None\n")


def test_commands_go_on(installed):
    out, err = run("-m", "axfpm", "list", "--json", path=installed)
    assert {"mine", "other", "exact"} <= {entry["name"] for entry in json.loads(out)}
    lines = err.splitlines()
    assert lines.pop(0) == "on the way"  # what a plug-in prints is no part of the result
    assert len(lines) == sum(map(bool, PROBLEMS.values()))
    assert all(line.startswith("axfpm: warning: the plug-in '") for line in lines)
    out, err = run("-m", "axfpm", "multiply", "1", "1", "--multiplier", "mine", path=installed)
    assert out.startswith("mine: a x b = ")
    _, err = run("-m", "axfpm", "multiply", "1", "1", path=installed)
    assert err == ""


def test_doctor_lists_them(installed):
    out, err = run("-m", "axfpm", "doctor", "--json", path=installed)
    found = json.loads(out)["plugins"]
    assert found["mine"] == ""
    assert found["leaving"] == "SystemExit: goodbye"
    assert err == "on the way\n"
    out, _ = run("-m", "axfpm", "doctor", path=installed)
    assert "left out: ValueError: first line" in out


def test_only_multipliers_are_registered():
    with pytest.raises(InvalidType, match="a registered multiplier is a Multiplier, not str"):
        register("mine", "exact")  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidInput, match="unknown multiplier 'ax-fmp'; did you mean ax-fpm"):
        multiplier("ax-fmp")


def test_the_catalogue_is_a_read_only_mapping():
    assert not hasattr(MULTIPLIERS, "__setitem__")
    assert dict(MULTIPLIERS) == {name: MULTIPLIERS[name] for name in MULTIPLIERS}
    assert MULTIPLIERS.get("absent") is None
    with pytest.raises(KeyError, match="absent"):
        _ = MULTIPLIERS["absent"]
