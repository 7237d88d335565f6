"""Several libraries side by side, and the files that keep them."""

import json

import pytest
from made_up_inference import result

from golden.errors import InvalidInput
from synth.energy.inference.claims import decide
from synth.energy.inference.technologies import MEASURED, Inferences, read

pytest.importorskip("scipy")

OTHER = "NangateOpenCellLibrary"


@pytest.fixture
def several():
    return Inferences((result(), result(OTHER, factor=0.5)))


def test_verdicts_are_of_all_libraries(several):
    assert several.verdicts == decide(several.results)
    assert list(several.verdicts[0].ratios) == ["osu018", "nangate45"]
    assert several.to_dict()["verdicts"][0]["verdict"] == several.verdicts[0].verdict


def test_what_does_not_belong_together():
    with pytest.raises(InvalidInput, match="a library comes twice among osu018, osu018"):
        Inferences((result(), result()))
    with pytest.raises(InvalidInput, match="or there is none"):
        Inferences(())
    one, other = result(), result(OTHER)
    with pytest.raises(InvalidInput, match="of several networks or blocks"):
        Inferences((one, type(other)(**{**vars(other), "network": "another"})))


def test_files(several, tmp_path):
    path = tmp_path / "inferences.json"
    path.write_text(several.to_json())
    assert read(path) == several


def test_files_that_are_none(several, tmp_path):
    path = tmp_path / "inferences.json"
    with pytest.raises(InvalidInput, match="cannot read"):
        read(path)
    for text in ("{", "[]", '{"format": "axfpm energy"}'):
        path.write_text(text)
        with pytest.raises(InvalidInput, match="`axfpm energy inference -o FILE` writes them"):
            read(path)
    plain = json.loads(several.to_json())
    path.write_text(json.dumps({**plain, "version": 99}))
    with pytest.raises(InvalidInput, match="is of version 99 and this axfpm reads version 1"):
        read(path)
    del plain["results"][0]["rows"][0]["image_uj"]
    for damaged in (plain, {**plain, "results": [3]}, {**plain, "results": None}):
        path.write_text(json.dumps(damaged))
        with pytest.raises(InvalidInput, match="is damaged"):
            read(path)


@pytest.mark.parametrize("path", sorted(MEASURED.glob("*.json")), ids=lambda path: path.stem)
def test_what_comes_with_the_package_can_be_read(path):
    found = read(path)
    assert len(found.results) >= 2
    for each in found.results:
        assert {"exact", "exact-trunc (booth tree)", "ax-fpm", "bf16", "e8m2", "mitchell"} <= set(each.names)
        for row in each.rows:
            # One of a dozen intervals of 95% misses the second path every other time; twice as wide they do not.
            low, high = row.image_interval
            assert 2 * (low - row.image_uj) <= row.image_uj_by_classes - row.image_uj <= 2 * (high - row.image_uj)
            assert row.image_uj == pytest.approx(sum(layer.image_uj for layer in row.layers))
            for base in each.baselines:
                assert row.ratios[base].energy == pytest.approx(row.image_uj / each.row(base).image_uj)
                low, high = row.ratios[base].interval
                assert low <= row.ratios[base].energy <= high
    # The verdicts that stand in the file are those of the rule as it is now.
    assert json.loads(path.read_text(encoding="utf-8"))["verdicts"] == [each.to_dict() for each in found.verdicts]
