"""Every check of the audit on both sides: an undefended network passes, a planted defence fails for its own reason."""

import numpy as np
import planted
import pytest

from golden.cnn import checkpoint, data
from golden.pytorch import ApproximateModule
from golden.robustness.attacks import Attack, Kind
from golden.robustness.audit.case import Case
from golden.robustness.audit.checks import CHECKS
from golden.robustness.audit.tolerances import beyond, several

EPS = 0.08


@pytest.fixture(scope="module")
def lenet5():
    return checkpoint.load("lenet5-digits")[0].requires_grad_(False)


@pytest.fixture(scope="module")
def digits():
    images, labels = data.load("digits", "test")
    return images[:24], labels[:24]


@pytest.fixture(scope="module")
def undefended(lenet5, digits):
    """Examples are kept from check to check."""
    return Case(lenet5, *digits, eps=EPS)


@pytest.fixture(scope="module")
def ax_fpm(lenet5, digits):
    return Case(ApproximateModule(lenet5, "ax-fpm"), *digits, eps=0.05)


@pytest.fixture(scope="module")
def bf16(lenet5, digits):
    return Case(ApproximateModule(lenet5, "bf16"), digits[0][:12], digits[1][:12], eps=EPS)


def status(name, case):
    return CHECKS[name](case).status


ALONE = {"transfer": "not applicable", "high confidence": "not applicable"}


@pytest.mark.parametrize("name", CHECKS)
def test_an_undefended_network_passes(undefended, name):
    row = CHECKS[name](undefended)
    assert row.status == ALONE.get(name, "pass"), row
    assert (row.name, row.group) == (name, CHECKS[name].group)


@pytest.mark.parametrize("name", [name for name in CHECKS if name != "high confidence"])
def test_bfloat16_passes(bf16, name):
    assert status(name, bf16) == "pass"


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("random outputs", planted.noisy),
        ("random outputs", planted.reseeding),
        ("batch dependence", lambda model: planted.batch_norm(model, training=True)),
        ("zero gradients", planted.hot),
        ("zero gradients", planted.rounding),
        ("zero gradients", planted.no_gradient),
        ("zero gradients", planted.detached),
        ("finite differences", planted.no_gradient),
        ("finite differences", lambda model: planted.rounding(model, 16)),
        ("finite differences", lambda model: planted.ripple(model, -50)),
        ("single step", lambda model: planted.ripple(model, 50)),
        ("more steps", lambda model: planted.sparse(model, 0.1)),
        ("unbounded", planted.no_gradient),
        ("unbounded", lambda model: planted.rounding(model, 16)),
        ("temperature", planted.hot),
        ("square", planted.rounding),
        ("square", planted.no_gradient),
        ("adaptive", planted.hot),
    ],
)
def test_a_planted_defence_fails(lenet5, digits, name, make):
    row = CHECKS[name](Case(make(lenet5), *digits, eps=EPS))
    assert row.status == "fail", row


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("batch dependence", lambda model: planted.batch_norm(model, training=False)),
        ("batch dependence", planted.hot),
        ("finite differences", planted.hot),
        ("unbounded", planted.hot),
        ("zero gradients", lambda model: planted.ripple(model, -50)),
        ("random outputs", planted.no_gradient),
        ("temperature", planted.no_gradient),
        ("budgets", planted.no_gradient),
    ],
)
def test_a_planted_defence_fails_for_its_own_reason_only(lenet5, digits, name, make):
    case = Case(make(lenet5), *digits, eps=EPS)
    if name == "budgets":
        case.standard()
    assert status(name, case) == "pass"


@pytest.mark.parametrize(
    ("name", "width", "seeks"), [("more restarts", 2 * 0.2 * 0.3, False), ("step sizes", 0.006, True)]
)
def test_gradients_that_are_found_by_luck(lenet5, digits, name, width, seeks):
    # Restarts: three starts of ten have a gradient. Step sizes: a step of 0.02 jumps over the gate, one of 0.005 stops.
    images, labels = digits
    images = images.copy()
    images[:, :, 0, 0] = 0.5
    row = CHECKS[name](Case(planted.gated(lenet5, width, seeks=seeks), images, labels, eps=0.2))
    assert row.status == "fail", row


