# amaranth: UnusedElaboratable=no

import random

import pytest
from amaranth.hdl import Module, Signal

from golden.errors import InvalidInput
from hdl.bits import Bit
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


def test_dadda_heights():
    assert dadda_heights(2) == []
    assert dadda_heights(3) == [2]
    assert dadda_heights(12) == [9, 6, 4, 3, 2]
    assert dadda_heights(24) == [19, 13, 9, 6, 4, 3, 2]


@pytest.mark.parametrize(("tree", "levels"), [("dadda", 7), ("wallace", 7), ("plain", 5)])
def test_depth(tree, levels):
    # 24 rows need 7 levels of compressors in either tree, or 5 levels of additions.
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
    with pytest.raises(InvalidInput, match=r"tree 'oak'; choose from dadda, wallace, plain, booth, operator$"):
        check_tree("oak")
    for tree in ("oak", BOOTH, OPERATOR):  # the last two are no ways to add a heap
        with pytest.raises(InvalidInput, match=f"unknown compressor tree '{tree}'; choose from dadda, wallace, plain$"):
            list(sum_columns(Module(), {}, 4, tree=tree))
