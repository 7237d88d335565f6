import json

import numpy as np
import pytest

from golden.catalogue import multiplier
from golden.errors import InvalidInput
from sim.network import _Engine, run_network


def check(report, images):
    assert report.passed
    shapes = {layer.name: layer.shape for layer in report.layers}
    assert shapes == {
        "conv1": (784 * images, 25, 6),
        "conv2": (100 * images, 150, 16),
        "fc1": (images, 400, 120),
        "fc2": (images, 120, 84),
        "fc3": (images, 84, 10),
    }
    assert sum(layer.macs for layer in report.layers) == 416_520 * images
    for layer in report.layers:
        assert 0 < layer.utilisation <= layer.bound_utilisation <= 1
        assert layer.checks >= layer.shape[0] * layer.shape[2]
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["passed"]
    assert len(plain["layers"]) == 5


def test_one_image_of_lenet5(verilator):
    check(run_network("lenet5", images=1), 1)


@pytest.mark.long
def test_one_column(verilator):
    # 120 N tiles in fc1, more than the engine's own buffers hold.
    check(run_network("lenet5", images=1, columns=1), 1)


@pytest.mark.parametrize(("rows", "columns", "limits"), [(2, 1, "J <= 300, M J <= 2000"), (1, 8, "J <= 64")])
def test_buffers_follow_the_widest_layer(rows, columns, limits, monkeypatch):
    monkeypatch.setattr("sim.network.ACCUMULATORS", 2000)
    engine = _Engine(multiplier("e8m1"), rows, columns, 1, 0, None, [6, 300, 10])
    assert limits in engine.texts[multiplier("e8m1")]


@pytest.mark.long
def test_ten_images_of_lenet5(verilator):
    check(run_network("lenet5", images=10), 10)


def test_a_wrong_multiplier_is_seen(verilator, monkeypatch):
    # The golden side computes on another multiplier than the engine that was built.
    import hdl.verilog

    right = hdl.verilog.generate
    monkeypatch.setattr(hdl.verilog, "generate", lambda block, **kw: right(block, **kw | {"multiplier": "ax-fpm"}))
    inputs = np.full((1, 1, 28, 28), 0.5, np.float32)
    report = run_network("lenet5", inputs=inputs, multiplier="ax-fpm-widen")
    assert not report.passed
    assert any(layer.failures for layer in report.layers)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"images": 0}, "images=0 is too small; give at least 1"),
        ({"images": 10**9}, "images=1000000000 is too large; give at most 397, which is all there are"),
        ({"inputs": np.zeros((2, 1, 28, 28), np.float32), "images": 3}, "images=3 is too large; give at most 2"),
        ({"columns": 0}, "columns=0 is too small"),
        ({"rows": 64, "columns": 64}, "rows=64, columns=64 is too large to simulate"),
        ({"stages": 10**6}, "stages=1000000 is too large"),
        ({"seed": 1 << 63}, "seed=9223372036854775808 is too large"),
        ({"network": "da-lenet"}, "checkpoint 'lenet5-digits' holds a lenet5; choose that network"),
        ({"multiplier": "ax-fpn"}, "unknown multiplier 'ax-fpn'"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        run_network(**arguments)
