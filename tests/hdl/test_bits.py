# amaranth: UnusedElaboratable=no

import itertools

import pytest

from hdl.bits import and_, from_truth_table, mux, not_, or_, word_of, xor_

OPERATIONS = {
    "and": (and_, lambda x, y, z: x & y & z),
    "or": (or_, lambda x, y, z: x | y | z),
    "xor": (xor_, lambda x, y, z: x ^ y ^ z),
    "mux": (mux, lambda x, y, z: y if x else z),
    "not": (lambda x, y, z: not_(x), lambda x, y, z: 1 - x),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_folding(evaluate, operation):
    # Every mixture of constants (0, 1) and wires (None) must agree with the plain operation.
    build, expected = OPERATIONS[operation]
    mixtures = list(itertools.product((0, 1, None), repeat=3))
    values = list(itertools.product((0, 1), repeat=3))

    def circuit(m, wires):
        return word_of(
            [build(*(wire if x is None else x for wire, x in zip(wires, mixture, strict=True))) for mixture in mixtures]
        )

    outputs = evaluate(circuit, (1, 1, 1), values)
    for value, output in zip(values, outputs, strict=True):
        for k, mixture in enumerate(mixtures):
            inputs = [v if x is None else x for v, x in zip(value, mixture, strict=True)]
            assert output >> k & 1 == expected(*inputs), (mixture, value)


def test_constants_stay_constants():
    assert and_(0, 1) == 0
    assert or_(0, 0, 1) == 1
    assert xor_(1, 1, 1) == 1
    assert mux(1, 0, 1) == 0


def test_truth_tables_of_three_inputs(evaluate):
    values = list(itertools.product((0, 1), repeat=3))

    def circuit(m, wires):
        return word_of([from_truth_table(m, wires, table, f"t{table}") for table in range(256)])

    for row, output in enumerate(evaluate(circuit, (1, 1, 1), values)):
        for table in range(256):
            assert output >> table & 1 == table >> row & 1, (table, row)


def test_truth_table_of_a_wire_is_the_wire():
    from amaranth.hdl import Module, Signal

    m, wires = Module(), [Signal(), Signal()]
    assert from_truth_table(m, wires, 0b1100, "t") is wires[0]
    assert from_truth_table(m, wires, 0b1010, "t") is wires[1]
    assert from_truth_table(m, wires, 0, "t") == 0
    assert from_truth_table(m, wires, 0b1111, "t") == 1
