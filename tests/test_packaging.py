"""What becomes of the tree when it is packed; ``make package`` installs and tries the result."""

import re
import shutil
import tarfile
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ROOMS = ("axfpm", "golden", "hdl", "sim", "synth")
IMAGE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")
OTHERS = ("benchmarks", "constraints", "docs", "examples", "tests", ".ci", ".github")
FILES = ("pyproject.toml", "MANIFEST.in", "Makefile", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff",
         "CONTRIBUTING.md", ".gitignore")  # fmt: skip


def files_of(folder):
    found = (path for path in (ROOT / folder).rglob("*") if path.is_file())
    unwanted = ("__pycache__", "_build", "generated", "catalogue")  # docs/catalogue is written by a build
    return {path.relative_to(ROOT).as_posix() for path in found if not set(path.parts) & set(unwanted)}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The tree, packed without a network: names in the archive."""
    build_meta = pytest.importorskip("setuptools.build_meta")
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("out")
    ignore = shutil.ignore_patterns("__pycache__", "_build", "*.egg-info")
    for folder in (*ROOMS, *OTHERS):
        if (ROOT / folder).is_dir():
            shutil.copytree(ROOT / folder, tree / folder, ignore=ignore)
    for file in FILES:
        shutil.copy(ROOT / file, tree)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tree)
        name = build_meta.build_sdist(str(out))
    with tarfile.open(out / name) as archive:
        return {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}


@pytest.mark.parametrize("folder", [*ROOMS, *OTHERS])
def test_the_source_archive_has_every_file(source, folder):
    assert files_of(folder) - source == set()


def test_the_source_archive_has_what_stands_at_the_top(source):
    assert set(FILES) <= source


def test_every_room_says_that_it_is_typed():
    assert [room for room in ROOMS if not (ROOT / room / "py.typed").is_file()] == []


def test_the_version_is_the_packages():
    from axfpm import __version__

    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert PROJECT["version"] == __version__
    assert f"version: {__version__}\n" in citation


def test_images_of_the_readme_can_be_seen_on_a_package_index():
    # An index shows README.md away from the tree. Where the project has an address, images must stand under it.
    images = IMAGE.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    assert images
    address = PROJECT["urls"].get("Repository")
    if address is None:
        pytest.skip("pyproject.toml names no Repository yet; docs/releasing.md says what then")
    assert [image for image in images if not image.startswith("https://")] == []


def test_python_versions_are_claimed_where_they_were_run():
    claimed = {c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)}
    text = (ROOT / "docs" / "releasing.md").read_text(encoding="utf-8")
    row = re.findall(r"^\| (3\.\d+) \| run", text, re.MULTILINE)
    assert claimed == set(row)
