"""What is hidden from a checker says why, on its line or in a comment above it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
IGNORED = re.compile(r"#\s*(?:type: ignore|pyright: ignore|noqa)(?:\[[\w, -]*\]|: [A-Z]+\d+(?:, [A-Z]+\d+)*)?(.*)")


def unexplained(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    for above, line in zip(["", *lines], lines, strict=False):
        found = IGNORED.search(line)
        if found and not re.search(r"\w{3}", found[1]) and not above.lstrip().startswith("#"):
            yield line


def test_what_counts_as_a_reason(tmp_path):
    file = tmp_path / "file.py"
    without = ["x = 1  # noqa: E1, E2", "y = 1  # type: ignore", "z = 1  # pyright: ignore[reportA, reportB]"]
    file.write_text("\n".join([*without, "a = 1  # noqa: E1 - short", "# So.", "b = 1  # type: ignore[arg-type]"]))
    assert list(unexplained(file)) == without


@pytest.mark.parametrize("room", ["axfpm", "benchmarks", "golden", "hdl", "sim", "synth"])
def test_every_ignore_has_a_reason(room):
    files = list((ROOT / room).rglob("*.py"))
    assert files
    assert [(path.name, line) for path in files for line in unexplained(path)] == []
