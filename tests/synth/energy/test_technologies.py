"""Several libraries side by side, and the files that keep them."""

import json

import pytest
from made_up import result

from golden.errors import InvalidInput
from synth.energy.technologies import MEASURED, Technologies, read, short_name

pytest.importorskip("scipy")


@pytest.fixture
def several():
    first = result()
    rows = tuple(row for row in first.rows if row.name != "e8m2")
    ours = rows[2]
    ratios = {**ours.ratios, "exact-trunc": type(ours.ratios["exact-trunc"])(0.25, (0.2, 0.3), 0.5, 0.5, 0.5)}
    changed = type(ours)(**{**vars(ours), "ratios": ratios})
    other = result(library="NangateOpenCellLibrary")
    return Technologies((first, type(other)("multiplier", 0, other.conditions, (*rows[:2], changed))))


def test_names_of_libraries(several):
    assert several.libraries == ("osu018", "nangate45")
    assert short_name(result(library="mine")) == "mine"


def test_only_what_all_have(several):
    assert several.names == ("exact-trunc", "exact-trunc (operator tree)", "ax-fpm")
    assert several.baselines == ("exact-trunc", "exact-trunc (operator tree)")


def test_a_library_once():
    with pytest.raises(InvalidInput, match="a library comes twice among osu018, osu018; give each once"):
        Technologies((result(), result(seed=2)))


def test_ratios_and_their_spread(several):
    assert several.ratios("ax-fpm", "exact-trunc") == pytest.approx({"osu018": 0.5, "nangate45": 0.25})
    assert several.table("exact-trunc")[2] == ("ax-fpm", pytest.approx(0.5), 0.25, "0.250 .. 0.500")
    assert several.columns("exact-trunc") == ("energy / exact-trunc", "osu018", "nangate45", "spread")
    row = several.to_dict()["rows"][2]
    assert row["ratios"]["exact-trunc"]["spread"] == pytest.approx([0.25, 0.5])


def test_files(several, tmp_path):
    path = tmp_path / "energies.json"
    path.write_text(several.to_json())
    assert read(path) == several


def test_files_that_are_none(several, tmp_path):
    path = tmp_path / "energies.json"
    with pytest.raises(InvalidInput, match="cannot read"):
        read(path)
    for text in ("{", "[]", '{"format": "axfpm results"}'):
        path.write_text(text)
        with pytest.raises(InvalidInput, match="holds no energies of axfpm; `axfpm energy -o FILE` writes them"):
            read(path)
    plain = json.loads(several.to_json())
    path.write_text(json.dumps({**plain, "version": 99}))
    with pytest.raises(InvalidInput, match="is of version 99 and this axfpm reads version 1"):
        read(path)
    del plain["results"][0]["rows"][0]["energy_pj"]
    for damaged in (plain, {**plain, "results": []}, {**plain, "results": [3]}, {**plain, "results": None}):
        path.write_text(json.dumps(damaged))
        with pytest.raises(InvalidInput, match="is damaged"):
            read(path)


def test_what_comes_with_the_package_can_be_read():
    for path in MEASURED.glob("*.json"):
        assert {"exact-trunc", "ax-fpm"} <= set(read(path).names)
