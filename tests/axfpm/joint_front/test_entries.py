"""Names and meanings of what stands on the fronts."""

import pytest

from axfpm.joint_front.entries import FRONTS, HOWS, Entry
from golden.assignments import Assignment
from golden.cnn import checkpoint
from golden.robustness.presets import PRESETS
from golden.robustness.row_types import EXACT


@pytest.mark.parametrize(
    ("entry", "name", "runs_on"),
    [
        (Entry(EXACT), "exact torch", "exact"),
        (Entry(EXACT, "adversarially trained"), "exact torch (adversarially trained)", "exact"),
        (Entry("ax-fpm"), "ax-fpm", "ax-fpm"),
        (Entry("ax-fpm+calibrated", "calibrated"), "ax-fpm+calibrated", "ax-fpm"),
        (Entry("e8m1", "fine-tuned", tuned=True), "e8m1 (fine-tuned)", "e8m1"),
        (Entry("e8m1", "adversarially trained"), "e8m1 (adversarially trained)", "e8m1"),
        (Entry("e8m1", "adversarially trained", tuned=True), "e8m1 (adversarially trained on it)", "e8m1"),
        (
            Entry("assignment:conv1=e8m1;fc1=ax-fpm;fc2=e8m1", "searched"),
            "e8m1, fc1 ax-fpm (searched)",
            Assignment.of({"conv1": "e8m1", "fc1": "ax-fpm", "fc2": "e8m1"}),
        ),
        (
            Entry("assignment:1=bf16;4=e8m1;7=e8m1", "adversarially trained"),
            "e8m1, layer 1 bf16 (adversarially trained)",
            Assignment.of({"1": "bf16", "4": "e8m1", "7": "e8m1"}),
        ),
    ],
)
def test_names(entry, name, runs_on):
    assert (entry.name, entry.runs_on) == (name, runs_on)
    assert entry.exact is (entry.on == EXACT)


@pytest.mark.parametrize("front", FRONTS.values(), ids=lambda front: front.data)
def test_fronts(front):
    names = [entry.name for entry in front.entries]
    assert len(set(names)) == len(names)
    assert front.entries[0] == Entry(EXACT)
    assert front.references[0] == front.entries[0]
    assert {entry.how for entry in front.entries} <= HOWS.keys()
    # The verdict's budgets are there to be taken, and networks to begin with.
    assert any(preset.data == front.data and preset.model == front.model for preset in PRESETS.values())
    for entry in front.entries:
        assert checkpoint.packaged(front.model, front.data, variant="pgd" if entry.adversarial else "")
        assert not (entry.tuned and not isinstance(entry.runs_on, str))