@pytest.mark.long
def test_twin_that_beats_white_box(lenet5, digits):
    # Four times the logits mostly have a gradient in float32; ax-fpm's, five times as large again, have none.
    case = Case(ApproximateModule(planted.hot(lenet5, 4), "ax-fpm"), *digits, eps=EPS)
    row = CHECKS["transfer"](case)
    assert row.status == "fail", row
    # The module was its twin only while examples were crafted.
    assert np.array_equal(case.wrong(digits[0]), ~case.clean)


@pytest.mark.parametrize("name", ["zero gradients", "finite differences", "high confidence", "adaptive"])
def test_ax_fpm_as_it_is(ax_fpm, name):
    assert status(name, ax_fpm) == "fail"


def test_confidence_means_nothing_where_everything_transfers(lenet5, digits):
    case = Case(ApproximateModule(lenet5, "exact"), digits[0][:8], digits[1][:8], eps=EPS)
    assert status("high confidence", case) == "pass"


def test_nothing_to_compare(lenet5, digits):
    images, labels = digits
    case = Case(planted.no_gradient(lenet5), images, labels, eps=0.01)
    assert status("single step", case) == "not applicable"
    assert status("budgets", Case(lenet5, images, labels, eps=EPS)) == "not applicable"
    assert status("batch dependence", Case(planted.noisy(lenet5), images, labels, eps=EPS)) == "not applicable"
    wrong = Case(lenet5, images, (labels + 1) % 10, eps=EPS)
    for name in ("zero gradients", "finite differences", "unbounded"):
        assert status(name, wrong) == "not applicable"


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_examples_outside_their_budget(lenet5, digits, norm):
    def run(_module, images, _labels, *, eps):
        return images + 1e-5 + eps * (1 if norm == "linf" else 784**-0.5)

    images, labels = digits[0] / 2, digits[1]
    case = Case(lenet5, images, labels, norm=norm, eps=0.1)
    case.fooled(case.attack("fgsm"))
    assert status("budgets", case) == "pass"
    kind = Kind("beyond", norm, {"eps": 0.1}, (), run, "leaves its budget")
    case.fooled(Attack(kind, (("eps", 0.1),)))
    row = CHECKS["budgets"](case)
    assert row.status == "fail"
    assert row.evidence.numbers["sets_outside"] == ["beyond:eps=0.1"]


@pytest.mark.parametrize("value", [np.nan, 1.01])
def test_examples_that_are_no_images(lenet5, digits, value):
    case = Case(lenet5, *digits, eps=EPS)
    case.keep("bad", np.where(digits[0] == 0, np.float32(value), digits[0]), np.arange(24), "l2", None)
    assert status("budgets", case) == "fail"


class Idle(Case):
    """Attacks that find nothing."""

    def fooled(self, *_, **__):
        return np.zeros(len(self.images), bool)


def test_chance_finds_what_attacks_missed(lenet5, digits):
    row = CHECKS["random perturbations"](Idle(lenet5, *digits, eps=0.6))
    assert row.status == "fail"
    assert row.evidence.numbers["survivors"] == 24


def test_all_is_fooled_and_nothing_is_left(lenet5, digits):
    case = Case(lenet5, digits[0][:4], digits[1][:4], eps=0.5)
    assert status("random perturbations", case) == "not applicable"


def test_the_audited_model_is_left_as_it_was(digits, lenet5):
    given = planted.batch_norm(lenet5, training=True)
    case = Case(given, *digits, eps=EPS)
    CHECKS["batch dependence"](case)
    norm, attacked = (module.get_submodule("0") for module in (given, case.module))
    assert norm.training
    assert float(norm.get_buffer("running_mean")) == 0
    assert not attacked.training


@pytest.mark.parametrize(("images", "least"), [(1, 2), (24, 2), (200, 2), (201, 3), (1000, 10)])
def test_several(images, least):
    assert several(images) == least


@pytest.mark.parametrize(
    ("robust", "images", "least"),
    [(0, 100, 4), (100, 100, 4), (50, 100, 11), (90, 100, 7), (5000, 10_000, 301), (20, 20, 2), (10, 20, 5)],
)
def test_beyond(robust, images, least):
    # sqrt(0.25 / 100) = 0.05, and 10 images are no more than two of that.
    assert beyond(robust, images) == least
