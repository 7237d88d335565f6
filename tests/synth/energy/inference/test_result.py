"""What a result says of itself: names, tables, JSON."""

import json

import pytest
from made_up_inference import result

from golden.errors import InvalidInput
from synth.energy.inference.result import EXCLUDED

pytest.importorskip("scipy")


def test_names_and_look_up():
    own = result()
    assert own.library == "osu018"
    assert result("mine").library == "mine"
    assert own.names == ("exact", "exact-trunc (booth tree)", "ax-fpm")
    assert own.baselines == own.names[:2]
    assert own.macs == 4_000_000
    assert own.row("ax-fpm").multiplier == "ax-fpm"
    with pytest.raises(InvalidInput, match="e8m2 is not in this result of exact, "):
        own.row("e8m2")


def test_what_is_left_out_is_said():
    text = str(result())
    assert EXCLUDED in text
    for part in ("toy (toy-digits)", "4,000,000 multiply-accumulates an image", "block mac", "clock 12 ns"):
        assert part in text


def test_tables():
    own = result()
    assert own.columns[-2:] == ("accuracy", "calibrated")
    assert all(len(row) == len(own.columns) for row in own.table())
    last = own.table()[-1]
    assert last[:2] == ("ax-fpm", pytest.approx(28))
    assert last[4] == "0.400 [0.400, 0.400]"
    assert last[-2:] == ("90.0% [82.0, 95.0]", "95.0% [88.0, 98.0]")
    assert own.table()[0][4] == "1"
    first, second = own.layer_table()
    assert own.layer_columns == ("layer", "MACs", *own.names)
    assert first[:2] == ("first", 1_000_000)
    assert str(second[2]).startswith("20 [")


def test_json():
    plain = json.loads(json.dumps(result().to_dict(), allow_nan=False))
    assert plain["excluded"] == EXCLUDED
    assert plain["rows"][2]["ratios"]["exact"]["energy"] == pytest.approx(0.4)
    assert plain["rows"][2]["layers"][1]["macs"] == 3_000_000
    assert plain["rows"][2]["accuracy"]["raw"] == {"k": 90, "n": 100, "interval": [0.82, 0.95], "rate": 0.9}
