import math

import pytest

from axfpm.console import ensure_folder, format_cell, plain, write_text
from golden.errors import InvalidInput


def test_plain_is_json():
    assert plain({"a": (1, math.inf), 2: [float("nan")]}) == {"a": [1, "inf"], "2": ["nan"]}


@pytest.mark.parametrize(
    ("cell", "text"), [(0.123456, "0.1235"), (12345.6, "12,346"), (1234567, "1,234,567"), ("x", "x"), (2e-8, "2e-08")]
)
def test_cells(cell, text):
    assert format_cell(cell) == text


def test_write_text_replaces_whole_files(tmp_path):
    path = tmp_path / "f.txt"
    write_text(path, "one")
    write_text(path, "two")
    assert path.read_text() == "two"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(InvalidInput, match="cannot write"):
        write_text(tmp_path / "absent" / "f.txt", "")


def test_ensure_folder(tmp_path):
    assert ensure_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="cannot write to"):
        ensure_folder(tmp_path / "file" / "x")
