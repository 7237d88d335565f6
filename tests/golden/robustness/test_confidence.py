"""Confidence and calibration, by hand and against other implementations."""

import json
import math

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from golden.errors import InvalidInput, InvalidType
from golden.robustness.confidence import BINS, Bin, confidence


def logits_of(probabilities):
    """Logits whose softmax is this, up to an offset that softmax does not see."""
    return (np.log(np.array(probabilities)) + 3).astype(np.float32)


def random(n=500, classes=10, scale=3.0):
    rng = np.random.default_rng(0)
    return (scale * rng.standard_normal((n, classes))).astype(np.float32), rng.integers(0, classes, n)


def test_by_hand():
    # Of the two images near 0.9 one is right, the two near 0.7 are, and the one at 0.5 is not.
    p = [[0.9, 0.06, 0.04], [0.04, 0.92, 0.04], [0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.5, 0.3, 0.2]]
    found = confidence(logits_of(p), np.array([0, 0, 0, 2, 1]), bins=5)
    assert found is not None
    assert (found.n, found.temperature, found.accuracy) == (5, 1.0, 0.6)
    assert found.top == pytest.approx((0.9 + 0.92 + 0.7 + 0.7 + 0.5) / 5)
    assert found.margin == pytest.approx((0.84 + (0.04 - 0.92) + 0.5 + 0.5 + (0.3 - 0.5)) / 5)
    assert found.nll == pytest.approx(-sum(map(math.log, (0.9, 0.04, 0.7, 0.7, 0.3))) / 5)
    brier = (0.1**2 + 0.06**2 + 0.04**2) + (0.96**2 + 0.92**2 + 0.04**2)
    brier += 2 * (0.3**2 + 0.2**2 + 0.1**2) + (0.5**2 + 0.7**2 + 0.2**2)
    assert found.brier == pytest.approx(brier / 5)
    # Bins of Guo et al.: |B| / n times |accuracy - confidence|, summed.
    assert found.ece == pytest.approx(2 / 5 * abs(0.5 - 0.91) + 2 / 5 * abs(1 - 0.7) + 1 / 5 * abs(0 - 0.5))
    assert [(b.n, b.accuracy) for b in found.bins] == [(0, None), (0, None), (1, 0.0), (2, 1.0), (2, 0.5)]
    assert [b.probability for b in found.bins[2:]] == pytest.approx([0.5, 0.7, 0.91])
    assert found.bins[0] == Bin(0.0, 0.2, 0, None, None)
    assert [b.high for b in found.bins] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


def test_against_other_implementations():
    logits, labels = random()
    found = confidence(logits, labels)
    assert found is not None
    p = softmax(logits.astype(np.float64), axis=1)
    assert found.nll == pytest.approx(log_loss(labels, p))
    shares, means = calibration_curve(p.argmax(1) == labels, p.max(1), n_bins=BINS)
    full = [b for b in found.bins if b.n]
    assert [b.accuracy for b in full] == pytest.approx(list(shares))
    assert [b.probability for b in full] == pytest.approx(list(means))
    weighted = sum(b.n * abs(a - c) for b, a, c in zip(full, shares, means, strict=True))
    assert found.ece == pytest.approx(weighted / 500)
    assert sum(b.n for b in found.bins) == 500
    assert len(found.bins) == BINS == 15


def test_temperature_divides_the_logits():
    logits, labels = random()
    plain, grown = confidence(logits, labels), confidence(np.float32(4) * logits, labels, temperature=4.0)
    assert plain is not None
    assert grown is not None
    assert {**grown.to_dict(), "temperature": 1.0} == plain.to_dict()
    raw = confidence(np.float32(4) * logits, labels)
    assert raw is not None
    assert raw.accuracy == plain.accuracy
    assert raw.top > plain.top
    assert raw.nll > plain.nll


def test_a_calibrated_model_has_a_small_error_and_an_overconfident_one_has_not():
    rng = np.random.default_rng(1)
    logits = (2 * rng.standard_normal((20_000, 5))).astype(np.float32)
    cumulative = softmax(logits.astype(np.float64), axis=1).cumsum(1)
    labels = (cumulative < rng.random((20_000, 1))).sum(1).clip(0, 4)
    good, grown = confidence(logits, labels), confidence(np.float32(4) * logits, labels)
    assert good is not None
    assert grown is not None
    assert good.ece < 0.015 < 0.15 < grown.ece
    assert good.nll < grown.nll
    assert good.brier < grown.brier


def test_certain_right_and_certain_wrong():
    logits = np.array([[1e4, 0], [1e4, 0]], np.float32)
    found = confidence(logits, np.array([0, 1]))
    assert found is not None
    assert (found.top, found.margin, found.brier, found.ece, found.nll) == (1.0, 0.0, 1.0, 0.5, 5000.0)
    assert (found.bins[-1].n, found.bins[-1].accuracy) == (2, 0.5)


def test_a_probability_on_an_edge_belongs_to_the_bin_below():
    found = confidence(np.zeros((4, 2), np.float32), np.array([0, 0, 0, 1]), bins=2)
    assert found is not None
    assert [b.n for b in found.bins] == [4, 0]
    assert found.ece == 0.25


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_probabilities_of_logits_that_are_not_finite(value):
    logits, labels = random(20)
    logits[3, 4] = value
    assert confidence(logits, labels) is None


def test_a_temperature_that_makes_them_infinite():
    assert confidence(*random(20), temperature=1e-320) is None


def test_json():
    found = confidence(*random(20))
    assert found is not None
    again = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert list(again) == ["n", "temperature", "accuracy", "top", "margin", "nll", "ece", "brier", "bins"]
    assert again["bins"][-1]["high"] == 1.0
    nll = -log_softmax(random(20)[0].astype(np.float64), axis=1)[np.arange(20), random(20)[1]].mean()
    assert again["nll"] == pytest.approx(nll)


@pytest.mark.parametrize(
    ("logits", "labels", "settings", "message"),
    [
        (np.zeros((3, 2)), np.zeros(4, int), {}, r"logits of shape \(3, 2\) and labels of shape \(4,\) do not fit"),
        (np.zeros((0, 2)), np.zeros(0, int), {}, "do not fit"),
        (np.zeros((3, 1)), np.zeros(3, int), {}, "do not fit"),
        (np.zeros((3, 2)), np.array([0, 1, 2]), {}, "labels are classes from 0 to 1"),
        (np.zeros((3, 2)), np.array([0, 1, -1]), {}, "labels are classes from 0 to 1"),
        (np.zeros((3, 2)), np.zeros(3, int), {"temperature": 0}, "temperature=0 is no temperature"),
        (np.zeros((3, 2)), np.zeros(3, int), {"temperature": math.nan}, "temperature=nan is no temperature"),
        (np.zeros((3, 2)), np.zeros(3, int), {"bins": 0}, "bins=0 is too small"),
    ],
)
def test_wrong_arguments(logits, labels, settings, message):
    with pytest.raises(InvalidInput, match=message):
        confidence(logits, labels, **settings)


def test_bins_are_whole():
    with pytest.raises(InvalidType, match="bins is a whole number"):
        confidence(*random(20), bins=2.5)  # type: ignore[arg-type]
