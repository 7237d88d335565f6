"""What the files that come with the package say, against their own readers."""

import json

import pytest

from axfpm import shipped
from axfpm.shipped import SPEED, shipped_hardware, shipped_robustness, shipped_speed, shipped_suites
from golden.catalogue import MULTIPLIERS
from golden.robustness.records import MEASURED, read
from synth.energy import technologies


def test_hardware_is_that_of_the_file():
    known = technologies.read(technologies.MEASURED / "technologies.json")
    rows = shipped_hardware("ax-fpm")
    assert [row["library"] for row in rows] == list(known.libraries)
    shares = known.ratios("ax-fpm", "exact-trunc")
    assert {row["library"]: row["ratios"]["exact-trunc"]["energy"] for row in rows} == shares
    assert all(str(result.conditions) == row["conditions"] for result, row in zip(known.results, rows, strict=True))
    assert {row["file"] for row in rows} == {"synth/energy/measured/technologies.json"}


def test_a_design_with_another_tree_is_not_the_multiplier(tmp_path, monkeypatch):
    plain = json.loads((technologies.MEASURED / "technologies.json").read_text(encoding="utf-8"))
    for result in plain["results"]:
        result["rows"] += [{**row, "tree": "booth"} for row in result["rows"] if row["multiplier"] == "exact-trunc"]
    (tmp_path / "technologies.json").write_text(json.dumps(plain), encoding="utf-8")
    libraries = [row["library"] for row in shipped_hardware("exact-trunc")]
    monkeypatch.setattr(technologies, "MEASURED", tmp_path)
    monkeypatch.setattr(shipped, "_place", lambda _: "")
    assert [row["library"] for row in shipped_hardware("exact-trunc")] == libraries


def test_every_multiplier_of_the_catalogue_was_timed():
    timed = json.loads(SPEED.read_text(encoding="utf-8"))["rows"]
    assert {row["multiplier"] for row in timed} == {*MULTIPLIERS}
    speed = shipped_speed("ax-fpm")
    assert [(row["shape"], row["ratio"]) for row in speed["rows"]] == [
        (row["shape"], row["ratio"]) for row in timed if row["multiplier"] == "ax-fpm"
    ]
    assert (speed["threads"], speed["file"]) == (1, "golden/speed/measured/catalogue.json")
    assert shipped_speed("ax-fpm:block=2") == {}


def test_robustness_is_that_of_the_file():
    found = {one["preset"]: one for one in shipped_robustness("ax-fpm")}
    assert set(found) == {path.name.partition(".")[0] for path in MEASURED.glob("*.jsonl.gz")}
    results = read(MEASURED / "cifar10.jsonl.gz")
    suites = [s for s in results.suites if s.target == "ax-fpm" and (s.threat_model, s.norm) == ("white-box", "linf")]
    (row,) = (
        row
        for row in found["cifar10"]["rows"]
        if (row["target"], row["threat_model"], row["norm"]) == ("ax-fpm", "white-box", "linf")
    )
    assert [share["k"] for share in row["networks"]] == [s.robust_accuracy.k for s in suites]
    assert row["rate"] == pytest.approx(sum(s.robust_accuracy.rate or 0 for s in suites) / len(suites))
    rulings = (results.verdict, *results.verdict["others"])
    assert [(v["target"], v["verdict"]) for v in found["cifar10"]["verdicts"]] == [
        (one["subject"], summary["verdict"]) for one in rulings for summary in one["summaries"]
    ]


def test_clean_accuracy_stands_first():
    for one in shipped_robustness("ax-fpm"):
        assert one["rows"][0]["threat_model"] == "clean"
        assert one["rows"][0]["budget"] is None
        assert one["rows"][0]["networks"][0]["n"] == 10_000


def test_the_rule_was_asked_of_the_subject_alone():
    found = {one["preset"]: one for one in shipped_robustness("mitchell")}
    assert found["mnist"]["rows"]
    assert found["mnist"]["verdicts"] == []


def test_suites_are_those_of_the_file():
    results = read(MEASURED / "cifar10.jsonl.gz")
    suites = [s for s in results.suites if s.threat_model == "white-box"]
    tasks = [task for task in shipped_suites("white-box") if task["preset"] == "cifar10"]
    assert {(task["norm"], task["budget"]) for task in tasks} == {(s.norm, s.budget) for s in suites}
    for task in tasks:
        own = task["targets"]["ax-fpm+calibrated"]
        wanted = [s.robust_accuracy.k for s in suites if (s.target, s.norm) == ("ax-fpm+calibrated", task["norm"])]
        assert [share["k"] for share in own["robust"]] == wanted
        assert own["multiplier"] == "ax-fpm"
        assert [share["n"] for share in own["clean"]] == [10_000] * 3
        assert task["targets"]["exact torch"]["multiplier"] is None


def test_nothing_is_said_of_what_was_not_measured():
    assert shipped_hardware("ax-fpm:block=3") == []
    assert shipped_robustness("ax-fpm:block=3") == []
    assert shipped_suites("no threat model") == []
