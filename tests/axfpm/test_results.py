"""``axfpm results``: shown, refused, compared; and what ``axfpm evaluate`` writes."""

import json

import pytest
from click.testing import CliRunner

from axfpm.cli import main
from golden.robustness.records import read


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("evaluation")
    for name, seed in (("one", "0"), ("two", "1")):
        arguments = ["evaluate", "--data", "digits", "--attacks", "fgsm:eps=0.1", "--samples", "12", "--seed", seed]
        assert CliRunner().invoke(main, [*arguments, "-q", "-o", str(place / name)]).exit_code == 0
    return place


def _run(*arguments):
    return CliRunner().invoke(main, ["results", *map(str, arguments)])


def test_evaluate_writes_what_results_shows(folder):
    files = sorted(path.name for path in (folder / "one").iterdir())
    assert files == ["results.json", "results.jsonl", "table.txt"]
    shown = _run(folder / "one" / "results.jsonl")
    assert shown.exit_code == 0
    assert shown.output == (folder / "one" / "table.txt").read_text()
    as_json = _run(folder / "one" / "results.jsonl", "--json")
    assert json.loads(as_json.output) == json.loads((folder / "one" / "results.json").read_text())
    assert read(folder / "one" / "results.jsonl").settings["data"] == "digits test"


def test_compare(folder):
    one, two = folder / "one" / "results.jsonl", folder / "two" / "results.jsonl"
    assert _run(one, one).output == "no rate differs\n"
    found = json.loads(_run(one, two, "--json").output)["differences"]
    assert found
    assert {row["row"][0] for row in found} <= {"clean", "twin"}
    assert found[0]["first"]["n"] == found[0]["second"]["n"] == 12
    assert "Rates that differ" in _run(one, two).output


def test_validate(folder, tmp_path):
    one = folder / "one" / "results.jsonl"
    sentence = f"{one}: the settings name no preset; evaluate with --preset, on all of its attacks and targets"
    result = _run("--validate", one)
    assert (result.exit_code, result.output) == (1, f"{sentence}\n")
    found = json.loads(_run("--validate", "--json", one).output)["files"]
    assert found == {str(one): [sentence.partition(": ")[2]]}


@pytest.mark.long
def test_a_page_of_the_board(folder, tmp_path):
    # A file without a preset cannot rank, and is said to be left out, on the page too.
    page = tmp_path / "board.md"
    energy = tmp_path / "energy.json"
    energy.write_text('{"rows": []}')
    result = _run("--board", folder, "--energy", energy, "-o", page)
    assert result.exit_code == 1
    assert "one/results.jsonl does not rank: the settings name no preset; evaluate with" in result.stderr
    assert "- two/results.jsonl: the settings name no preset; evaluate with" in page.read_text()
    left_out = json.loads(_run("--board", folder, "--json").stdout)["left_out"]
    assert {"one/results.jsonl", "two/results.jsonl"} <= left_out.keys()
