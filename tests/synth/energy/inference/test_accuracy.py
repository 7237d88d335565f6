"""Clean accuracy: counted as an evaluation would, kept, with the interval of Wilson."""

import pytest

from golden.catalogue import multiplier
from synth.energy.inference import accuracy
from synth.energy.inference.accuracy import clean_accuracy, share
from synth.energy.inference.layers import NETWORKS

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("scipy")


def test_a_share_and_its_interval():
    own = share(8, 10)
    assert own.rate == 0.8
    assert own.interval == pytest.approx((0.4902, 0.9433), abs=1e-4)  # Wilson, by hand
    assert str(own) == "80.0% [49.0, 94.3]"


def test_all_test_images_are_counted_and_counts_are_kept(monkeypatch, tmp_path):
    from golden.cnn.data import load
    from golden.cnn.training import count_correct
    from golden.pytorch import ApproximateModule

    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path))
    trained, m = NETWORKS["lenet5-digits"].trained(), multiplier("ax-fpm")
    found = clean_accuracy(trained, m)
    assert found.raw.n == found.calibrated.n == 397
    assert found.raw.k == count_correct(ApproximateModule(trained.module, m), *load("digits"))
    assert found.calibrated.k > 350
    monkeypatch.setattr(accuracy, "_counted", lambda *_: pytest.fail("counted again"))
    assert clean_accuracy(trained, m) == found
    assert found.to_dict()["raw"]["rate"] == found.raw.rate


def test_calibrated_biases_are_another_network(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path))
    monkeypatch.setattr(
        "golden.cnn.training.count_correct", lambda module, *_: (seen.append(module.state_dict()), len(seen))[1]
    )
    found = clean_accuracy(NETWORKS["lenet5-digits"].trained(), multiplier("ax-fpm"))
    assert (found.raw.k, found.calibrated.k) == (1, 2)
    raw, calibrated = seen
    assert (raw["conv1.weight"] == calibrated["conv1.weight"]).all()
    assert (calibrated["fc3.bias"].abs() > 1.5 * raw["fc3.bias"].abs()).all()
