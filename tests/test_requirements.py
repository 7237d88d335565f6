"""The ranges of pyproject.toml against the constraints that `make test-lowest` installs."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
TABLES = tomllib.loads((ROOT / "pyproject.toml").read_text())


def requirements(*groups: list[str]) -> list[Requirement]:
    parsed = [Requirement(text) for group in groups for text in group]
    return [r for r in parsed if r.name != TABLES["project"]["name"]]


EXTRAS = TABLES["project"]["optional-dependencies"]
DECLARED = {
    "lowest.txt": requirements(
        TABLES["project"]["dependencies"], *(packages for extra, packages in EXTRAS.items() if extra != "models")
    ),
    "lowest-build.txt": requirements(TABLES["build-system"]["requires"]),
}


def ends(requirement: Requirement) -> dict[str, Version]:
    return {s.operator: Version(s.version) for s in requirement.specifier}


def pins(file: str) -> dict[str, Version]:
    lines = (ROOT / "constraints" / file).read_text().splitlines()
    parsed = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert all([s.operator for s in r.specifier] == ["=="] for r in parsed)
    assert len({r.name for r in parsed}) == len(parsed)
    return {r.name: ends(r)["=="] for r in parsed}


@pytest.mark.parametrize("file", DECLARED)
def test_constraints_pin_the_lowest_end_of_every_range(file):
    assert pins(file) == {r.name: ends(r)[">="] for r in DECLARED[file]}


def test_every_range_of_a_dependency_has_two_ends():
    assert all(ends(r).keys() == {">=", "<"} for r in DECLARED["lowest.txt"])


def test_the_torch_that_make_installs_is_in_its_range():
    makefile = (ROOT / "Makefile").read_text()
    (default,) = re.findall(r"^TORCH +\?= torch==(\S+)$", makefile, re.MULTILINE)
    (torch,) = (r for r in DECLARED["lowest.txt"] if r.name == "torch")
    assert torch.specifier.contains(default)
