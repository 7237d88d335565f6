"""Assignments: what they say, how they are written and read, and every way in which a file is refused."""

import json
import re

import pytest

from golden.assignments import FORMAT, VERSION, Assignment, assignment, document, read, read_document
from golden.catalogue import multiplier
from golden.errors import InvalidInput, InvalidType

LAYERS = {"conv1": "e8m2", "features.0": "ax-fpm:block=2,carry=widen", "fc": "exact"}
ONE = Assignment.of(LAYERS)


def written(path, *entries, **more):
    path.write_text(json.dumps(document([{"layers": entry} for entry in entries], **more)), encoding="utf-8")
    return path


def test_a_mapping_of_layers_to_multipliers():
    assert dict(ONE) == {name: multiplier(m) for name, m in LAYERS.items()}
    assert list(ONE) == list(LAYERS)
    assert len(ONE) == 3
    assert ONE["fc"] is multiplier("exact")
    with pytest.raises(KeyError):
        ONE["fc2"]
    assert Assignment.of(LAYERS) == ONE
    assert hash(ONE) == hash(Assignment.of(LAYERS))
    assert Assignment.of({**LAYERS, "fc": "e8m2"}) != ONE
    assert Assignment.of({"a": "e8m2", "b": "exact", "c": "e8m2"}).multipliers == (
        multiplier("e8m2"),
        multiplier("exact"),
    )


def test_spelled_out_and_read_again():
    assert str(ONE) == "conv1=e8m2;features.0=ax-fpm-widen:block=2;fc=exact"
    assert assignment(str(ONE)) == ONE
    assert assignment(" conv1 = e8m2 ;fc=exact;") == Assignment.of({"conv1": "e8m2", "fc": "exact"})
    assert assignment(LAYERS) == ONE
    assert assignment(ONE) is ONE


def test_files(tmp_path):
    one, two = written(tmp_path / "one.json", LAYERS), written(tmp_path / "two.json", {"fc": "e8m1"}, LAYERS, note="x")
    assert assignment(one) == assignment(f"{one}:1") == ONE
    assert assignment(f"{two}:2") == ONE
    assert read(two) == (Assignment.of({"fc": "e8m1"}), ONE)
    assert read_document(two)["note"] == "x"
    assert Assignment.of(json.loads(json.dumps(ONE.to_dict()))) == ONE


def test_the_longest_name_wins():
    found = Assignment.of({"": "exact", "features": "e8m1", "features.0": "e8m2"})
    asked = ("features.0.conv", "features.0", "features.01", "features", "fc")
    assert [str(found.of_layer(name)) for name in asked] == ["e8m2", "e8m2", "e8m1", "e8m1", "exact"]
    found.require_layers(["features.0.conv", "features.1", "fc"])


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        (
            ["conv1", "features.0"],
            "the assignment names 'fc', and the network's layers are 'conv1', 'features.0'; take",
        ),
        (["conv1", "features.0", "fc", "fc2"], "has no multiplier for the layer 'fc2'; give every layer one"),
        (["conv1", "features.0", "fcx"], "has no multiplier for the layer 'fcx'"),
    ],
)
def test_layers_of_another_network(layers, said):
    with pytest.raises(InvalidInput, match=re.escape(said)):
        ONE.require_layers(layers)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot read F: No such file or directory; `axfpm search -o FILE` writes one"),
        ("{", "F holds no assignments of layers"),
        ("[" * 100_000, "F holds no assignments of layers"),
        ({"format": "axfpm results", "version": VERSION}, "F holds no assignments of layers"),
        ({"format": FORMAT, "version": 2}, "F is of version 2 and this axfpm reads version 1; search again"),
        ({"format": FORMAT, "version": VERSION}, "F has no list of assignments"),
        ({"format": FORMAT, "version": VERSION, "assignments": []}, "F has no list of assignments"),
        (document([{"layers": {"a": "exact"}}, {}]), "assignment 2 of F has no layers"),
        (document([{"layers": {"a": 3}}]), "assignment 1 of F has no layers"),
        (document([{"layers": {}}]), "assignment 1 of F has no layers"),
        (document([{"layers": {"a": "e8m22"}}]), "assignment 1 of F: unknown multiplier 'e8m22'"),
        (document([{"layers": {"a=b": "exact"}}]), "assignment 1 of F: 'a=b' cannot name a layer"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_damaged_files(tmp_path, text, said):
    path = tmp_path / "f.json"
    if text is not None:
        path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    with pytest.raises(InvalidInput, match=re.escape(said.replace("F", str(path), 1))):
        assignment(path)


def test_which_one_of_a_file(tmp_path):
    path = written(tmp_path / "f.json", LAYERS, LAYERS)
    for given, said in (
        (path, f"{path} holds 2 assignments; say which one, {path}:1 to {path}:2"),
        (f"{path}:3", f"{path} has no assignment 3; give a number from 1 to 2"),
        (f"{path}:0", f"{path} has no assignment 0; give a number from 1 to 2"),
        ("conv1=", "cannot read 'conv1' of an assignment; write layer=multiplier;layer=multiplier"),
        ("conv1=e8m2;fc", "cannot read 'fc' of an assignment"),
        ("fc=e8m2;fc=exact", "a layer comes twice in 'fc=e8m2;fc=exact'; give each once"),
        ({}, "a layer comes twice among , or there is none; give each once"),
    ):
        with pytest.raises(InvalidInput, match=re.escape(said)):
            assignment(given)
    wrong: list = [3, ["fc"]]
    for given in wrong:
        with pytest.raises(InvalidType, match="an assignment is a mapping, or a file's name, not"):
            assignment(given)
