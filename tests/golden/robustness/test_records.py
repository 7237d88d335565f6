"""Result files: read as they were written, refused where they were changed, and compared."""

import dataclasses
import gzip
import json

import pytest

from golden.errors import InvalidInput
from golden.robustness import records
from golden.robustness.records import compare, find, read, to_lines
from golden.robustness.statistics import Proportion
from golden.robustness.verdicts import ruling


@pytest.fixture
def file(tmp_path, small_results):
    path = tmp_path / "results.jsonl"
    path.write_text(to_lines(small_results))
    return path


def test_read_as_written(file, small_results):
    assert read(file) == small_results
    with_verdict = dataclasses.replace(small_results, verdict={"subject": "ax-fpm"})
    file.write_text(to_lines(with_verdict))
    assert read(file) == with_verdict


def _changed(file, number, change):
    lines = file.read_text().splitlines()
    entry = json.loads(lines[number - 1])
    change(entry)
    lines[number - 1] = json.dumps(entry)
    file.write_text("\n".join(lines))


@pytest.mark.parametrize(
    ("number", "change", "message"),
    [
        (1, lambda e: e.update(version=3), "is of version 3 and this axfpm reads version 2; evaluate again"),
        (1, lambda e: e.update(format="other"), "is no result file of axfpm"),
        (1, lambda e: e.pop("settings"), "line 1 of .* has no settings"),
        (2, lambda e: e["clean"].pop("target"), "line 2 of .*: entries target are missing or unknown"),
        (2, lambda e: e["clean"].update(more=1), "line 2 of .*: entries more are missing or unknown"),
        (2, lambda e: e["clean"].update(target=1), "line 2 of .*: target is not as it should be"),
        (2, lambda e: e["clean"].update(seed=True), "line 2 of .*: seed is not as it should be"),
        (4, lambda e: e["attack"]["robust_accuracy"].update(k=4), "line 4 of .*: robust_accuracy is not as it should"),
        (4, lambda e: e["attack"]["robust_accuracy"].update(interval=[0, 1]), "robust_accuracy is not as it should be"),
        (4, lambda e: e["attack"]["robust_accuracy"].update(k=9), "robust_accuracy is not as it should be"),
        (4, lambda e: e["attack"].update(robust_accuracy=None), "robust_accuracy is not as it should be"),
        (5, lambda e: e.update(other={}), "line 5 of .* is no row of results"),
    ],
)
def test_changed_files_are_refused(file, number, change, message):
    _changed(file, number, change)
    with pytest.raises(InvalidInput, match=message):
        read(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no result file of axfpm"),
        (b"not json", "is no result file of axfpm"),
        (b"\xff\xfe", "cannot read .*: it is no text"),
        (gzip.compress(b"{}" * 99, mtime=0)[:-9], "cannot read .*: it is damaged; evaluate again"),
    ],
)
def test_other_files_are_refused(file, content, message):
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match=message):
        read(file)


def test_a_file_cut_short(file):
    text = file.read_text()
    file.write_text(text[: text.rindex("{") - 10])
    with pytest.raises(InvalidInput, match="is no JSON object; the file is damaged, evaluate again"):
        read(file)


def test_find(file, monkeypatch):
    assert find(file) == file
    monkeypatch.setattr(records, "MEASURED", file.parent)
    packed = file.with_name("results.jsonl.gz")
    packed.write_bytes(gzip.compress(file.read_bytes()))
    assert find("results") == packed
    assert read(packed) == read(file)
    with pytest.raises(
        InvalidInput, match="no result file 'resutls', neither a file nor a preset; did you mean results"
    ):
        find("resutls")


def test_compare(small_results):
    first = small_results
    assert compare(first, first) == ()
    row = dataclasses.replace(first.attacks[1], robust_accuracy=Proportion(8, 8))
    second = dataclasses.replace(first, attacks=(first.attacks[0], row), suites=())
    robust, gone = compare(first, second)
    assert robust.row == ("twin", "fgsm:eps=0.1, as is, scaled", "e8m2", "m, seed 0", "robust_accuracy")
    assert (robust.first, robust.second, robust.apart) == (Proportion(1, 8), Proportion(8, 8), True)
    assert (gone.first, gone.second, gone.apart) == (Proportion(1, 8), None, False)
    assert gone.to_dict()["second"] is None


def test_what_comes_with_the_package_can_be_judged_again():
    results = read(find("mnist"))
    assert ruling(results).verdict == results.verdict
    assert {row.seed for row in results.clean} == {0, 1, 2}
    assert results.settings["left_out"] == []
