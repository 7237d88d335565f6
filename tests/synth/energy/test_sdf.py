import pytest

from golden.errors import InvalidInput
from synth.energy.sdf import read_sdf, write_sdf

# As OpenSTA 2.0.17 writes it.
TEXT = """
(DELAYFILE
 (SDFVERSION "3.0")
 (DESIGN "top")
 (DIVIDER /)
 (TIMESCALE {unit})
 (CELL (CELLTYPE "top") (INSTANCE)
  (DELAY (ABSOLUTE (INTERCONNECT n2 c0/A (0.010602::0.010602) (0.011463::0.011463)))))
 (CELL
  (CELLTYPE "XOR2")
  (INSTANCE c0)
  (DELAY
   (ABSOLUTE
    (COND B==1'b1 (IOPATH A Y (0.010000::0.020000) (0.030000::0.030000)))
    (COND (B==1'b0 && C==1'b0) (IOPATH A Y (0.015000::0.015000) (0.040000::0.050000)))
    (IOPATH B Y (-0.035000::-0.012000) (0.001000::0.001000))
   )
  )
 )
 (CELL (CELLTYPE "DFF") (INSTANCE c1)
  (DELAY (ABSOLUTE (IOPATH (posedge CK) Q (0.1::0.1) (0.2::0.2)) (IOPATH Q QN (0.1::0.1))))
  (TIMINGCHECK (SETUP (posedge D) (posedge CK) (0.183848::0.183342)))
 )
)
"""
INPUTS = {"XOR2": frozenset("AB"), "DFF": frozenset(("D", "CK"))}


def test_greatest_of_all_conditions_in_ps():
    delays = read_sdf(TEXT.format(unit="1ns"))
    assert delays.cells == {"c0": "XOR2", "c1": "DFF"}
    assert delays.paths["c0"] == {("A", "Y"): (20, 50), ("B", "Y"): (0, 1)}
    assert delays.paths["c1"] == {("CK", "Q"): (100, 200), ("Q", "QN"): (100, 100)}


def test_the_time_scale_counts():
    # As ASAP7's library, in ps, makes OpenSTA write it; a simulator that ignores the line takes ps for ns.
    assert read_sdf(TEXT.format(unit="1ps")).paths["c1"]["CK", "Q"] == pytest.approx((0.1, 0.2))
    assert read_sdf(TEXT.format(unit="10 ps")).paths["c1"]["CK", "Q"] == pytest.approx((1, 2))


def test_what_the_simulator_takes():
    text = write_sdf(read_sdf(TEXT.format(unit="1ns")), top="top", inputs=INPUTS)
    assert "(IOPATH A Y (20.000:20.000:20.000) (50.000:50.000:50.000))" in text
    assert "(IOPATH B Y (0.000:0.000:0.000) (1.000:1.000:1.000))" in text
    for word in ("COND", "INTERCONNECT", "::", "posedge", "TIMINGCHECK", "IOPATH Q QN", "-"):
        assert word not in text
    assert "(TIMESCALE 1ps)" in text
    again = read_sdf(text)
    assert again.paths["c0"] == {("A", "Y"): (20, 50), ("B", "Y"): (0, 1)}


@pytest.mark.parametrize("text", ["", "(DELAYFILE", "(LIBRARY)", TEXT.replace("IOPATH", "DEVICE"), TEXT[:-4]])
def test_not_this_format(text):
    with pytest.raises(InvalidInput, match="not in Standard Delay Format"):
        read_sdf(text.replace("{unit}", "1ns"))
