import itertools

import numpy as np
import pytest

from golden.designs import Circuit
from golden.errors import InvalidInput
from golden.multiplier_files.gates import GATES, CircuitProduct, evaluate, netlist, table_of_circuit

# The gates as truth tables, by hand: outputs for the inputs 000.. in the order of GATES' pins, the first pin highest.
TRUTH = {
    "$_BUF_": "01",
    "$_NOT_": "10",
    "$_AND_": "0001",
    "$_NAND_": "1110",
    "$_OR_": "0111",
    "$_NOR_": "1000",
    "$_XOR_": "0110",
    "$_XNOR_": "1001",
    "$_ANDNOT_": "0010",
    "$_ORNOT_": "1011",
    "$_MUX_": "00011011",
    "$_NMUX_": "11100100",
}


@pytest.mark.parametrize("kind", TRUTH)
def test_gates(kind):
    pins, function = GATES[kind]
    rows = itertools.product((0, 1), repeat=len(pins))
    full = np.uint64((1 << 64) - 1)
    found = [int(function(*(np.array([full if bit else 0], np.uint64) for bit in row))[0]) & 1 for row in rows]
    assert found == [int(bit) for bit in TRUTH[kind]]
    assert GATES.keys() == TRUTH.keys()


# 2 x 2 bits: a = (2, 3), b = (4, 5); two half adders. In an order that cannot be evaluated as it stands.
CELLS = [
    ("$_AND_", 13, (10, 11)),
    ("$_XOR_", 12, (10, 11)),
    ("$_AND_", 10, (2, 5)),
    ("$_AND_", 11, (3, 4)),
    ("$_AND_", 9, (2, 4)),
    ("$_AND_", 14, (3, 5)),
    ("$_XOR_", 15, (14, 13)),
    ("$_AND_", 16, (14, 13)),
    ("$_AND_", 17, (14, 14)),  # read by nobody
]
INPUTS, OUTPUTS = [2, 3, 4, 5], [9, 12, 15, 16]


def test_a_circuit():
    gates = netlist(CELLS, INPUTS, OUTPUTS)
    assert len(gates[1]) == len(CELLS) - 1
    circuit = Circuit(2, "", gates)
    assert table_of_circuit(circuit) == [[a * b for b in range(4)] for a in range(4)]
    a, b = np.random.default_rng(1).integers(0, 4, (2, 200)).astype(np.uint64)
    np.testing.assert_array_equal(evaluate(circuit, a, b), a * b)
    np.testing.assert_array_equal(CircuitProduct(circuit)(a[:1], b[:1], 2), a[:1] * b[:1])


def test_constants_and_wires_as_outputs():
    circuit = Circuit(2, "", netlist([], INPUTS, ["1", 3, "0", 4]))
    assert table_of_circuit(circuit)[2] == [3, 11, 3, 11]


def test_what_is_no_function():
    with pytest.raises(InvalidInput, match="has gates in a loop; cut it, as a combinational circuit has none"):
        netlist([("$_AND_", 9, (2, 10)), ("$_NOT_", 10, (9,))], INPUTS, [9, 2, 3, 4])
    with pytest.raises(InvalidInput, match="depends on a bit that is not driven, or x; drive every wire"):
        netlist([("$_AND_", 9, (2, "x"))], INPUTS, [9, 2, 3, 4])
    with pytest.raises(InvalidInput, match="has a wire with two drivers; give each one"):
        netlist([("$_NOT_", 9, (2,)), ("$_NOT_", 9, (3,))], INPUTS, [9, 2, 3, 4])
