# amaranth: UnusedElaboratable=no

import itertools
import random
from collections import Counter

import pytest
from amaranth.hdl import Fragment, Module, Signal

import hdl.compressor
from golden.cells import EXACT
from golden.errors import InvalidInput
from hdl.bits import Bit
from hdl.booth import booth_rows
from hdl.compressor import BOOTH, OPERATOR, TREES, Heap, check_tree, dadda_heights, sum_columns
from hdl.pipeline import pipeline


def total(tree: str, heights: dict[int, int], width: int, constants: dict[int, list[Bit]] | None = None):
    """Build a circuit that adds a word's bits, laid out in columns of these heights."""

    def circuit(m, words):
        bits = iter(words[0])
        heap: Heap = {w: [next(bits) for _ in range(height)] for w, height in heights.items()}
        for w, extra in (constants or {}).items():
            heap.setdefault(w, []).extend(extra)
        return pipeline(m, lambda m, heap: sum_columns(m, heap, width, tree=tree), heap, stages=0)

    return circuit


def expected(heights: dict[int, int], word: int) -> int:
    weights = [w for w, height in heights.items() for _ in range(height)]
    return sum((word >> k & 1) << w for k, w in enumerate(weights))


SMALL = [{0: 1}, {0: 3}, {0: 2, 1: 1}, {0: 4, 1: 2, 2: 1}, {2: 5}, {0: 1, 3: 4}, {0: 2, 1: 2, 2: 2}, {0: 9}]


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("heights", SMALL, ids=str)
def test_sum_exhaustive(evaluate, tree, heights):
    count, width = sum(heights.values()), 8
    words = range(1 << count)
    outputs = evaluate(total(tree, heights, width), (count,), [(word,) for word in words])
    assert outputs == [expected(heights, word) for word in words]


@pytest.mark.parametrize("tree", TREES)
def test_sum_large(evaluate, tree):
    # The columns of a 24 x 24 exact product.
    heights = {w: min(w + 1, 47 - w) for w in range(47)}
    count = sum(heights.values())
    rng = random.Random(2)
    words = [0, (1 << count) - 1, *(rng.getrandbits(count) for _ in range(60))]
    outputs = evaluate(total(tree, heights, 48), (count,), [(word,) for word in words])
    assert outputs == [expected(heights, word) for word in words]


@pytest.mark.parametrize("tree", TREES)
def test_constants_and_wrapping(evaluate, tree):
    # Constant ones are added, zeros cost nothing, and the sum is taken modulo 2^width.
    heights: dict[int, int] = {0: 2, 1: 1}
    outputs = evaluate(total(tree, heights, 3, {0: [1, 1, 0], 1: [1], 2: [1]}), (3,), [(word,) for word in range(8)])
    assert outputs == [(expected(heights, word) + 8) % 8 for word in range(8)]


@pytest.mark.parametrize("tree", TREES)
def test_empty_heap(evaluate, tree):
    assert evaluate(total(tree, {}, 4), (1,), [(0,)]) == [0]


class Sum(dict):
    """A bit as a sum of unknowns with factors; ints are multiples of the unknown 1."""

    @staticmethod
    def of(*parts):
        total = Counter()
        for factor, bit in parts:
            total.update({key: factor * c for key, c in ({1: bit} if isinstance(bit, int) else bit).items()})
        return Sum(total)


def weighed(heap, width):
    parts = [(1 << w, bit) for w, bits in heap.items() for bit in bits]
    return {key: c % (1 << width) for key, c in Sum.of(*parts).items() if c % (1 << width)}


def sums_before_and_after(monkeypatch, tree, heap, width, spoilt=-1):
    """The sum of a heap and that of what a tree leaves of it, adders being known by x + y + z = sum + 2 carry alone."""
    made = []

    def full(m, cell, x, y, z, name):
        assert cell is EXACT
        made.append(Sum({name: 1}))
        # One may take a bit for another.
        return Sum.of((1, x), (1, y), (1, y if len(made) == spoilt else z), (-2, made[-1])), made[-1]

    monkeypatch.setattr(hdl.compressor, "full_adder", full)
    monkeypatch.setattr(hdl.compressor, "half_adder", lambda m, x, y, name: full(m, EXACT, x, y, 0, name))
    path = TREES[tree](Module(), heap)
    cut = next(path)
    while True:
        try:
            cut = path.send(cut.state)
        except StopIteration as stop:
            assert max(map(len, stop.value.values())) <= 2
            return weighed(heap, width), weighed(stop.value, width), len(made)


