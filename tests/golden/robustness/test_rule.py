"""The rule: every verdict by hand, and its error rates and power by simulation."""

import json
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from golden.errors import InvalidInput, InvalidType
from golden.robustness import rule
from golden.robustness.hypotheses import HYPOTHESES
from golden.robustness.statistics import holm, mcnemar

RUNS = 1000
"""Resamples where the verdict, not the last digit, is asked for."""
SUBJECT = "ax-fpm"


def table(images=200, seeds=3, subject=SUBJECT, robust=(140, 140, 140), control=100):
    """Outcomes without chance: the target is right on so many images of each seed, each control on so many others."""
    order = np.random.default_rng(0).permutation(images)
    own = np.stack([order < count for count in robust[:seeds]])
    other = np.repeat(order[None] < control, seeds, 0)
    outcomes = {}
    for h in HYPOTHESES:
        outcomes[h.threat_model, h.norm, subject] = own
        for name in h.controls(subject):
            outcomes[h.threat_model, h.norm, name] = other
    return outcomes


def sample(rng, effect, images=200, seeds=3, spread=0.02, base=0.5):
    """Outcomes by chance: images are easy or hard for all; controls have the rate ``base``, the target that + effect.

    Each draw of noise has its own rate, with standard deviation ``spread``.
    """
    easy, outcomes = rng.standard_normal(images), {}

    def right(rates, network):
        own = rng.standard_normal((len(rates), seeds, images))
        z = math.sqrt(0.5) * easy + math.sqrt(0.2) * network + math.sqrt(0.3) * own
        return z < norm.ppf(np.clip(rates, 0.001, 0.999))[:, None, None]

    for threat_model, norm_ in dict.fromkeys((h.threat_model, h.norm) for h in HYPOTHESES):
        fixed = ("exact torch", "e8m1", "companding")
        noise = [f"noise:draw={k}" for k in range(39 if threat_model == "twin" else 2)]
        rates = [base + effect, *[base] * len(fixed), *(base + spread * rng.standard_normal(len(noise)))]
        results = right(np.array(rates), rng.standard_normal((seeds, images)))
        for name, outcome in zip((SUBJECT, *fixed, *noise), results, strict=True):
            outcomes[threat_model, norm_, name] = outcome
    return outcomes


def decide(outcomes, *, resamples=RUNS, **settings) -> Any:
    """The ruling; what may be None in general is not where these tests look."""
    return rule.decide(outcomes, resamples=resamples, **settings)


def verdicts(outcomes, **settings):
    return [v.verdict for v in decide(outcomes, **settings).verdicts]


def share(verdict, found):
    """How often at least one hypothesis comes out so."""
    return np.mean([verdict in row for row in found])


def test_a_defence_holds_everywhere():
    ruling = decide(table(), resamples=10_000)
    assert (ruling.subject, ruling.seeds, ruling.images) == ("ax-fpm", 3, 200)
    for verdict in ruling.verdicts:
        low, high = verdict.interval
        assert (verdict.verdict, verdict.reason) == ("holds", "every condition is met")
        assert (verdict.difference, verdict.per_seed) == (20.0, (20.0, 20.0, 20.0))
        assert 10 < low < 20 < high < 30
        assert (verdict.rank, verdict.p) == ((1, 0.05) if verdict.hypothesis.ranked else (None, None))
    assert {(s.threat_model, s.verdict, s.reason) for s in ruling.summaries} == {
        ("twin", "defends", "6 holds"),
        ("aware", "defends", "2 holds"),
        ("white-box", "defends", "4 holds"),
    }
    assert ruling.scope == (
        "simultaneous 95% intervals over 12 of 12 hypotheses, those that ran, by 10000 resamples of 200 images, "
        "for these 3 networks"
    )


