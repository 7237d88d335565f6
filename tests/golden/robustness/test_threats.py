"""Threat models by name, and what each attacker has."""

import dataclasses

import pytest
import torch

from golden.cnn import checkpoint
from golden.errors import InvalidInput
from golden.pytorch import ApproximateModule, surrogate
from golden.robustness import threats
from golden.robustness.attacks import attack
from golden.robustness.targets import Fitted, target
from golden.robustness.threats import THREAT_MODELS, Knowledge


def test_names():
    assert [t.name for t in threats.threat_models("twin,white-box")] == ["twin", "white-box"]
    assert threats.threat_models("transfer") == (THREAT_MODELS["twin"],)
    assert threats.threat_models(["transfer", "twin"]) == (THREAT_MODELS["twin"],)
    assert threats.threat_models("proxy:epochs=20") == (THREAT_MODELS["proxy"],)
    names = [t.name for t in threats.threat_models("proxy:augmentations=2,answers=probabilities,twin")]
    assert names == ["proxy:answers=probabilities,augmentations=2", "twin"]


def test_settings_reach_the_training(monkeypatch):
    asked = {}

    def substitute(device, architecture, images, **settings):
        asked.update(settings, architecture=architecture)
        return device, 7

    monkeypatch.setattr("golden.robustness.proxy.substitute", substitute)
    (threat,) = threats.threat_models("proxy:augmentations=2")
    module, _ = checkpoint.load("lenet5-digits")
    knowledge = Knowledge(torch.zeros(1, 1, 28, 28), seed=3, architecture="lenet5")
    assert threat.train is not None
    device = target("ax-fpm").build(module, Fitted(torch.zeros(1, 1, 28, 28)))
    assert threat.train(device, knowledge, **threat.settings)[1] == 7
    assert asked == {"answers": "labels", "augmentations": 2, "epochs": 20, "seed": 3, "architecture": "lenet5"}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("white-bx", "unknown threat model 'white-bx'; did you mean white-box"),
        (("transfer", "grey"), "unknown threat model 'grey'"),
        ("", "no threat model named; choose from twin"),
        ((), "no threat model named"),
        ("twin:augmentations=1", "the threat model twin has no settings; leave out 'augmentations=1'"),
        ("proxy:augment=1", "unknown setting of proxy 'augment'; did you mean augmentations"),
        ("proxy:answers=scores", "a device answers labels or probabilities, not 'scores'"),
        ("proxy:epochs=few", "epochs=few is not a whole number; write for example epochs=1"),
        ("proxy:augmentations=11", "augmentations=11 is too large; give at most 10"),
    ],
)
def test_wrong_names(names, message):
    with pytest.raises(InvalidInput, match=message):
        threats.threat_models(names)


def test_register_taken_name():
    with pytest.raises(InvalidInput, match="another threat model is already named 'twin'"):
        threats.register_threat_model(dataclasses.replace(THREAT_MODELS["twin"], shared=False))


@pytest.fixture(scope="module")
def network():
    module, _ = checkpoint.load("lenet5-digits")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        images = torch.rand(4, 1, 28, 28)
    return module, images, target("ax-fpm").build(module, Fitted(images))


def test_what_the_attack_is_run_on(network):
    module, images, device = network
    assert THREAT_MODELS["twin"].source(module, device, Knowledge(images)) is module
    with torch.no_grad():
        whole = device.module(images) / device.temperature
        for name in ("query", "white-box"):
            source = THREAT_MODELS[name].source(module, device, Knowledge(images))
            assert torch.equal(source(images), whole)
        aware = THREAT_MODELS["aware"].source(module, device, Knowledge(images))
        assert torch.equal(aware(images), surrogate(module, "ax-fpm", temperature=device.temperature)(images))


@pytest.mark.parametrize("gradient", ["straight-through", "scaled", "masked"])
def test_the_attacker_chooses_the_gradient(network, gradient):
    module, images, device = network
    source = THREAT_MODELS["white-box"].source(module, device, Knowledge(images, gradient=gradient))
    assert isinstance(source, ApproximateModule)
    assert source.context.settings.rule.gradient == gradient
    assert device.module.context.settings.rule.gradient == "scaled"


def test_aware_never_asks_the_device(network, monkeypatch):
    module, images, device = network
    aware = THREAT_MODELS["aware"].source(module, device, Knowledge(images))

    def refuse(*arguments, **settings):
        raise AssertionError("the bit-exact model was called")

    monkeypatch.setattr("golden.pytorch.contractions.MatrixProduct.approximate", refuse)
    monkeypatch.setattr("golden.pytorch.contractions.Convolution.approximate", refuse)
    attack("pgd:eps=0.1,steps=2").craft(aware, images.numpy(), torch.zeros(4, dtype=torch.int64).numpy())
    with pytest.raises(AssertionError, match="the bit-exact model was called"):
        device.module(images)


def test_who_can_run_what():
    gradients, scores = attack("fgsm:eps=0.1"), dataclasses.replace(attack("fgsm:eps=0.1").kind, access="scores")
    query = THREAT_MODELS["query"]
    assert not query.allows(gradients)
    assert query.allows(dataclasses.replace(gradients, kind=scores))
    assert all(THREAT_MODELS[name].allows(gradients) for name in ("twin", "aware", "proxy", "white-box"))


def test_a_proxy_needs_an_architecture(network):
    _, images, device = network
    train = THREAT_MODELS["proxy"].train
    assert train is not None
    with pytest.raises(InvalidInput, match="a substitute needs the name of an architecture; give a checkpoint"):
        train(device, Knowledge(images))
