"""Contributed files: whole ones pass, and every kind of gap or contradiction is named."""

import dataclasses

import pytest

from golden.robustness.records import MEASURED, read, to_lines
from golden.robustness.statistics import Proportion
from golden.robustness.validation import faults, faults_of


@pytest.fixture(scope="module")
def whole(whole_file):
    return read(whole_file)


def test_a_whole_file(whole_file, whole):
    assert faults(whole_file) == ()
    assert {row.attack for row in whole.attacks} == {"fgsm:eps=0.1", "fgsm:eps=0.2", "ddn:steps=5"}


def test_a_file_that_cannot_be_read(tmp_path):
    path = tmp_path / "f.jsonl"
    path.write_text("{}")
    assert faults(path) == (f"{path} is no result file of axfpm; `axfpm evaluate -o FOLDER` writes one",)


def _without(rows, **wanted):
    return tuple(row for row in rows if any(getattr(row, key) != value for key, value in wanted.items()))


def _with(rows, change, **wanted):
    """Rows, the first that is as wanted changed."""
    found = list(rows)
    i = next(i for i, row in enumerate(rows) if all(getattr(row, key) == value for key, value in wanted.items()))
    found[i] = dataclasses.replace(rows[i], **change(rows[i]))
    return tuple(found)


def _flipped(row):
    return {"right": f"{int(row.right, 16) ^ 0x18:02x}"}


def _suite(change, **wanted):
    return lambda r: dataclasses.replace(r, suites=_with(r.suites, change, **wanted))


def _settings(**more):
    return lambda r: dataclasses.replace(r, settings={**r.settings, **more})


