"""What to build: the sentence follows the data."""

import re

import pytest
from planted_fronts import EXACT_ROW, FRONT, joint_front, network

from axfpm.joint_front.levels import CERTAIN, EXCLUDED, POSSIBLE, Level, choices, levels_of, standing
from golden.robustness.row_types import EXACT


def named(network):
    return None if network is None else network.name


def test_levels_come_from_the_networks_in_plain_torch():
    two = network(f"{EXACT} (adversarially trained)", 90.0, 0.9, 0.9, 0.9)
    found = levels_of(joint_front(EXACT_ROW, network("e8m2", 40.0, 0.9, 0.5, 0.5), two))
    # A quarter more errors than 5% and 10%.
    expected = []
    for own, other, more in ((EXACT, two.name, 1.2), (two.name, EXACT, 2.5)):
        expected += [Level(own, 1.0), Level(own, 1.0, own, 10.0), Level(own, 1.0, own), Level(own, 1.0, other)]
        expected += [Level(own, more), Level(own, more, own, 10.0), Level(own, more, own)]
    assert list(found) == expected
    seldom = network(EXACT, 100.0, 0.99, 0.5, 0.5)
    assert {level.lost for level in levels_of(joint_front(seldom, two))} == {1.0, 2.5}


def test_levels_in_words():
    assert str(Level("a", 1.0)) == "lose at most 1 point of the clean accuracy of a"
    assert str(Level("a", 2.5, "a", 10.0)) == (
        "lose at most 2.5 points of the clean accuracy of a and withstand at most 10 points less than it in each norm"
    )
    assert str(Level("a", 1.0, "b")).endswith("of a and withstand no less than b in each norm")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (EXACT, (CERTAIN, CERTAIN, CERTAIN)),
        ("e8m2", (CERTAIN, CERTAIN, POSSIBLE)),  # no less in one norm may be a little less
        ("e8m1", (POSSIBLE, POSSIBLE, EXCLUDED)),
        ("ax-fpm", (EXCLUDED, EXCLUDED, EXCLUDED)),
        ("e8m2 (adversarially trained)", (EXCLUDED, EXCLUDED, EXCLUDED)),
    ],
)
def test_standing(name, expected):
    levels = (Level(EXACT, 1.0), Level(EXACT, 1.0, EXACT, 10.0), Level(EXACT, 1.0, EXACT))
    assert tuple(standing(FRONT, level, FRONT.network(name)) for level in levels) == expected


def test_a_level_without_robustness_does_not_ask_for_any():
    front = joint_front(EXACT_ROW, network("hidden", 40.0, 0.95, 0.0, 0.0))
    assert standing(front, Level(EXACT, 1.0), front.network("hidden")) == CERTAIN
    assert standing(front, Level(EXACT, 1.0, EXACT, 10.0), front.network("hidden")) == EXCLUDED


def test_the_sentence():
    accuracy, both, *_ = choices(FRONT)
    assert [each.name for each in both.certain] == ["e8m2", EXACT]
    assert named(both.build) == "e8m2"
    assert named(both.perhaps) == "e8m1"
    assert both.sentence.startswith(
        "On toys, to lose at most 1 point of the clean accuracy of exact torch and withstand at most 10 points less "
        "than it in each norm, build e8m2: 40 uJ an image, 0.40 ["
    )
    doubt = "; it cannot be excluded that e8m1 does, too, at 30 uJ an image, 0.30 ["
    assert f", the cheapest of 2 that do so for certain{doubt}" in both.sentence
    assert both.sentence.endswith(
        "(2,000 test images, 200 of them attacked; all intervals hold together at 95%; one network of each kind)."
    )
    assert accuracy.sentence != both.sentence
    assert re.fullmatch(rf"to {both.level}: e8m2, 0.40 \[\S+, \S+\]; not excluded e8m1, 0.30 \[\S+, \S+\]", both.brief)
    assert "unknown" not in {each.name for each in (*accuracy.certain, *accuracy.possible)}


def test_the_sentence_changes_with_the_data():
    def said(*others):
        return choices(joint_front(EXACT_ROW, *others))[1]

    good = network("e8m2", 40.0, 0.95, 0.5, 0.5)
    assert named(said(good).build) == "e8m2"
    assert "no cheaper one is left in doubt" in said(good).sentence
    # A cheaper one that keeps as much for certain takes its place; one that loses too much does not.
    assert named(said(good, network("e8m1", 30.0, 0.95, 0.5, 0.5)).build) == "e8m1"
    assert named(said(good, network("e8m1", 30.0, 0.85, 0.5, 0.5)).build) == "e8m2"
    assert named(said(good, network("e8m1", 30.0, 0.95, 0.5, 0.1)).build) == "e8m2"
    near = said(good, network("bf16", 41.0, 0.95, 0.5, 0.5))
    assert "(in energy not told apart from bf16)" in near.sentence
    assert "not told apart" not in said(good).sentence
    assert "excluded" not in said(good).brief
    assert said(network("e8m1", 30.0, 0.5, 0.1, 0.1)).brief.endswith(f": {EXACT}, 1.00 [1.00, 1.00]")


def test_where_none_but_the_reference_is_certain():
    alone = choices(joint_front(EXACT_ROW, network("e8m2", 40.0, 0.945, 0.4, 0.5)))[1]
    assert named(alone.build) == EXACT
    assert "build exact torch itself (100 uJ an image)" in alone.sentence
    assert ", the only one that does so for certain; it cannot be excluded that e8m2 does, too" in alone.sentence


def test_the_accuracy_of_one_and_the_robustness_of_another():
    other = network(f"{EXACT} (adversarially trained)", 90.0, 0.9, 0.9, 0.9, how="adversarially trained")
    front = joint_front(EXACT_ROW, other, network("e8m1", 30.0, 0.9, 0.85, 0.85, how="adversarially trained"))
    (both,) = [each for each in choices(front) if each.level == Level(other.name, 1.0, EXACT)]
    assert named(both.build) == "e8m1"
    (own,) = [each for each in choices(front) if each.level == Level(EXACT, 1.0, EXACT)]
    assert named(own.build) == EXACT
    assert own.possible == ()


def test_without_energies():
    unknown = network(EXACT, None, 0.95, 0.5, 0.5)
    found = choices(joint_front(unknown, network("e8m2", None, 0.95, 0.5, 0.5)))[0]
    assert found.build is None
    assert "nothing here is certain to do; no cheaper one is left in doubt" in found.sentence
    priced = choices(joint_front(unknown, network("e8m2", 40.0, 0.95, 0.5, 0.5)))[0]
    assert named(priced.build) == "e8m2"
