"""The board: ranked within a task, with what stands beside, and without files that have faults."""

import dataclasses
import json

import pytest

from golden.errors import InvalidInput
from golden.robustness.board import board, energy_ratios, files_of
from golden.robustness.records import MEASURED, read, to_lines
from golden.robustness.row_types import EXACT


def test_ranks(whole_file):
    found = board({"one": whole_file, "two": whole_file}, energy={"ax-fpm": "0.41"})
    assert found.left_out == {}
    ((task, entries),) = found.tasks.items()
    assert task == ("tiny", "linf", 0.1)
    assert len(entries) == 6
    rates = [entry.adaptive.rate or 0.0 for entry in entries]
    assert rates == sorted(rates, reverse=True)
    results = read(whole_file)
    suites = {(row.threat_model, row.target): row.robust_accuracy for row in results.suites}
    for entry in entries:
        assert entry.adaptive == suites["white-box", entry.target]
        assert entry.twin == suites.get(("twin", entry.target))
        assert entry.clean == next(row.accuracy for row in results.clean if row.target == entry.target)
        assert (entry.model, entry.seeds, entry.attacks) == ("lenet5 (lenet5-digits)", "0", 1)
    energy = {entry.target: (entry.multiplier, entry.energy) for entry in entries}
    assert energy == {EXACT: (None, ""), "ax-fpm": ("ax-fpm", "0.41"), "ax-fpm+clamp": ("ax-fpm", "0.41")}
    # Equal ones as they were read.
    assert [e.file for e in entries if e.target == EXACT] == ["one", "two"]
    assert found.to_dict()["tasks"][0]["entries"][0]["adaptive"]["n"] == 8


def test_files_with_faults_do_not_rank(whole_file, tmp_path):
    path = tmp_path / "cut.jsonl"
    results = read(whole_file)
    path.write_text(to_lines(dataclasses.replace(results, suites=results.suites[1:])))
    found = board({"cut": path})
    assert found.tasks == {}
    assert "is missing; evaluate again" in found.left_out["cut"][0]


def test_files(tmp_path):
    (tmp_path / "a").mkdir()
    for name in ("a/r.jsonl", "b.jsonl.gz", "c.txt"):
        (tmp_path / name).touch()
    own = [f"{path.name.partition('.')[0]} (axfpm)" for path in sorted(MEASURED.glob("*.jsonl.gz"))]
    assert list(files_of(tmp_path)) == [*own, "a/r.jsonl", "b.jsonl.gz"]
    assert "mnist (axfpm)" in own
    with pytest.raises(InvalidInput, match=r"c\.txt is no folder; make it, and put result files"):
        files_of(tmp_path / "c.txt")


def test_energy(tmp_path):
    path = tmp_path / "energy.json"
    rows = [
        {"multiplier": "a", "ratios": {"exact-trunc": 0.5, "e8m2": 3}},
        {"multiplier": "b", "ratios": {"exact-trunc": {"energy": 0.411, "interval": [0.4, 0.42]}}},
        {"multiplier": "c", "ratios": {"exact-trunc": {"energy": {"osu018": 0.39, "asap7": 0.438}, "spread": [0, 1]}}},
        {"multiplier": "d", "ratios": {}},
    ]
    path.write_text(json.dumps({"rows": rows}))
    assert energy_ratios(path) == {"a": "0.50", "b": "0.41", "c": "0.39 .. 0.44"}
    assert energy_ratios(path, "e8m2") == {"a": "3.00"}
    for wrong in ("{", "[]", '{"rows": [1]}', '{"rows": [{"multiplier": "a", "ratios": {"exact-trunc": {}}}]}'):
        path.write_text(wrong)
        with pytest.raises(InvalidInput, match="it has no rows with multiplier and ratios; give what `axfpm energy"):
            energy_ratios(path)
    with pytest.raises(InvalidInput, match="No such file"):
        energy_ratios(tmp_path / "none.json")