TWIN = "the suite twin, linf 0.1 of ax-fpm, lenet5 (lenet5-digits), seed 0"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            _settings(preset=None),
            "the settings name no preset; evaluate with --preset, on all of its attacks and targets",
        ),
        (_settings(preset="tyni"), "unknown preset 'tyni'; "),
        (_settings(subject="ax-fmp"), "unknown multiplier 'ax-fmp'; did you mean ax-fpm"),
        (_settings(samples=4), "images: 4 in the file, 8 in the preset tiny; evaluate all of it again"),
        (
            _settings(budgets={"linf": 0.2}),
            "budgets: linf 0.2 in the file, linf 0.1 in the preset tiny; evaluate al",
        ),
        (_settings(networks=[]), "training seeds: none in the file, 0 in the preset tiny; evaluate all of it again"),
        (
            _settings(data="mnist test"),
            "data: mnist test in the file, digits test in the preset tiny; evaluate a",
        ),
        (
            lambda r: dataclasses.replace(r, attacks=_without(r.attacks, target="companding")),
            "twin: rows of companding are missing, fgsm:eps=0.1 on companding (twin, scaled gradient, as is, lenet5 "
            "(lenet5-digits), seed 0) and 2 more; evaluate again",
        ),
        (
            lambda r: dataclasses.replace(r, attacks=_without(r.attacks, view="x 1.1", target="ax-fpm")),
            "twin: rows of ax-fpm are missing, ddn:steps=5 on ax-fpm (twin, scaled gradient, x 1.1, lenet5 "
            "(lenet5-digits), seed 0); evaluate again",
        ),
        (
            lambda r: dataclasses.replace(
                r, attacks=_with(r.attacks, lambda row: {"examples": "0"}, threat_model="twin", target="ax-fpm")
            ),
            "fgsm:eps=0.1 on ax-fpm (twin, scaled gradient, as is, lenet5 (lenet5-digits), seed 0) is of other "
            "examples than its other rows; evaluate again",
        ),
        (
            lambda r: dataclasses.replace(
                r,
                attacks=_with(r.attacks, lambda row: {"robust_accuracy": Proportion(1, 7)}, target="noise:draw=1"),
            ),
            "fgsm:eps=0.1 on noise:draw=1 (twin, scaled gradient, as is, lenet5 (lenet5-digits), seed 0) is of 7 "
            "images instead of 8; evaluate again",
        ),
        (
            lambda r: dataclasses.replace(r, attacks=(*r.attacks, r.attacks[0])),
            "fgsm:eps=0.1 on exact torch (twin, scaled gradient, as is, lenet5 (lenet5-digits), seed 0) stands there "
            "twice; leave one",
        ),
        (
            lambda r: dataclasses.replace(r, suites=_without(r.suites, threat_model="twin", target="ax-fpm")),
            f"{TWIN} is missing; evaluate again",
        ),
        (
            lambda r: dataclasses.replace(r, suites=(*r.suites, r.suites[0])),
            f"{TWIN.replace('ax-fpm', 'exact torch')} stands there twice; leave one",
        ),
        (
            _suite(lambda row: {"attacks": 2}, threat_model="twin", target="ax-fpm"),
            f"{TWIN} is over 2 sets of 8 examples instead of 3 of 8; evaluate again",
        ),
        (
            _suite(lambda row: {"right": "xy"}, threat_model="twin", target="ax-fpm"),
            f"{TWIN} does not say which images are right; evaluate again",
        ),
        (
            _suite(lambda row: {"right": "00" * 2}, threat_model="twin", target="ax-fpm"),
            f"{TWIN} counts ",
        ),
        (
            _suite(
                lambda row: {"right": "ff", "robust_accuracy": Proportion(8, 8)}, threat_model="twin", target="ax-fpm"
            ),
            f"{TWIN} leaves 8 images right, and fgsm:eps=0.1 alone ",
        ),
        (
            lambda r: dataclasses.replace(r, clean=_without(r.clean, target="ax-fpm")),
            "the clean row of ax-fpm, lenet5 (lenet5-digits), seed 0 is missing; evaluate again",
        ),
        (
            lambda r: dataclasses.replace(r, clean=(*r.clean, r.clean[1])),
            "the clean row of ax-fpm, lenet5 (lenet5-digits), seed 0 stands there twice; evaluate again",
        ),
        (lambda r: dataclasses.replace(r, verdict={}), "there is no verdict; evaluate again"),
        (
            lambda r: dataclasses.replace(r, verdict={**r.verdict, "summaries": []}),
            "the verdict is not what the rule says of these rows; evaluate again",
        ),
        (
            lambda r: dataclasses.replace(
                r, verdict={**r.verdict, "others": [{**r.verdict, "subject": "ax-fpm+clamp"}]}
            ),
            "the verdict is not what the rule says of these rows; evaluate again",
        ),
        (
            lambda r: dataclasses.replace(r, verdict={**r.verdict, "others": []}),
            "the verdict is on ax-fpm, and the preset tiny asks for ax-fpm, ax-fpm+clamp; evaluate again",
        ),
    ],
)
def test_faults(whole, change, sentence):
    found = faults_of(change(whole))
    assert [one for one in found if one.startswith(sentence)], found
    assert all("\n" not in one for one in found)


@pytest.mark.parametrize("file", sorted(MEASURED.glob("*.jsonl.gz")), ids=lambda file: file.name)
def test_what_comes_with_the_package(file):
    assert faults_of(read(file)) == ()


def test_a_whole_file_of_another_subject(tiny_preset, tmp_path):
    from golden.robustness.runs import run

    results = run("tiny", subject="bf16", cache=False)
    assert results.settings["subject"] == results.verdict["subject"] == "bf16"
    assert [other["subject"] for other in results.verdict["others"]] == ["bf16+clamp"]
    assert "noise:draw=1,multiplier=bf16" in results.settings["targets"]
    assert faults_of(results) == ()
    other = dataclasses.replace(results, settings={**results.settings, "subject": "e8m2"})
    assert any("rows of e8m2 are missing" in one for one in faults_of(other))
    path = tmp_path / "r.jsonl"
    path.write_text(to_lines(results))
    assert faults(path) == ()