@pytest.mark.parametrize(
    ("images", "robust", "verdict", "reason"),
    [
        (200, (120, 120, 120), "holds", "every condition is met"),  # exactly 10 points
        (200, (120, 120, 119), "undecided", "the difference is below 10 points"),
        (200, (170, 170, 99), "undecided", "the target is not ahead on every seed"),
        (200, (170, 170, 100), "undecided", "the target is not ahead on every seed"),
        (200, (100, 100, 100), "does not hold", "the upper bound is below 10 points"),
        (200, (60, 60, 60), "does not hold", "the upper bound is below 10 points"),
        (20, (12, 12, 12), "undecided", "the lower bound is not above 0"),
    ],
)
def test_every_condition_counts(images, robust, verdict, reason):
    # Against the controls that have no rank; where images are few, the controls are right on a half of them too.
    ruling = decide(table(images, robust=robust, control=images // 2))
    found = {(v.verdict, v.reason) for v in ruling.verdicts if not v.hypothesis.ranked}
    assert found == {(verdict, reason)}


def test_opposite_sign_on_the_third_seed_never_holds():
    rng = np.random.default_rng(1)
    for _ in range(20):
        outcomes = sample(rng, 0.3)
        for key in outcomes:
            if key[2] == SUBJECT:
                outcomes[key][2] = outcomes[key[0], key[1], "e8m1"][2] & (rng.random(200) < 0.8)
        ruling = decide(outcomes)
        assert min(v.difference for v in ruling.verdicts) > 10
        assert "holds" not in {v.verdict for v in ruling.verdicts}


def test_draws_that_do_better_cost_the_rank():
    # One draw as good as the target: second of 40 on one norm, which Holm allows only after a first.
    outcomes = table()
    outcomes["twin", "linf", "noise:draw=7"] = outcomes["twin", "linf", SUBJECT]
    by_norm = {v.hypothesis.norm: v for v in decide(outcomes).verdicts if v.hypothesis.ranked}
    assert [(v.rank, v.p, v.verdict) for v in (by_norm["linf"], by_norm["l2"])] == [
        (2, 0.05, "holds"),
        (1, 0.05, "holds"),
    ]
    # The mean of the draws is 140 once and 100 otherwise.
    assert by_norm["linf"].difference == pytest.approx(100 * (140 - (38 * 100 + 140) / 39) / 200)
    outcomes["twin", "l2", "noise"] = outcomes["twin", "l2", SUBJECT]
    both = [v for v in decide(outcomes).verdicts if v.hypothesis.ranked]
    assert [(v.rank, v.p, v.verdict) for v in both] == [(2, 0.1, "undecided")] * 2
    assert {v.reason for v in both} == {"the target does not rank high enough among the draws"}


def test_white_box_noise_is_the_mean_of_two_draws():
    outcomes = table()
    outcomes["white-box", "l2", "noise:draw=1"] = np.zeros((3, 200), bool)
    verdict = decide(outcomes).verdicts[-1]
    assert (verdict.hypothesis.norm, verdict.hypothesis.control) == ("l2", "noise")
    assert (verdict.difference, verdict.per_seed, verdict.mcnemar) == (45.0, (45.0,) * 3, None)


def test_mcnemar_within_each_seed_is_adjusted_for_all_of_them():
    outcomes = sample(np.random.default_rng(2), 0.1)
    ruling = decide(outcomes)
    single = [v for v in ruling.verdicts if v.mcnemar is not None]
    assert {v.hypothesis.control for v in single} == {"e8m1", "companding", "exact torch"}
    raw = [
        mcnemar(
            *(outcomes[v.hypothesis.threat_model, v.hypothesis.norm, name] for name in (SUBJECT, v.hypothesis.control))
        )
        for v in single
    ]
    assert np.concatenate([v.mcnemar for v in single]) == pytest.approx(holm(np.concatenate(raw)))
    assert len(single) == 8
    assert {len(v.mcnemar) for v in single} == {3}


def test_what_did_not_run_says_so():
    outcomes = {key: value for key, value in table().items() if key[0] != "aware" and key[1] == "linf"}
    del outcomes["twin", "linf", "noise:draw=38"]
    ruling = decide(outcomes)
    assert ruling.scope.startswith(
        "simultaneous 95% intervals over 4 of 12 hypotheses, those that ran, by 1000 resamples"
    )
    out = {v.hypothesis: v for v in ruling.verdicts}
    assert tuple(out) == HYPOTHESES
    missing = out[HYPOTHESES[0]]
    assert (missing.verdict, missing.reason) == ("not run", "no outcome of noise:draw=38")
    assert (missing.difference, missing.interval, missing.per_seed, missing.p) == (None,) * 4
    assert out[HYPOTHESES[3]].reason == "no outcome of ax-fpm and 39 more targets"
    assert [(s.threat_model, s.verdict, s.reason) for s in ruling.summaries] == [
        ("twin", "undecided", "2 holds, 4 not run"),
        ("aware", "not run", "2 not run"),
        ("white-box", "undecided", "2 holds, 2 not run"),
    ]


def test_fewer_hypotheses_give_narrower_intervals():
    outcomes = sample(np.random.default_rng(3), 0.1)
    some = {key: value for key, value in outcomes.items() if key[0] == "aware"}
    wide, narrow = ({v.hypothesis: v.interval for v in decide(part).verdicts} for part in (outcomes, some))
    for hypothesis in HYPOTHESES[6:8]:
        assert narrow[hypothesis][1] - narrow[hypothesis][0] < 0.9 * (wide[hypothesis][1] - wide[hypothesis][0])


def test_nothing_ran():
    ruling = decide({})
    assert (ruling.scope, ruling.seeds, ruling.images) == ("no hypothesis ran", 0, 0)
    assert {v.verdict for v in ruling.verdicts} == {s.verdict for s in ruling.summaries} == {"not run"}


def test_one_refutation_refutes_the_threat_model():
    outcomes = table()
    outcomes["twin", "l2", "companding"] = outcomes["twin", "l2", SUBJECT]
    assert {s.threat_model: s.verdict for s in decide(outcomes).summaries} == {
        "twin": "does not defend",
        "aware": "defends",
        "white-box": "defends",
    }


def test_another_subject_with_controls_of_its_own():
    ruling = decide(table(subject="mitchell"), subject="mitchell")
    assert {v.verdict for v in ruling.verdicts} == {"holds"}
    # Noise matched to another multiplier is no control.
    other = {("twin", "linf", "mitchell" if key[2] == SUBJECT else key[2]): v for key, v in table().items()}
    assert decide(other, subject="mitchell").verdicts[0].reason == (
        "no outcome of noise:multiplier=mitchell and 38 more targets"
    )


def test_controls_go_by_equal_names_and_once():
    # ``sample`` writes the first draw as noise:draw=0, ``controls`` as noise.
    outcomes = sample(np.random.default_rng(10), 0.2)
    renamed = {(t, n, "noise" if name == "noise:draw=0" else name): v for (t, n, name), v in outcomes.items()}
    assert decide(outcomes) == decide(renamed)
    assert "not run" not in verdicts(outcomes)
    with pytest.raises(InvalidInput, match="two outcomes of noise in twin, linf; give one, under either name"):
        decide({**outcomes, **renamed})


def test_a_subject_is_not_its_own_control():
    found = [v for v in decide(table(subject="e8m1"), subject="e8m1").verdicts if v.verdict == "not run"]
    assert [(v.hypothesis.control, v.reason) for v in found] == [("e8m1", "e8m1 is its own control here")] * 2


@pytest.mark.parametrize(("target", "control"), [(0, 0), (200, 200), (200, 0), (0, 200)])
def test_degenerate_outcomes_have_an_interval(target, control):
    ruling = decide(table(robust=(target,) * 3, control=control))
    difference = (target - control) / 2
    q = 1 - (0.05 / 12) ** (1 / 200)
    for verdict in ruling.verdicts:
        assert verdict.difference == difference
        assert verdict.interval == pytest.approx(((1 - q) * difference - 100 * q, (1 - q) * difference + 100 * q))
        assert verdict.verdict == ("holds" if difference == 100 else "does not hold")


def test_json_and_the_same_verdict_again():
    outcomes = sample(np.random.default_rng(4), 0.15)
    ruling = decide(outcomes, seed=5)
    assert ruling == decide(dict(reversed(outcomes.items())), seed=5)
    assert ruling != decide(outcomes, seed=6)
    again = json.loads(json.dumps(ruling.to_dict(), allow_nan=False))
    assert list(again) == ["subject", "seeds", "images", "scope", "verdicts", "summaries"]
    row = again["verdicts"][0]
    assert {key: row[key] for key in ("threat_model", "norm", "question", "control", "draws", "ranked")} == {
        "threat_model": "twin",
        "norm": "linf",
        "question": "A",
        "control": "noise",
        "draws": 39,
        "ranked": True,
    }
    assert (row["interval"], row["rank"]) == (list(ruling.verdicts[0].interval), ruling.verdicts[0].rank)
    assert again["summaries"][0]["threat_model"] == "twin"


def test_wrong_outcomes():
    outcomes = table()
    outcomes["aware", "l2", "exact torch"] = np.ones((3, 199), bool)
    with pytest.raises(
        InvalidInput, match=r"shapes \(3, 199\) and \(3, 200\) cannot be compared; give \(seeds, images\)"
    ):
        decide(outcomes)
    outcomes["aware", "l2", "exact torch"] = np.ones((3, 200))
    with pytest.raises(InvalidType, match="the outcome of exact torch is of dtype float64; give bool"):
        decide(outcomes)
    with pytest.raises(InvalidInput, match="two images at least"):
        decide({key: value[:, :1] for key, value in table().items()})
    with pytest.raises(InvalidInput, match="cannot be compared"):
        decide({key: value[0] for key, value in table().items()})


def limit(runs):
    """Three standard errors above 5%."""
    return 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


@pytest.mark.parametrize(
    ("images", "runs"), [(60, 120), (200, 60), *(pytest.param(n, 1000, marks=pytest.mark.long) for n in (60, 200))]
)
def test_without_an_effect_something_holds_in_5_of_100_at_most(images, runs):
    rng = np.random.default_rng(5)
    found = [verdicts(sample(rng, 0.0, images), seed=run) for run in range(runs)]
    assert share("holds", found) <= limit(runs)
    if images == 200:
        # And mostly it is said that there is none.
        assert Counter(v for row in found for v in row)["does not hold"] > 0.9 * 12 * runs


@pytest.mark.parametrize("runs", [100, pytest.param(1000, marks=pytest.mark.long)])
def test_ten_points_are_refuted_in_5_of_100_at_most(runs):
    rng = np.random.default_rng(6)
    found = [verdicts(sample(rng, 0.1, spread=0.0), seed=run) for run in range(runs)]
    assert share("does not hold", found) <= limit(runs)


@pytest.mark.parametrize("runs", [150, pytest.param(1000, marks=pytest.mark.long)])
def test_one_more_draw_of_noise_is_found_to_defend_in_5_of_100_at_most(runs):
    # Draws that differ by 15 points: intervals know these draws only, and would call one in five a defence.
    rng = np.random.default_rng(7)
    by_interval = by_rule = 0
    for run in range(runs):
        outcomes = {}
        for norm_ in ("linf", "l2"):
            rates = norm.ppf(np.clip(0.5 + 0.15 * rng.standard_normal(40), 0.02, 0.98))[:, None, None]
            own = math.sqrt(0.5) * (rng.standard_normal(200) + rng.standard_normal((40, 3, 200))) < rates
            for name, outcome in zip((SUBJECT, *HYPOTHESES[0].controls(SUBJECT)), own, strict=True):
                outcomes["twin", norm_, name] = outcome
        ranked = [v for v in decide(outcomes, seed=run).verdicts if v.hypothesis.ranked]
        by_rule += "holds" in {v.verdict for v in ranked}
        by_interval += any(v.interval[0] > 0 and v.difference >= 10 and min(v.per_seed) > 0 for v in ranked)
    assert by_rule / runs <= limit(runs)
    assert by_interval / runs > 0.2


@pytest.mark.parametrize(
    ("effect", "runs", "least", "most"),
    [
        (0.10, 40, 0.3, 0.7),  # at the threshold itself the difference is below it half the time
        (0.15, 40, 0.9, 1),
        (0.20, 20, 0.98, 1),
        (0.25, 20, 0.98, 1),
        *(pytest.param(e, 400, *b, marks=pytest.mark.long) for e, b in ((0.1, (0.4, 0.6)), (0.15, (0.95, 1)))),
    ],
)
def test_power_of_each_hypothesis_with_200_images(effect, runs, least, most):
    rng = np.random.default_rng(8)
    found = [verdicts(sample(rng, effect), seed=run) for run in range(runs)]
    holds = Counter(v for row in found for v in row)["holds"] / (12 * runs)
    assert least <= holds <= most
