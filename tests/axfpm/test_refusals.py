"""Every error path of every command: one whole sentence, exit code 2, nothing on standard output, nothing written.

The transcripts in the folder ``refusals``, one for each command, are the table. ``$`` begins a command line, run in a
folder of its own, and the line below it is all that it says; ``{here}`` stands for that folder. ``==`` names a file
that all commands of the transcript find there, up to the next empty line; ``folder``, ``empty``, the circular link
``loop`` and ``deep.json``, which is nested too deeply, are always there. Before a command may stand, as in a shell,
``PATH=`` (no program is found), ``WITHOUT=NAMES`` (these packages are not installed) and ``LOCKED=FILE`` (nobody may
read or write it); ``NEEDS=NAMES`` skips where such a program, package or cell library is missing.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
from click.testing import CliRunner

from axfpm.cli import COMMANDS, main
from synth.libraries import LIBRARIES

HERE = Path(__file__).parent / "refusals"
TABLES = {path.stem: path for path in sorted(HERE.glob("*.txt"))}
BEYOND = {"axfpm": "before a command", "multiplier-files": "all commands that take a multiplier"}
"""Transcripts of no one command."""
WITHOUT = """
import sys
from importlib import metadata

absent, found = {!r}, metadata.Distribution.from_name


def from_name(name):
    if name in absent:
        raise metadata.PackageNotFoundError(name)
    return found(name)


sys.modules.update(dict.fromkeys(absent))
metadata.Distribution.from_name = from_name
from axfpm.cli import main
main(prog_name="axfpm")
"""
"""A process in which modules cannot be imported, and distributions of these names are not installed."""


class Refusal(NamedTuple):
    """A command line and what it says."""

    settings: dict[str, str]
    words: list[str]
    sentence: str
    files: dict[str, str]


def rows(path: Path) -> list[Refusal]:
    """The rows of a transcript."""
    text = path.read_text(encoding="utf-8")
    files = {m[1]: m[2] for m in re.finditer(r"^== (\S+)\n(.*?)(?=^\n|\Z)", text, re.MULTILINE | re.DOTALL)}
    found = []
    for line, sentence in re.findall(r"^\$ (.*)\n(.*)$", text, re.MULTILINE):
        words = shlex.split(line)
        start = words.index("axfpm")
        settings = dict(word.split("=", 1) for word in words[:start])
        assert settings.keys() <= {"PATH", "WITHOUT", "LOCKED", "NEEDS"}, line
        found.append(Refusal(settings, words[start + 1 :], sentence, files))
    return found


def starts_torch(row: Refusal) -> bool:
    """Whether a row takes seconds: a process of its own that imports torch."""
    networks = row.words[:1] in (["train"], ["evaluate"], ["audit"])
    alone = row.settings.get("WITHOUT", "torch") != "torch" or ("LOCKED" in row.settings and "-o" not in row.words)
    return networks and alone


ALL = {name: rows(path) for name, path in TABLES.items()}
EACH = [
    pytest.param(
        row,
        id=f"{name}-{' '.join([*(f'{k}={v}' for k, v in row.settings.items()), *row.words])[:70]}",
        marks=[pytest.mark.long] if starts_torch(row) else [],
    )
    for name, found in ALL.items()
    for row in found
]


def everything(folder: Path) -> dict[str, Any]:
    """What lies in a folder: contents of files, targets of links."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        kept = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[path.relative_to(folder).as_posix()] = kept
    return found


def ran(row: Refusal, folder: Path) -> tuple[int, str, str]:
    """Exit code, standard output and error; in a process of its own where the table changes more than this one can."""
    command = [sys.executable, "-m", "axfpm", *row.words]
    if "WITHOUT" in row.settings:
        command[1:3] = ["-c", WITHOUT.format(row.settings["WITHOUT"].split(","))]
    elif "LOCKED" in row.settings:
        locked = folder / row.settings["LOCKED"]
        locked.chmod(0)
        if os.geteuid() == 0:  # the superuser reads all; without that right the owner's permissions hold
            if shutil.which("setpriv") is None:
                pytest.skip("setpriv not installed, and this user may read everything")
            command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    else:
        result = CliRunner(env={"COLUMNS": ""}).invoke(main, row.words, prog_name="axfpm")
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
        return result.exit_code, result.stdout, result.stderr
    root = str(Path(__file__).parents[2])
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": paths}, cwd=folder, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def is_there(name: str) -> bool:
    """Whether a program, a package or a cell library is installed."""
    if name in LIBRARIES:
        return LIBRARIES[name].is_at_hand
    return shutil.which(name) is not None or find_spec(name) is not None


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder of a row, with what all rows find there; the cache is elsewhere."""
    here = tmp_path / "here"
    (here / "folder").mkdir(parents=True)
    (here / "empty").touch()
    (here / "loop").symlink_to("loop")
    (here / "deep.json").write_text("[" * 100_000)
    monkeypatch.chdir(here)
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # of modules that a row imports
    yield here
    sys.modules.pop("mine", None)


@pytest.mark.parametrize("row", EACH)
def test_it_is_refused_in_one_sentence(row, folder, monkeypatch):
    needed = filter(None, row.settings.get("NEEDS", "").split(","))
    if absent := [name for name in needed if not is_there(name)]:
        pytest.skip(f"{', '.join(absent)} not installed")
    for name, content in row.files.items():
        (folder / name).write_text(content, encoding="utf-8")
    if "PATH" in row.settings:
        monkeypatch.setenv("PATH", row.settings["PATH"])
    before = everything(folder)
    code, out, err = ran(row, folder)
    if "LOCKED" in row.settings:
        (folder / row.settings["LOCKED"]).chmod(0o700)
    assert err == row.sentence.replace("{here}", str(folder)) + "\n"
    assert (code, out) == (2, "")
    assert everything(folder) == before


@pytest.mark.parametrize("row", EACH)
def test_a_sentence_says_what_was_wrong_and_what_to_do(row):
    remedy = r"; .+|: (run|install|put) .+| needs `pip install .+`| \(`axfpm[^`]* --help` shows more\)"
    assert re.fullmatch(rf"axfpm: .+({remedy})", row.sentence)


def test_every_command_has_a_table():
    assert TABLES.keys() == {*COMMANDS, *BEYOND}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_and_argument_is_refused_somewhere(name):
    command = main.get_command(click.Context(main), name)
    assert command is not None
    words = [word for row in ALL[name] for word in row.words]
    asked = [p for p in command.params if isinstance(p, click.Option) and not p.is_flag]
    assert [p.opts for p in asked if not {*p.opts} & {*words}] == []
    assert all(row.words[0] == name for row in ALL[name])
    assert len(ALL[name]) > 2
