"""What the documentation's own extensions write into the site."""

import base64
import importlib.util
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from golden.catalogue import MULTIPLIERS
from golden.errors import InvalidInput

pytest.importorskip("sphinx")
pytest.importorskip("amaranth")
EXTENSIONS = Path(__file__).parents[1] / "docs" / "extensions"
NAMES = ("mitchell", "e8m1")


def extension(name):
    spec = importlib.util.spec_from_file_location(name, EXTENSIONS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_page_for_each_multiplier_and_the_joint_view(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    catalogue = extension("catalogue")
    assert catalogue.MULTIPLIERS is MULTIPLIERS
    monkeypatch.setattr(catalogue, "MULTIPLIERS", {name: MULTIPLIERS[name] for name in NAMES})
    app = SimpleNamespace(srcdir=str(tmp_path))
    folder = tmp_path / "catalogue"
    folder.mkdir()
    (folder / "gone.rst").write_text("a multiplier that was")
    catalogue.write_pages(app)
    assert {path.name for path in folder.iterdir()} == {"mitchell.rst", "e8m1.rst", "index.rst"}
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    (folder / "e8m1.rst").write_text("edited")
    os.utime(folder / "e8m1.rst", ns=(1, 1))
    catalogue.write_pages(app)
    after = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert after.pop(folder / "e8m1.rst") != 1
    assert (folder / "e8m1.rst").read_text().startswith("e8m1\n====\n")
    assert after == {path: time for path, time in before.items() if path.name != "e8m1.rst"}


def test_pictures_take_the_command_s_arguments():
    pytest.importorskip("yowasp_wavedrom")
    markup = extension("pictures").markup
    tree = markup("tree --multiplier bf16 --tree wallace")
    assert tree.startswith('<div class="picture"')
    assert "bf16: 64 bits in 4 levels of a Wallace tree" in tree
    waves = markup("waves --multiplier e8m1 --rows 1 --columns 1 --vectors 1")
    assert 'alt="Waveforms: 1 x 1 array of e8m1: lowest word of each payload"' in waves
    (drawn,) = re.findall(r"base64,([^\"]+)", waves)
    assert b"<svg" in base64.b64decode(drawn)
    assert b"prefers-color-scheme" not in base64.b64decode(drawn)
    with pytest.raises(InvalidInput, match="has no setting 'seed'"):
        markup("rows --seed 0")
