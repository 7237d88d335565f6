"""Pointers are true: what documents and the pages of packages name exists, and pages name what there is."""

import ast
import re
from pathlib import Path

import pytest

from hdl.circuits import CIRCUITS

ROOT = Path(__file__).parents[1]
PACKAGES = ("axfpm", "golden", "hdl", "sim", "synth")
ROOMS = (*PACKAGES, "benchmarks", "constraints", "docs", "examples", "tests")
QUOTED = re.compile(r"(`{1,2})([^`\n]+)\1")
LINKED = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
PATH = re.compile(rf"(?:{'|'.join(ROOMS)})/[\w./*-]*|test_\w+\.py")
DOTTED = re.compile(rf"(?:{'|'.join(PACKAGES[1:])})(?:\.\w+)+")

# CHANGELOG.md is left out: it names what has gone.
DOCUMENTS = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
INITS = sorted(path for room in PACKAGES for path in (ROOT / room).rglob("__init__.py"))
PAGES = [path for path in INITS if path.parent.name not in ("axfpm", "commands", "report", "benches")]
"""Those of packages whose files a page explains one by one."""


def page(path):
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def is_there(dotted):
    """Whether a dotted name leads to a package or module, or to a name that stands in it."""
    place, names = ROOT, dotted.split(".")
    while names and (place / names[0]).is_dir():
        place /= names.pop(0)
    module = place / f"{names[0]}.py" if names and (place / f"{names[0]}.py").is_file() else place / "__init__.py"
    rest = names[1:] if module.name != "__init__.py" else names
    return not rest or (
        module.is_file() and re.search(rf"\b{rest[0]}\b", module.read_text(encoding="utf-8")) is not None
    )


def broken(text, folder=ROOT):
    """What a text names in backticks or links to, and is not there; a test is named by its whole path."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    quoted = [match[2] for match in QUOTED.finditer(text)]
    paths = [name for name in quoted if PATH.fullmatch(name) and not any(ROOT.glob(name))]
    dotted = [name for name in quoted if DOTTED.fullmatch(name) and not is_there(name)]
    links = [match[1] for match in LINKED.finditer(QUOTED.sub("", text)) if "://" not in match[1]]
    return paths + dotted + [link for link in links if not (folder / link).exists()]


def test_what_counts_as_broken():
    right = (
        "`tests/hdl/test_rows.py`, ``golden/``, `hdl/engine_*.py`, `golden.registry.unknown`, `sim.axi`, `F.v`, `a / b`"
    )
    assert broken(f"{right} [x](README.md) [y](https://example.org/z) [z](#below)") == []
    wrong = ["tests/test_gone.py", "test_rows.py", "hdl/motor_*.py", "golden.sums.nothing", "sim.axis", "docs/none.md"]
    text = ", ".join(f"`{name}`" for name in wrong[:-1])
    assert broken(f"{text} [x](docs/none.md#there)") == [*wrong[:3], *wrong[3:5], wrong[5]]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_documents_point_to_what_is_there(path):
    assert broken(path.read_text(encoding="utf-8"), path.parent) == []


@pytest.mark.parametrize("path", INITS, ids=lambda path: str(path.parent.relative_to(ROOT)))
def test_pages_point_to_what_is_there(path):
    assert broken(page(path)) == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.parent.relative_to(ROOT)))
def test_pages_name_every_file_and_folder(path):
    entries = [each for each in path.parent.iterdir() if each.suffix == ".py" or (each / "__init__.py").is_file()]
    text = page(path)
    assert [each.stem for each in entries if each != path and not re.search(rf"\b{each.stem}\b", text)] == []


def test_the_tree_names_every_folder():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    folders = [*ROOMS, *(each.parent.name for each in (ROOT / "golden").glob("*/__init__.py"))]
    assert [name for name in folders if f"{name}/" not in text] == []


@pytest.mark.parametrize("block", CIRCUITS)
def test_the_tables_of_the_hardware_have_every_block(block):
    text = (ROOT / "docs" / "hardware.md").read_text(encoding="utf-8")
    assert len(re.findall(rf"^\| `{block}` \|", text, re.MULTILINE)) == 3  # what it is, where it is, how it is checked
