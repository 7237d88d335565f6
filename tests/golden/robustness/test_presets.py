"""Presets name what exists, and what the rule asks for."""

import pytest

from golden.cnn import checkpoint
from golden.robustness.hypotheses import HYPOTHESES
from golden.robustness.plan import plan
from golden.robustness.presets import PRESETS
from golden.robustness.row_types import EXACT
from golden.robustness.targets import target


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_every_preset_names_what_exists(preset):
    for seed in preset.seeds:
        assert checkpoint.packaged(preset.model, preset.data, seed=seed)
    planned = plan(preset.stages, target(EXACT), len(preset.seeds), preset.samples)
    assert planned.left_out == ()
    seen = {shown.target.name for shown in planned.shown}
    assert set(preset.controls) <= seen


@pytest.mark.parametrize(
    ("preset", "subject"),
    [
        ("mnist", "ax-fpm"),
        *(pytest.param("cifar10", subject, marks=pytest.mark.long) for subject in ("ax-fpm", "ax-fpm+calibrated")),
    ],
)
def test_the_verdict_has_all_that_the_rule_asks_for(preset, subject):
    preset = PRESETS[preset]
    assert subject in preset.subjects
    planned = plan(preset.stages, target(EXACT), len(preset.seeds), preset.samples)
    for hypothesis in HYPOTHESES:
        for name in (subject, *hypothesis.controls(subject)):
            networks = {
                s.examples.network
                for s in planned.shown
                if not s.extra
                and s.examples.threat_model.name == hypothesis.threat_model
                and s.target.name == target(name).name
                and s.examples.attack.norm == hypothesis.norm
            }
            assert networks == set(range(len(preset.seeds)))


@pytest.mark.parametrize("preset", [PRESETS[name] for name in ("mnist", "cifar10", "cifar10-vgg11")])
def test_the_decisive_suites_are_fixed_at_the_budgets(preset):
    for stage in preset.stages:
        if stage.threat_model.name in ("twin", "aware", "white-box") and not stage.extra:
            names = [str(a) for a in stage.attacks if not a.minimal]
            for norm, budget in preset.budgets.items():
                own = [a for a in stage.attacks if a.norm == norm and not a.minimal]
                assert any(a.epsilon == budget for a in own), names


def test_every_target_gets_the_same_attacks():
    for preset in PRESETS.values():
        decisive = [s for s in preset.stages if s.threat_model.name == "white-box" and not s.extra]
        assert len({s.targets for s in decisive}) == 1
