from axfpm.report.curves import in_words, lines

ROWS = [
    {"line": "a", "x": 2.0, "y": 50.0, "low": 40.0, "high": 60.0},
    {"line": "a", "x": 1.0, "y": 10.0, "low": 5.0, "high": 20.0},
    {"line": "b", "name": "b, dashed", "dashed": True, "x": 1.0, "y": 3.0},
]


def layers(chart):
    """Mark and rows of each layer."""
    found = []
    for layer in chart["layer"]:
        name = layer.get("data", chart.get("data"))["name"]
        mark = layer["mark"]
        found.append((mark["type"] if isinstance(mark, dict) else mark, chart["datasets"][name]))
    return found


def test_words_say_where_lines_begin_and_end():
    assert in_words("Rates.", ROWS) == "Rates. a: 10 at 1, 50 at 2; b, dashed: 3 at 1, 3 at 1."


def test_intervals_bands_and_the_diagonal_are_layers_of_their_own():
    plain = [{key: row[key] for key in ("line", "x", "y")} for row in ROWS]
    assert [mark for mark, _ in layers(lines(plain, x="x", y="y", alt_text=""))] == ["line", "circle"]
    bands = [{"line": "noise", "x": 1.0, "low": 1.0, "high": 2.0}]
    full = layers(lines(ROWS, x="x", y="y", alt_text="", bands=bands, top=1, diagonal=True))
    assert [mark for mark, _ in full] == ["area", "line", "rule", "line", "circle"]
    assert full[0][1] == bands
    assert full[1][1] == [{"x": 0, "y": 0}, {"x": 1, "y": 1}]
    assert [row["dashed"] for row in full[3][1]] == [False, False, True]


def test_charts_that_belong_together_have_the_same_colours():
    own = lines(ROWS[2:], x="x", y="y", alt_text="", names=["a", "b"])
    both = lines(ROWS, x="x", y="y", alt_text="", names=["a", "b"])
    assert [entry["name"] for entry in both["usermeta"]["legend"]] == ["a", "b"]
    assert [entry["name"] for entry in own["usermeta"]["legend"]] == ["b"]
