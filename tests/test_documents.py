"""Code blocks of README and the documentation do what they say.

Blocks that begin with a comment of nothing but a file's name are that file, which stands there from the beginning.
Python blocks of a document are run in order, in one namespace, in a folder of their own: the reader's session. One
that is marked ``long`` behind the language is run by the long tests, after those before it. Blocks of shell are held
against the commands' own options, and names of multipliers in them against the catalogue.
"""

import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from axfpm.cli import main
from golden.catalogue import multiplier

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts),
]
BLOCK = re.compile(r"^```(\w+)\b *([\w ]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"\A(?:#|//) ([\w.-]+\.\w+)\n")
ELSEWHERE = {"docs/cluster.md": "needs a scheduler; tests/golden/robustness/test_cluster.py runs one"}
"""Documents whose Python needs what a test does not have."""


def blocks(path, language):
    """(first line, words behind the language, code) of each block."""
    text = path.read_text(encoding="utf-8")
    return [
        (text.count("\n", 0, match.start(3)) + 1, match[2].split(), match[3])
        for match in BLOCK.finditer(text)
        if match[1] == language and not FILE.match(match[3])
    ]


def files(path):
    """Files of a document, by name."""
    found = (match[3] for match in BLOCK.finditer(path.read_text(encoding="utf-8")))
    return {match[1]: text for text in found if (match := FILE.match(text))}


def name_of(path):
    return path.relative_to(ROOT).as_posix()


PYTHON = [path for path in DOCUMENTS if blocks(path, "python") and name_of(path) not in ELSEWHERE]
LONG = [path for path in PYTHON if any("long" in words for _, words, _ in blocks(path, "python"))]


def session(path, folder, *, long):
    """Run a document's blocks, or all but those that are long."""
    icarus = re.search(r'simulator="icarus"|\["iverilog"', path.read_text(encoding="utf-8"))
    if icarus and shutil.which("iverilog") is None:
        pytest.skip("iverilog not installed")
    parts = [
        f"exec(compile({code!r}, {name_of(path)!r}, 'exec'))\n"
        for line, words, text in blocks(path, "python")
        if long or "long" not in words
        for code in ["\n" * (line - 1) + text]
    ]
    for name, text in files(path).items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "session.py").write_text("".join(parts), encoding="utf-8")
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = os.environ | {"PYTHONPATH": paths, "AXFPM_CACHE": str(folder / "cache")}
    return subprocess.run(
        [sys.executable, "session.py"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_python_runs_from_top_to_bottom(path, tmp_path):
    done = session(path, tmp_path, long=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.long
@pytest.mark.parametrize("path", LONG, ids=name_of)
def test_and_so_do_the_blocks_that_take_longer(path, tmp_path):
    done = session(path, tmp_path, long=True)
    assert done.returncode == 0, done.stderr


def commands(text):
    """The ``axfpm`` commands of a block of shell, as lists of words."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        starts = [index for index, word in enumerate(words) if word == "axfpm" and words[:index] in ([], ["time"])]
        for start in starts:
            yield list(itertools.takewhile(lambda word: word not in ("|", "&&", ";", ">"), words[start + 1 :]))


SHELL = [
    pytest.param(words, id=f"{name_of(path)}:{line} {' '.join(words)}")
    for path in DOCUMENTS
    for line, _, text in blocks(path, "sh")
    for words in commands(text)
]


def parse(words):
    """Options and arguments of a command line, by the command's own parser."""
    name, *rest = words
    command = main.get_command(click.Context(main), name)
    assert command is not None, f"no command {name}"
    context = click.Context(command, info_name=name)
    if rest == ["--help"]:
        return {}
    values, left, _ = command.make_parser(context).parse_args(rest)
    assert left == [], f"axfpm {name} does not take {left}"
    for parameter in command.get_params(context):
        given = values.get(parameter.name)
        assert not parameter.required or given not in (None, ()), f"axfpm {name} needs {parameter.name}"
        if isinstance(parameter.type, click.Choice):
            assert given is None or given in parameter.type.choices
    return values


@pytest.mark.parametrize("words", SHELL)
def test_commands_have_the_options_that_documents_name(words):
    values = parse(words)
    named = values.get("multipliers", values.get("multiplier")) or ()
    for name in (named,) if isinstance(named, str) else named:
        if name.isupper() or "/" in name or re.search(r"\.(py|csv|npy|json|v)\b", name):
            continue  # a placeholder, or a file of the reader's
        multiplier(name)


def test_what_a_renamed_option_would_say():
    with pytest.raises(click.NoSuchOption):
        parse(["list", "--jsn"])
    with pytest.raises(AssertionError, match="does not take"):
        parse(["list", "twice"])
    with pytest.raises(AssertionError, match="axfpm train needs output"):
        parse(["train"])


def test_there_is_something_to_check():
    assert len(SHELL) > 30
    assert len(PYTHON) >= 6


def test_every_public_name_is_in_the_reference():
    import axfpm

    text = (ROOT / "docs" / "reference" / "python.md").read_text(encoding="utf-8")
    assert [name for name in axfpm.__all__ if f"axfpm.{name}" not in text] == []


def test_every_block_of_hardware_has_its_ports_in_the_reference():
    from hdl.circuits import CIRCUITS

    text = (ROOT / "docs" / "reference" / "ports.md").read_text(encoding="utf-8")
    assert [block for block in CIRCUITS if f"{{verilog-header}} {block}" not in text] == []
