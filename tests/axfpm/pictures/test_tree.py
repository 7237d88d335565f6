"""The drawn tree is the one that was built."""

import re

import pytest

from axfpm.dots import partial_products
from axfpm.pictures.svg import COLOURS
from axfpm.pictures.tree import draw_tree, levels_of
from golden.catalogue import multiplier
from golden.errors import InvalidInput

TREES = ("dadda", "wallace", "four-two")
DRAWN = [("bf16", tree) for tree in (*TREES, "booth")] + [("ax-bf16", tree) for tree in TREES] + [("ax-fpm", "dadda")]


def heights(levels, last):
    return [max(map(len, heap.values())) for heap in (*(level.before for level in levels), last)]


def bits(heap):
    return sum(map(len, heap.values()))


def test_a_dadda_tree_goes_down_the_series():
    # L. Dadda's heights, "Some Schemes for Parallel Multipliers", 1965.
    assert heights(*levels_of(multiplier("exact-trunc"))) == [24, 19, 13, 9, 6, 4, 3, 2]


def test_4_2_compressors_halve():
    assert heights(*levels_of(multiplier("exact-trunc"), "four-two")) == [24, 12, 6, 4, 2]


@pytest.mark.parametrize("name", ["exact-trunc", "ax-fpm", "ax-bf16"])
def test_it_begins_with_the_rows(name):
    m = multiplier(name)
    rows = partial_products(m.design, m.precision)
    wanted = {}
    for weight in (weight for row in rows for weight in row):
        wanted[weight] = wanted.get(weight, 0) + 1
    first = levels_of(m)[0][0].before
    assert {weight: len(column) for weight, column in first.items()} == wanted


@pytest.mark.parametrize(("name", "tree"), DRAWN)
def test_adders_take_bits_of_their_column_and_leave_theirs(name, tree):
    levels, last = levels_of(multiplier(name), tree)
    assert max(map(len, last.values())) == 2
    for level in levels:
        taken = [(a.weight, id(bit)) for a in level.adders for bit in a.inputs if not isinstance(bit, int)]
        assert len(taken) == len(set(taken))
        inside = {id(bit) for adder in level.adders for bit in (adder.sum, *adder.carries)}
        for adder in level.adders:
            before = {id(bit) for bit in level.before[adder.weight]}
            assert all(id(bit) in before | inside for bit in adder.inputs if not isinstance(bit, int))
            after = [id(bit) for bit in level.after[adder.weight]]
            assert id(adder.sum) in after or (adder.weight, id(adder.sum)) in taken
        # An adder of n bits leaves one of their weight and carries: as many fewer as it takes more than it gives.
        gone = sum(
            len([b for b in a.inputs if not (isinstance(b, int) and b == 0)]) - 1 - len(a.carries) for a in level.adders
        )
        assert bits(level.before) - gone == bits(level.after)


@pytest.mark.parametrize(("name", "tree"), DRAWN)
def test_every_bit_of_every_level_is_a_dot(name, tree):
    m = multiplier(name)
    levels, last = levels_of(m, tree)
    svg = draw_tree(m, tree).svg()
    dots = sum(data.count("h0") for data in re.findall(r'<path d="([^"]*)"', svg))
    legend = 3
    assert dots - legend == sum(bits(level.before) for level in levels) + bits(last)


def test_outlines_join_what_an_adder_takes():
    m = multiplier("bf16")
    levels, _ = levels_of(m)
    svg = draw_tree(m).svg()
    outlines = sum(data.count("V") for data in re.findall(r'<path d="([^"]*)"', svg))
    assert outlines == sum(len(level.adders) for level in levels)


@pytest.mark.parametrize(
    ("name", "tree", "sentence"),
    [
        ("mitchell", "dadda", "mitchell by dadda has no columns of bits to draw"),
        ("bf16", "plain", "bf16 by plain has no columns of bits to draw"),
        ("bf16", "operator", "bf16 by operator has no columns of bits to draw"),
        ("ax-fpm", "booth", "cannot be written with Booth digits"),
        ("ax-fpm", "daddy", "did you mean dadda"),
    ],
)
def test_what_has_no_tree_is_said(name, tree, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        draw_tree(multiplier(name), tree)


def test_two_rows_need_no_level():
    assert levels_of(multiplier("e8m1"))[0] == []
    assert "e8m1: 4 bits in 0 levels" in draw_tree(multiplier("e8m1")).svg()


@pytest.mark.parametrize("tree", TREES)
def test_colours_tell_sums_and_carries(tree):
    m = multiplier("bf16")
    levels, _ = levels_of(m, tree)
    columns = [{id(bit) for bits in level.after.values() for bit in bits} for level in levels]
    made = [(after, adder) for level, after in zip(levels, columns, strict=True) for adder in level.adders]
    sums = sum(id(adder.sum) in after for after, adder in made)
    carries = sum(id(bit) in after for after, adder in made for bit in adder.carries)
    assert min(sums, carries) > 0
    svg = draw_tree(m, tree).svg()
    drawn = [
        sum(data.count("h0") for data in re.findall(rf'<path d="([^"]*)" stroke="{colour}"', svg))
        for colour in COLOURS[:2]
    ]
    assert drawn == [sums + 1, carries + 1]  # one each in the legend
