"""Operands: what they are, that they are the same everywhere, and that LeNet-5's come in the order of the array."""

import numpy as np
import pytest

from golden.catalogue import multiplier
from golden.errors import InvalidInput
from golden.reference import add_word, multiply_word
from synth.energy import stimulus
from synth.energy.stimulus import HELD, MOST_TERMS, STIMULI, draw


def values(operands):
    return operands.a.view(np.float32), operands.b.view(np.float32)


def test_uniform_significands_with_signs_of_an_application():
    operands = draw("uniform", 20_000)
    a, b = values(operands)
    assert a.dtype == np.float32
    assert (a > 0).all()
    assert abs((b > 0).mean() - 0.5) < 0.02
    for words in (operands.a, operands.b):
        fractions = (words & 0x7FFFFF) / 2**23
        assert abs(fractions.mean() - 0.5) < 0.01
        assert abs(fractions.std() - 12**-0.5) < 0.01  # of a normal number's significands it is 0.28
        assert len({int(w) >> 23 & 0xFF for w in words}) > 10


def test_relu_times_normal():
    a, b = values(draw("relu", 20_000))
    assert abs((a == 0).mean() - 0.5) < 0.02
    assert (a >= 0).all()
    assert abs(b.std() - 1) < 0.03


@pytest.mark.parametrize("name", ["uniform", "relu"])
def test_batches_and_seeds_are_draws_of_their_own(name):
    digests = [draw(name, 50, seed=seed, batch=batch).digest for seed in (0, 1, 1 << 40) for batch in (0, 1)]
    assert len(set(digests)) == 6
    assert draw(name, 50, seed=1, batch=1).digest == digests[3]


def test_the_same_on_every_machine():
    assert draw("uniform", 100, seed=3).digest == "c50c3db6378574d1ee05110758724de291d8daf9d38bcf24b49cdded32d1c3d2"


@pytest.fixture(scope="module")
def layers():
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    return stimulus._layers("digits")


def test_recorded_operands_are_the_same_on_every_machine(layers):
    assert (
        draw("lenet5-digits", 200, seed=3).digest == "28ae154bb7e83903e8a23020f40bef6f5afdc172a9073233bee332a3fc9a9b76"
    )


def test_the_lowered_layers_compute_the_network(layers):
    # Layer after layer by plain matrix products of what was recorded, against torch on the images themselves.
    import torch

    from golden.cnn.data import load
    from golden.cnn.trained import trained_network

    module = trained_network("lenet5", "digits").module
    images = torch.from_numpy(load("digits")[0][:HELD])
    with torch.no_grad():
        first = module.get_submodule("conv1")(images) - module.get_parameter("conv1.bias")[:, None, None]
        logits = module(images) - module.get_parameter("fc3.bias")
    x, w, _ = layers[0]
    assert np.allclose((x @ w).reshape(HELD, 28, 28, 6).transpose(0, 3, 1, 2), first.numpy(), atol=1e-4)
    x, w, _ = layers[-1]
    assert np.allclose(x @ w, logits.numpy(), atol=1e-3)
    assert [w.shape for _, w, _ in layers] == [(25, 6), (150, 16), (400, 120), (120, 84), (84, 10)]


def test_a_weight_is_held_while_activations_pass(layers):
    n = 40 * HELD
    a, b = values(draw("lenet5-digits", n, seed=5))
    windows, weights = a.reshape(-1, HELD), b.reshape(-1, HELD)
    assert (weights == weights[:, :1]).all()
    assert len(np.unique(weights)) > 30
    assert 0.1 < (a == 0).mean() < 0.9  # ReLU's zeros stay
    for window, weight in zip(windows, weights[:, 0], strict=True):
        # Successive rows of one column of a layer's activations, and a weight of that very row of the matrix.
        found = False
        for x, w, _ in layers:
            for k in np.flatnonzero((w == weight).any(1)):
                column = x[: len(x) // HELD * HELD, k].reshape(-1, HELD)
                found = found or bool((column == window).all(1).any())
        assert found


def test_layers_count_by_their_products(layers):
    macs = np.array([len(x) * w.size for x, w, _ in layers])
    n = 400
    _, b = values(draw("lenet5-digits", n * HELD))
    weights = b[::HELD]
    of_second = np.isin(weights, layers[1][1]).mean()
    assert abs(of_second - macs[1] / macs.sum()) < 0.02


@pytest.mark.parametrize("name", ["exact", "ax-fpm"])
def test_running_sums_are_those_of_the_rows_above(layers, name):
    # Each recorded pair is found in its layer; its sum by the literal reference, term by term.
    m = multiplier(name)
    operands = draw("lenet5-digits", 12 * HELD, seed=5)
    a, b = values(operands)
    sums = operands.sums(m)
    rng, checked = np.random.default_rng(1), 0
    for window in range(12):
        here = slice(window * HELD, (window + 1) * HELD)
        for x, w, bias in layers:
            for k, column in np.argwhere(w == b[here][0]):
                rows = x[: len(x) // HELD * HELD, k].reshape(-1, HELD)
                for place in np.flatnonzero((rows == a[here]).all(1)):
                    if (rows == a[here]).all(1).sum() > 1:
                        continue  # several windows alike, as of zeros: which one it is cannot be told
                    at = int(rng.integers(HELD))
                    total = int(bias[column].view(np.uint32))
                    for j in range(int(k)):
                        product = multiply_word(
                            int(x[place * HELD + at, j].view(np.uint32)), int(w[j, column].view(np.uint32)), m
                        )
                        total = add_word(total, product, m.format)
                    assert sums[here][at] == total
                    checked += 1
    assert checked >= 5


@pytest.mark.parametrize("name", ["uniform", "relu"])
def test_sums_of_drawn_products(name):
    n = 4000
    operands = draw(name, n, seed=4)
    exact, approximate = (operands.sums(multiplier(each)).view(np.float32) for each in ("exact", "ax-fpm"))
    # Of 0 to 31 terms, each as likely: none for one in 32; the variance is that of 15.5 products.
    assert abs((exact == 0).mean() - 1 / (MOST_TERMS + 1)) < 0.06 - 0.045 * (name == "uniform")
    a, b = values(operands)
    variance = exact.astype(np.float64).var() / np.square(a.astype(np.float64) * b).mean()
    assert abs(variance - MOST_TERMS / 2) < 0.2 * MOST_TERMS / 2
    assert not np.array_equal(exact, approximate)
    # Asked again, the same.
    assert np.array_equal(exact, operands.sums(multiplier("exact")).view(np.float32))


def test_what_is_not_a_whole_number_of_windows():
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    operands = draw("lenet5-digits", HELD + 3)
    assert operands.a.size == operands.b.size == HELD + 3
    assert len(np.unique(operands.b)) == 2


def test_lenet5_says_what_it_is_on(monkeypatch, tmp_path):
    monkeypatch.setenv("AXFPM_DATA", str(tmp_path))
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path))
    assert "test images of digits" in STIMULI["lenet5"].describe()
    monkeypatch.setattr("golden.cnn.data.mnist_is_at_hand", lambda: True)
    assert "test images of mnist" in STIMULI["lenet5"].describe()


def test_refusals():
    with pytest.raises(InvalidInput, match="unknown stimulus 'unifrom'; did you mean uniform"):
        draw("unifrom", 3)
    with pytest.raises(InvalidInput, match="n=0 is too small"):
        draw("uniform", 0)
    with pytest.raises(InvalidInput, match="batch=-1 is too small"):
        draw("uniform", 1, batch=-1)
