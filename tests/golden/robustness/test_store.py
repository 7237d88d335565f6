"""Kept parts: found again under the same key only."""

import ast
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import golden
from golden.catalogue import MULTIPLIERS, Multiplier, multiplier
from golden.designs import Function, TableBlocks
from golden.formats import FORMATS
from golden.robustness import store
from golden.robustness.evaluation import evaluate
from golden.robustness.store import Store

DESCRIBES = {
    "golden.cnn.trained",
    "golden.progress",
    "golden.robustness.row_types",
    "golden.robustness.statistics",
}
"""Modules that computing ones import for a name or a type only."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path))
    return tmp_path / "evaluation"


def test_keeps_by_key(folder):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    Store().put({"a": "1"}, {"whole": array, "sum": array.sum(1)})
    found = Store().get({"a": "1"}, ("whole", "sum"))
    assert found is not None
    assert found["whole"].dtype == np.float32
    assert np.array_equal(found["whole"], array)
    assert np.array_equal(found["sum"], [3, 12])
    assert Store().get({"a": "1"}, ("whole", "other")) is None
    assert Store().get({"a": "2"}, ("whole",)) is None
    assert Store(enabled=False).get({"a": "1"}, ("whole",)) is None


def test_unnamed_parts_are_not_kept(folder):
    Store().put({"a": "1", "multiplier": None}, {"x": np.zeros(1)})
    assert not folder.exists()


def test_new_sources_forget(folder, monkeypatch):
    Store().put({"a": "1"}, {"x": np.zeros(1)})
    monkeypatch.setattr(store, "sources", lambda: "others")
    assert Store().get({"a": "1"}, ("x",)) is None


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x93NUMPY\x01\x00", b"[1]", b"{}", b"null"])
def test_damaged_part_is_computed_again(folder, content):
    Store().put({"a": "1"}, {"x": np.zeros(1)})
    (path,) = folder.iterdir()
    path.write_bytes(content)
    assert Store().get({"a": "1"}, ("x",)) is None
    Store().put({"a": "1"}, {"x": np.ones(1)})
    assert Store().get({"a": "1"}, ("x",)) == {"x": np.ones(1)}


def test_altered_logits_are_a_miss(folder):
    # The bytes of an array, changed in place: still a valid array, and another accuracy.
    Store().put({"a": "1"}, {"x": np.zeros((50, 10), np.float32)})
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    for place in range(len(whole) - 2000, len(whole), 97):
        path.write_bytes(whole[:place] + b"\x41" + whole[place + 1 :])
        assert Store().get({"a": "1"}, ("x",)) is None


def test_an_altered_cache_does_not_change_an_evaluation(folder):
    rng = np.random.default_rng(0)
    images, labels = rng.random((4, 1, 28, 28), np.float32), np.zeros(4, np.int64)

    def evaluated():
        return evaluate("lenet5-digits", images, labels, multiplier="e8m2", attacks=(), control=None).to_json()

    first = evaluated()
    paths = list(folder.iterdir())
    assert paths
    for path in paths:
        content = path.read_bytes()
        path.write_bytes(content[:-160] + np.linspace(0, 1e9, 40, dtype=np.float32).tobytes())
    assert evaluated() == first


def test_a_store_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "file"))
    Store().put({"a": "1"}, {"x": np.zeros(1)})
    assert Store().get({"a": "1"}, ("x",)) is None


def test_multiplier_keys_differ():
    names = [*MULTIPLIERS, "ax-fpm:block=2", "ax-fpm:cell=AMA2", "e8m3:operands=truncate"]
    assert len({store.multiplier_key(multiplier(name)) for name in names}) == len(names)
    exact = tuple(a * b for a in range(4) for b in range(4))
    first = Multiplier(FORMATS["bfloat16"], TableBlocks("t", 2, exact))
    second = dataclasses.replace(first, design=TableBlocks("t", 2, (1, *exact[1:])))
    assert store.multiplier_key(first) != store.multiplier_key(second)


def test_functions_from_outside_have_no_key():
    outside = Multiplier(FORMATS["bfloat16"], Function("mine", lambda a, b, precision: a * b))
    assert store.multiplier_key(outside) is None


def test_model_key_sees_parameters_and_structure():
    linear = nn.Linear(2, 2)
    first = nn.Sequential(linear, nn.ReLU())
    second = nn.Sequential(linear, nn.Tanh())
    assert store.module_key(first) != store.module_key(second)
    before = store.module_key(first)
    with torch.no_grad():
        linear.weight[0, 0] += 1
    assert store.module_key(first) != before


def test_what_the_digest_leaves_out_computes_nothing():
    # Everything that crafting and judging import, by any way, must be in the digest of the sources.
    root = Path(golden.__file__).parent
    reached, left = set(), ["golden.robustness.craft", "golden.robustness.judge"]
    while left:
        name = left.pop()
        path = root.parent.joinpath(*name.split("."))
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if name in reached or not path.is_file():
            continue
        reached.add(name)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("golden"):
                left += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    excluded = {"golden." + name.removesuffix(".py").replace("/", ".") for name in store.EXCLUDED}
    assert all((root / name).is_file() for name in store.EXCLUDED)
    packages = {name for name in excluded if name.endswith("__init__")}
    assert reached & (excluded - packages) <= DESCRIBES
    assert {"golden.kernels.dispatch", "golden.pytorch.gradients", "golden.robustness.attacks.kinds"} <= reached
