"""How results are shown, and written as JSON."""

import json
from dataclasses import replace

from golden.robustness.result_tables import grouped, mean, without_draw
from golden.robustness.results import Results
from golden.robustness.row_types import Clean, UnderAttack
from golden.robustness.statistics import Proportion

P = Proportion


def test_json(small_results):
    read = json.loads(small_results.to_json())
    assert read == small_results.to_dict()
    assert read["attacks"][0]["transfer"] is None
    assert read["attacks"][1]["transfer"]["rate"] is None
    assert read["attacks"][1]["source_success"]["k"] == 5
    assert read["suites"][0]["right"] == "40"


def test_table(small_results):
    text = small_results.table()
    assert max(map(len, text.splitlines())) <= 128
    assert max(map(len, small_results.table(width=80).splitlines())) <= 80
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "m, 8 images of d, seed 0: clean" in lines
    assert "twin: crafted elsewhere" in lines
    assert "fgsm:eps=0.1 5/8 = 62.5% [30.6, 86.3] exact torch - 3/8 = 37.5% [13.7, 69.4]" in lines
    assert "e8m2 (control) 0/0: no case 1/8 = 12.5% [2.2, 47.1]" in lines
    assert "e8m2 (control) 7/8 = 87.5% [52.9, 97.8] 7/8 = 87.5% [52.9, 97.8] 0.9500 +0.0500" in lines
    assert "twin linf 0.1 e8m2 1/8 = 12.5% [2.2, 47.1] 1" in lines
    assert "left out: pgd in query: its attacker has no gradients" in lines


def test_several_networks_and_draws_are_one_line_each():
    case = ("twin", "ddn", "l2", None)
    rows = [
        UnderAttack(*case, name, False, P(100, 100), P(k, 100), P(100 - k, 100), "m", seed)
        for seed in (0, 1)
        for name, k in (("ax-fpm", 20 + 20 * seed), ("noise", 10), ("noise:draw=1", 50))
    ]
    settings = {"model": "m", "samples": 100, "data": "d", "seed": 0, "threat_models": {"twin": "t"}}
    text = Results(settings, (), tuple(rows)).table()
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert any(line.startswith("ddn 100/100") and " ax-fpm 30/100 = 30.0%" in line for line in lines)
    assert any(line.startswith("noise, 2 draws 30/100 = 30.0%") for line in lines)


def test_draws_of_one_control_go_together():
    names = ["noise", "noise:draw=1", "noise:calibrated=1", "noise:draw=2,calibrated=1", "noise:multiplier=bf16"]
    assert list(map(without_draw, names)) == ["noise", "noise", "noise:calibrated=1", "noise:calibrated=1", names[-1]]
    assert without_draw("noise:draw=38,multiplier=ax-fpm:block=2,carry=widen") == (
        "noise:multiplier=ax-fpm:block=2,carry=widen"
    )
    rows = [Clean(name, True, P(1, 2), P(1, 2), 0.5, "m", 0) for name in names]
    assert [(name, len(same)) for name, same in grouped(rows)] == [
        ("noise, 2 draws (control)", 2),
        ("noise:calibrated=1, 2 draws (control)", 2),
        ("noise:multiplier=bf16 (control)", 1),
    ]


def test_every_ruling_is_shown(small_results):
    ruling = {"scope": "s", "verdicts": [], "summaries": [{"threat_model": "twin", "verdict": "v", "reason": "r"}]}
    row = {"threat_model": "twin", "norm": "l2", "control": "noise", "draws": 2, "difference": None, "interval": None}
    ruling["verdicts"] = [{**row, "verdict": "not run", "reason": "r"}]
    verdict = {**ruling, "subject": "one", "others": [{**ruling, "subject": "another"}]}
    text = replace(small_results, verdict=verdict).table()
    assert "The rule on one, s" in text
    assert "The rule on another, s" in text
    assert text.count("twin: v (r)") == 2


def test_mean():
    assert mean([P(3, 7)]) == P(3, 7)
    assert mean([P(10, 100), P(60, 200)]) == P(30, 150)  # rates 0.1 and 0.3
    assert mean([P(0, 0), P(1, 2)]) == P(0, 1)  # a share of nothing has no rate
    assert mean([P(0, 0), P(0, 0)]) == P(0, 0)
