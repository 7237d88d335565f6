"""Models by import path: found where Python finds modules, and one sentence for whatever is wrong with them."""

import sys

import pytest
from torch import nn

from golden.cnn import import_paths
from golden.cnn.import_paths import find_factory
from golden.errors import InvalidInput

CODE = """
import sys
from torch import nn

print("imported")

class Net(nn.Module):
    class Inner(nn.Module):
        pass

built = Net()
number = 3

def needs(layers):
    return Net()

def gives_text():
    return "Net"

def raises():
    raise RuntimeError("no weights here\\nsecond line")

def leaves():
    sys.exit(3)

def hands_over():
    print("building")
    return Net()
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A current folder with code that is nowhere else; what is imported from it is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    before = set(sys.modules)
    (tmp_path / "axfpm_mine").mkdir()
    (tmp_path / "axfpm_mine" / "nets.py").write_text(CODE)
    (tmp_path / "axfpm_broken.py").write_text("import axfpm_mine.nets, axfpm_absent")
    (tmp_path / "axfpm_syntax.py").write_text("def")
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("axfpm_"):
            del sys.modules[name]


def test_a_class_and_a_function(folder, capsys):
    for name in ("Net", "Net.Inner", "hands_over"):
        module = find_factory(f"axfpm_mine.nets:{name}")()
        assert isinstance(module, nn.Module)
        assert type(module).__name__ == name.rpartition(".")[2].replace("hands_over", "Net")
    written = capsys.readouterr()
    assert written.out == ""  # standard output is the command's result
    assert written.err == "imported\nbuilding\n"


def test_the_current_folder_comes_last(folder, monkeypatch):
    (folder / "json.py").write_text("raise RuntimeError")
    assert find_factory("torch.nn:Identity")  # found without it: the path stays
    assert str(folder) not in sys.path
    with pytest.raises(InvalidInput, match=r"'json:JSONDecoder' returns a JSONDecoder, not a torch.nn.Module; mend it"):
        find_factory("json:JSONDecoder")()
    find_factory("axfpm_mine.nets:Net")
    find_factory("axfpm_mine.nets:Net")
    assert sys.path.count(str(folder)) == 1
    assert sys.path[-1] == str(folder)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("axfpm_mine.nets:", "'axfpm_mine.nets:' is no import path of a model; write package.module:name"),
        (":Net", "':Net' is no import path"),
        ("a b:Net", "'a b:Net' is no import path"),
        ("axfpm_mine/nets.py:Net", "is no import path"),
        ("axfpm_mine.nets:Net()", "is no import path"),
        ("axfpm_other:Net", "there is no module 'axfpm_other'; correct the name, or install it or go to the folder"),
        ("axfpm_mine.nests:Net", "there is no module 'axfpm_mine.nests'"),
        ("axfpm_mine.nets.more:Net", "there is no module 'axfpm_mine.nets.more'"),
        ("axfpm_broken:Net", r"cannot be imported \(ModuleNotFoundError: No module named 'axfpm_absent'\); mend it"),
        ("axfpm_syntax:Net", r"the module of 'axfpm_syntax:Net' cannot be imported \(SyntaxError: .*\); mend it"),
        ("axfpm_mine.nets:Nett", r"there is no 'Nett' in 'axfpm_mine.nets'; did you mean Net\?"),
        ("axfpm_mine.nets:Net.Iner", r"there is no 'Iner' in 'axfpm_mine.nets.Net'; did you mean Inner\?"),
        ("axfpm_mine.nets:built", "is a model that is built already; give a class, or a function that returns"),
        ("axfpm_mine.nets:number", "'axfpm_mine.nets:number' is a int; give a class"),
        ("axfpm_mine.nets:needs", r"raises an error when it is called without arguments \(TypeError: .*'layers'\)"),
        ("axfpm_mine.nets:raises", r"without arguments \(RuntimeError: no weights here\); mend it"),
        ("axfpm_mine.nets:leaves", r"without arguments \(SystemExit: 3\); mend it"),
        ("axfpm_mine.nets:gives_text", "returns a str, not a torch.nn.Module; mend it"),
    ],
)
def test_what_is_wrong(folder, path, message):
    with pytest.raises(InvalidInput, match=message):
        find_factory(path)()


def test_an_interrupt_is_one():
    with pytest.raises(KeyboardInterrupt), import_paths.guard("nothing"):
        raise KeyboardInterrupt


def test_which_names_are_import_paths():
    assert import_paths.is_import_path("a.b:c")
    assert not import_paths.is_import_path("lenet5")
    assert not import_paths.is_import_path(None)
