import pytest

from golden.errors import InvalidInput
from golden.multiplier_files.names import FileName, file_part, is_file, split
from golden.registry import Registry


@pytest.mark.parametrize(
    ("name", "path", "member", "settings"),
    [
        ("my.py:spec", "my.py", "spec", ""),
        ("my.py:spec:carry=widen,block=2", "my.py", "spec", "carry=widen,block=2"),
        ("./sub/../my.py:spec", "my.py", "spec", ""),
        ("/a/b.c/mul.V", "/a/b.c/mul.V", "", ""),
        ("mul.sv:top_1:carry=wrap", "mul.sv", "top_1", "carry=wrap"),
        ("t.csv:carry=wrap", "t.csv", "", "carry=wrap"),
        ("a.python/t.npy", "a.python/t.npy", "", ""),
        ("a dir/t.json", "a dir/t.json", "", ""),
    ],
)
def test_parts(name, path, member, settings):
    found = split(name)
    assert found == FileName(path, member, settings)
    assert found.name == (f"{path}:{member}" if member else path)


@pytest.mark.parametrize("name", ["ax-fpm", "ax-fpm:block=2", "my.pyc", "e8m1", ".py", "", "csv", "mul.vhd:x"])
def test_what_names_no_file(name):
    assert file_part(name) is None
    assert not is_file(name)


def test_modifiers_end_a_path():
    assert file_part("t.csv+calibrated") == "t.csv"
    assert is_file("t.csv")
    assert not is_file("my.py:spec")


@pytest.mark.parametrize("name", ["t.csv:", "my.py::carry=widen", "my.py:spec:", "my.py:two words", "t.csv+x"])
def test_what_cannot_be_read(name):
    with pytest.raises(InvalidInput, match=r"^cannot read '.*'; write FILE:NAME:key=value, as in my\.py:spec:carry="):
        split(name)


@pytest.mark.parametrize("path", ["a,b/t.csv", "a+b/t.csv", "a=b.csv", "a\nb.csv"])
def test_paths_that_would_mean_something_else_in_lists(path):
    with pytest.raises(InvalidInput, match="has a comma, '\\+', '=' or an unprintable character"):
        split(path)


def test_no_entry_takes_the_name_of_a_file():
    registry = Registry("thing", {}, characters=".-_", reserved=is_file)
    with pytest.raises(InvalidInput, match=r"^'my\.py' cannot name a thing: it is the name of a file; choose another"):
        registry.register("my.py", 1)
    assert registry.register("my.pyx", 1) == 1
