"""Threat models by name."""

import dataclasses

import pytest

from golden.errors import InvalidInput
from golden.robustness import threats


def test_names():
    assert [t.name for t in threats.threat_models("transfer")] == ["transfer"]
    assert threats.threat_models(["transfer", "transfer"]) == (threats.THREAT_MODELS["transfer"],)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("white-bx", "unknown threat model 'white-bx'; choose from transfer"),
        (("transfer", "grey"), "unknown threat model 'grey'"),
        ("", "no threat model named; choose from transfer"),
        ((), "no threat model named"),
    ],
)
def test_wrong_names(names, message):
    with pytest.raises(InvalidInput, match=message):
        threats.threat_models(names)


def test_register_taken_name():
    with pytest.raises(InvalidInput, match="another threat model is already named 'transfer'"):
        threats.register_threat_model(dataclasses.replace(threats.THREAT_MODELS["transfer"], shared=False))
