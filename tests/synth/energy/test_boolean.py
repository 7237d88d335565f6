import numpy as np
import pytest

from golden.errors import InvalidInput
from synth.energy.boolean import evaluate, names, verilog

STATE = {"A": np.array([0, 0, 1, 1], bool), "B": np.array([0, 1, 0, 1], bool)}


@pytest.mark.parametrize(
    "text, value",
    [
        ("!(A B)", [1, 1, 1, 0]),
        ("(A' + B)", [1, 1, 0, 1]),
        ("A ^ B", [0, 1, 1, 0]),
        ("(!A & B) | (A * !B)", [0, 1, 1, 0]),
        ("(!A * !B)", [1, 0, 0, 0]),
    ],
)
def test_over_arrays_and_as_verilog(text, value):
    assert list(evaluate(text, STATE.__getitem__).astype(int)) == value
    # Verilog's operators on 0 and 1 are Python's, but for inversion.
    written = verilog(text).replace("~", "1 ^ ")
    assert [eval(written, {"A": int(a), "B": int(b)}) for a, b in zip(*STATE.values(), strict=True)] == value


def test_names_and_constants():
    assert names("!(B A) + A") == ("A", "B")
    assert verilog("1") == "1'b1"
    assert evaluate("0", STATE.__getitem__) is False
    assert verilog("A", lambda name: f"x_{name}") == "x_A"


def test_not_an_expression():
    with pytest.raises(InvalidInput, match=r"'A \+\* B' is no Boolean expression of Liberty"):
        verilog("A +* B")
