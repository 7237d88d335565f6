"""What is counted, and how it is shown."""

import json

import numpy as np

from golden.robustness.results import EXACT, Results, UnderAttack, clean_result, under_attack
from golden.robustness.statistics import Proportion


def _logits(classes):
    """Logits whose largest entry stands at each class."""
    return np.eye(3, dtype=np.float32)[classes]


LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 1])


def test_under_attack_counts():
    # By hand, sample by sample:      source clean, source attacked, target clean, target attacked
    #   0  label 0                    0             1                0             1     transfers
    #   1  label 1                    1             0                1             1     adversarial, does not transfer
    #   2  label 2                    2             2                2             0     not adversarial on the source
    #   3  label 0                    0             2                1             1     target wrong clean
    #   4  label 1                    0             0                1             1     source wrong clean
    #   5  label 2                    2             0                2             1     transfers, to another class
    #   6  label 0                    0             0                0             0     right everywhere
    #   7  label 1                    1             2                0             1     wrong clean, right attacked
    source = _logits([0, 1, 2, 0, 0, 2, 0, 1]), _logits([1, 0, 2, 2, 0, 0, 0, 2])
    target = _logits([0, 1, 2, 1, 1, 2, 0, 0]), _logits([1, 1, 0, 1, 1, 1, 0, 1])
    success, transfer, robust = under_attack(source, target, LABELS)
    assert success == Proportion(5, 7)  # samples 0 1 3 5 7, of all but 4
    assert transfer == Proportion(2, 3)  # 0 and 5, of 0 1 5
    assert robust == Proportion(3, 8)  # 1 4 6; sample 7 was wrong clean


def test_nothing_adversarial():
    right = _logits(LABELS)
    success, transfer, robust = under_attack((right, right), (right, right), LABELS)
    assert (success, transfer, robust) == (Proportion(0, 8), Proportion(0, 0), Proportion(8, 8))


def test_clean():
    exact, target = _logits(LABELS), _logits([0, 1, 2, 0, 1, 2, 1, 2])
    row = clean_result("ax-fpm", 2 * target, exact, LABELS, control=True)
    assert (row.accuracy, row.agreement) == (Proportion(6, 8), Proportion(6, 8))
    assert row.confidence is not None
    assert abs(row.confidence - np.exp(2) / (np.exp(2) + 2)) < 1e-9


def test_nan_logits_are_no_class():
    logits = _logits(LABELS)
    logits[0, 0] = np.nan
    row = clean_result("ax-fpm", logits, _logits(LABELS), LABELS)
    assert (row.accuracy, row.agreement, row.confidence) == (Proportion(7, 8), Proportion(7, 8), None)


def _results():
    exact = _logits(LABELS)
    clean = (clean_result(EXACT, exact, exact, LABELS), clean_result("e8m2", exact, exact, LABELS, control=True))
    case = ("transfer", "fgsm:eps=0.1", "linf", 0.1)
    attacked = (
        UnderAttack(*case, EXACT, False, Proportion(5, 7), None, Proportion(3, 8)),
        UnderAttack(*case, "e8m2", True, Proportion(5, 7), Proportion(0, 0), Proportion(1, 8)),
    )
    settings = {"model": "m", "samples": 8, "data": "d", "seed": 0, "threat_models": {"transfer": "crafted elsewhere"}}
    return Results(settings, clean, attacked)


def test_json():
    read = json.loads(_results().to_json())
    assert read == _results().to_dict()
    assert read["attacks"][0]["transfer"] is None
    assert read["attacks"][1]["transfer"]["rate"] is None
    assert read["attacks"][1]["source_success"]["k"] == 5


def test_table():
    text = _results().table()
    assert max(map(len, text.splitlines())) <= 128
    assert max(map(len, _results().table(width=80).splitlines())) <= 80
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "m, 8 images of d, seed 0: clean" in lines
    assert "transfer: crafted elsewhere" in lines
    assert "fgsm:eps=0.1 5/7 = 71.4% [35.9, 91.8] exact torch - 3/8 = 37.5% [13.7, 69.4]" in lines
    assert "e8m2 (control) 0/0: no case 1/8 = 12.5% [2.2, 47.1]" in lines