def heaps():
    """The columns of 24 x 24 products: schoolbook, and by Booth digits, with their constants."""
    booth = booth_rows(Module(), *([*Signal(23), 1] for _ in range(2)))
    shapes = {
        "schoolbook": {w: [None] * min(w + 1, 47 - w) for w in range(47)},
        "booth": {w: [bit for bit in bits if not (isinstance(bit, int) and bit == 0)] for w, bits in booth.items()},
    }
    return {
        name: {w: [b if isinstance(b, int) else Sum({(w, k): 1}) for k, b in enumerate(bits)] for w, bits in h.items()}
        for name, h in shapes.items()
    }


@pytest.mark.parametrize("tree", ["dadda", "wallace", "four-two"])
@pytest.mark.parametrize("name", ["schoolbook", "booth"])
def test_trees_keep_the_sum_of_all_operands(monkeypatch, tree, name):
    # A complete proof for 24 bits, given the adders (tests/hdl/test_cells.py): all unknowns but the bits cancel.
    before, after, count = sums_before_and_after(monkeypatch, tree, heaps()[name], 48)
    assert before == after
    assert len(before) > 300
    assert sums_before_and_after(monkeypatch, tree, heaps()[name], 48, spoilt=count // 2)[1] != before


def test_dadda_heights():
    assert dadda_heights(2) == []
    assert dadda_heights(3) == [2]
    assert dadda_heights(12) == [9, 6, 4, 3, 2]
    assert dadda_heights(24) == [19, 13, 9, 6, 4, 3, 2]


@pytest.mark.parametrize(("tree", "levels"), [("dadda", 7), ("wallace", 7), ("four-two", 4), ("plain", 5)])
def test_depth(tree, levels):
    # 24 rows need 7 levels of full adders in either tree, 4 of 4:2 compressors, or 5 levels of additions.
    columns = {w: min(w + 1, 47 - w) for w in range(47)}
    heap: Heap = {w: [Signal() for _ in range(height)] for w, height in columns.items()}
    delays = []

    def watch(m, heap):
        path = TREES[tree](m, heap)
        cut = next(path)
        try:
            while True:
                delays.append(cut.delay)
                cut = path.send(cut.state)
        except StopIteration:
            return
        yield cut

    pipeline(Module(), watch, heap, stages=0)
    assert len(delays) == levels


@pytest.mark.parametrize("n", [4, 8, 12])
def test_dadda_adder_count(n):
    # Dadda's tree for n x n partial products has n^2 - 4n + 3 full adders and n - 1 half adders; each has one sum wire.
    heap: Heap = {w: [Signal() for _ in range(min(w + 1, 2 * n - 1 - w))] for w in range(2 * n - 1)}
    names = set()

    def watch(m, heap):
        path = sum_columns(m, heap, 2 * n)
        cut = next(path)
        while isinstance(cut.state, dict):
            names.update(bit.name for bits in cut.state.values() for bit in bits)
            cut = path.send(cut.state)
        yield cut

    pipeline(Module(), watch, heap, stages=0)
    assert sum(name.endswith("_sum") for name in names) == (n * n - 4 * n + 3) + (n - 1)


def test_unknown_tree():
    with pytest.raises(
        InvalidInput, match=r"tree 'oak'; choose from dadda, wallace, four-two, plain, booth, operator$"
    ):
        check_tree("oak")
    for tree in ("oak", BOOTH, OPERATOR):  # the last two are no ways to add a heap
        with pytest.raises(
            InvalidInput, match=f"unknown compressor tree '{tree}'; choose from dadda, wallace, four-two, plain$"
        ):
            list(sum_columns(Module(), {}, 4, tree=tree))


@pytest.mark.parametrize("tree", ["dadda", "wallace", "four-two"])
def test_levels_say_what_was_built(tree):
    m = Module()
    heap: Heap = {w: [Signal(name=f"x{w}_{k}") for k in range(height)] for w, height in {0: 5, 1: 7, 2: 1}.items()}
    levels = []
    path = sum_columns(m, heap, 8, tree=tree)
    cut = next(path)
    while cut.built is not None:
        levels.append(cut.built)
        assert cut.state is cut.built.after
        cut = path.send(cut.state)
    path.close()
    Fragment.get(m, None)
    assert levels[0].before == heap
    assert all(below.before == above.after for above, below in itertools.pairwise(levels))
    # Bits that an adder takes and that stand in no column before or behind the level were made inside it.
    for level in levels:
        gone = Counter(w for w, bits in level.before.items() for bit in bits)
        for adder in level.adders:
            gone[adder.weight] += 1 - sum(not isinstance(bit, int) for bit in adder.inputs)
            gone[adder.weight + 1] += len(adder.carries)
        assert +gone == Counter({w: len(bits) for w, bits in level.after.items()})
