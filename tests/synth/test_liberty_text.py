import pytest

from synth.liberty_text import Span, cut, skeleton, spans, without_wire_loads

# Braces where they mean nothing: in a comment of each kind, in a string, in a name.
TRICKY = """/* { not a group } */
library (l) {
  // } neither
  comment : "a { in a string";
  lu_table_template (t) { variable_1 : x; index_1 ("1, 2"); }
  cell ("A{") { area : 1; pin (I) { direction : input; timing () { related_pin : "I"; } } }
  cell(B){area:2;ff(IQ,IQN){next_state:"D";}}
}
"""


def is_cell(kind, depth):
    return kind == "cell" and depth == 1


def test_spans():
    found = list(spans(TRICKY, lambda kind, depth: kind in ("pin", "ff", "lu_table_template")))
    assert [(span.kind, span.name, span.depth) for span in found] == [
        ("lu_table_template", "t", 1),
        ("pin", "I", 2),
        ("ff", "IQ,IQN", 2),
    ]
    assert TRICKY[found[1].start : found[1].end].startswith("pin (I) {")
    assert TRICKY[found[1].start : found[1].end].endswith("} }")


def test_a_quoted_name_with_a_brace_is_one_group():
    names = [span.name for span in spans(TRICKY, lambda kind, depth: depth == 1)]
    assert names == ["t", "A{", "B"]


def test_cut_leaves_the_rest_as_it_was():
    left = cut(TRICKY, lambda span: span.name == "B", is_cell)
    assert left == TRICKY.replace('cell(B){area:2;ff(IQ,IQN){next_state:"D";}}', "")
    assert cut(TRICKY, lambda _: False, is_cell) == TRICKY


def test_skeleton():
    bare = skeleton(TRICKY)
    assert "lu_table_template" not in bare
    assert "related_pin" not in bare
    for kept in ("area : 1", "direction : input", 'next_state:"D"', "cell(B)"):
        assert kept in bare


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (TRICKY[:-3], "ends inside a group"),
        (TRICKY + "}", "closes a group that is not open"),
        ("} {", "closes a group that is not open"),
    ],
)
def test_unpaired_braces(text, why):
    with pytest.raises(ValueError, match=why):
        list(spans(text, is_cell))


@pytest.mark.parametrize(
    "attribute",
    [
        'default_wire_load : "5K" ;',
        "default_wire_load : Small;",
        "default_wire_load_mode : top;",
        'default_wire_load_selection : "4 metals";',
        "default_wire_load_selection (all);",
        "default_wire_load_area : 0.29;",
        "default_wire_load_resistance\t: 0.0057",
    ],
)
def test_wire_loads(attribute):
    wires = f'wire_load ("5K") {{ capacitance : 1; }} wire_load_selection (all) {{ }}\n{attribute}\n'
    bare = without_wire_loads(f"library (l) {{\n{wires}  default_max_fanout : 8;\n}}")
    assert "wire_load" not in bare
    assert bare.replace(" ", "").replace("\n", "") == "library(l){default_max_fanout:8;}"


def test_a_span_is_a_place():
    assert next(spans("cell (A) { }", lambda *_: True)) == Span("cell", "A", 0, 0, 12)
