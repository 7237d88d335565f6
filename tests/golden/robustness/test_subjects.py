"""Presets for other multipliers: the same attacks, controls matched anew."""

import pytest

from golden.errors import InvalidInput
from golden.robustness.presets import PRESETS
from golden.robustness.runs import run
from golden.robustness.subjects import of_subject
from golden.robustness.targets import target


def _names(stage):
    return [t.name for t in (*stage.targets, *stage.shown)]


def test_another_multiplier_in_all_places():
    before, after = PRESETS["mnist"], of_subject(PRESETS["mnist"], "bf16")
    decisive = [stage for stage in before.stages if not stage.extra]
    assert [(s.threat_model, s.attacks, s.samples) for s in after.stages] == [
        (s.threat_model, s.attacks, s.samples) for s in decisive
    ]
    names = _names(after.stages[0])
    assert {"bf16", "bf16+calibrated", "bf16+clamp", "companding:multiplier=bf16", "pgd-trained/bf16"} <= set(names)
    assert {"noise:multiplier=bf16", "noise:draw=38,multiplier=bf16", "ax-fpm-widen", "ax-fpm:block=2"} <= set(names)
    assert not {"ax-fpm", "ax-fpm+clamp", "noise", "noise:draw=1", "companding"} & {*names, *after.clean}
    assert len(names) == len(set(names))
    assert "noise:draw=1,multiplier=bf16" in after.controls
    assert after.budgets == before.budgets


def test_dials_keep_their_commas():
    names = _names(of_subject(PRESETS["mnist"], "ax-fpm:block=2,carry=widen").stages[0])
    assert "ax-fpm-widen:block=2+clamp" in names  # the canonical name
    assert "noise:draw=2,multiplier=ax-fpm-widen:block=2" in names
    many = "ax-fpm:block=2,carry=wrap"
    assert f"noise:draw=2,multiplier={target(many)}" in _names(of_subject(PRESETS["mnist"], many).stages[0])


def test_the_subject_itself_changes_nothing():
    before, after = PRESETS["mnist"], of_subject(PRESETS["mnist"], "ax-fpm")
    assert list(after.stages) == [stage for stage in before.stages if not stage.extra]
    assert (after.clean, after.controls) == (before.clean, before.controls)


def test_no_surrogate_no_aware_stage(monkeypatch):
    def refuse(m):
        raise InvalidInput("no form")

    threats = [s.threat_model.name for s in of_subject(PRESETS["mnist"], "bf16").stages]
    monkeypatch.setattr("golden.robustness.subjects.two_product_form", refuse)
    assert [s.threat_model.name for s in of_subject(PRESETS["mnist"], "bf16").stages] == [
        name for name in threats if name != "aware"
    ]
    assert "aware" in threats


@pytest.mark.parametrize("more", [{"preset": None, "samples": 5}, {"preset": "quick", "attacks": "fgsm:eps=0.1"}])
def test_a_subject_needs_a_whole_preset(more):
    with pytest.raises(InvalidInput, match="the subject bf16 takes the place of ax-fpm in a whole preset"):
        run(subject="bf16", **more)
