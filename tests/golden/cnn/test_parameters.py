"""Parameters by others: every kind of file that holds tensors, and one sentence for what does not."""

import os
import pickle
from collections import OrderedDict

import pytest
import torch
from safetensors import torch as safetensors_torch

from golden.cnn import models, parameters
from golden.errors import InvalidInput


@pytest.fixture
def module():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        return models.build("guesmi2021")


class Runs:
    """A pickle of it runs a command when it is loaded in the ordinary way."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_every_kind_of_file(tmp_path, module, kind):
    path = tmp_path / "a.bin"
    if kind == "safetensors":
        path.write_bytes(safetensors_torch.save(module.state_dict()))
    else:  # before torch 1.6, when the paper's network was published, a plain pickle; since then a zip archive
        torch.save(module.state_dict(), path, _use_new_zipfile_serialization=kind == "zip")
        assert path.read_bytes().startswith({"zip": b"PK", "legacy": b"\x80\x02"}[kind])
    tensors, metadata = parameters.read(path)
    assert metadata == {}
    other = models.build("guesmi2021")
    parameters.put(tensors, other, path, "guesmi2021")
    assert all(torch.equal(tensor, module.state_dict()[key]) for key, tensor in other.state_dict().items())


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("how", ["beside", "alone", "plain pickle"])
def test_code_is_not_run(tmp_path, module, legacy, how):
    path = tmp_path / "a.pt"
    harm = Runs(f"touch {tmp_path}/executed")
    if how == "plain pickle":
        path.write_bytes(pickle.dumps(harm, protocol=2))
    else:
        content = harm if how == "alone" else {**module.state_dict(), "harm": harm}
        torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(
        InvalidInput, match=r"a\.pt (holds more than tensors, and to load it would run posix\.system|is not)"
    ):
        parameters.read(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.pt"]


def test_a_whole_model_is_code_too(tmp_path, module):
    torch.save(module, tmp_path / "a.pt")
    expected = (
        r"would run golden.cnn.models.DefensiveLeNet, code that is not trusted; save the model's state_dict\(\) alone"
    )
    with pytest.raises(InvalidInput, match=expected):
        parameters.read(tmp_path / "a.pt")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (torch.zeros(3), r"holds a Tensor, not a state_dict; save model\.state_dict\(\)"),
        ([1, 2], "holds a list, not a state_dict"),
        ({"epoch": 3, "state_dict": {}, "w": torch.zeros(1)}, r"holds 'epoch', 'state_dict' beside tensors; save"),
        (dict.fromkeys(range(5), 0), "holds 0, 1, 2 and 2 more beside tensors"),
    ],
)
def test_no_state_dict(tmp_path, content, message):
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(InvalidInput, match=message):
        parameters.read(tmp_path / "a.pt")


@pytest.mark.parametrize("cut", [10, 1000, -1000, -1])
@pytest.mark.parametrize("legacy", [False, True])
def test_a_file_that_is_cut(tmp_path, module, cut, legacy):
    path = tmp_path / "a.pt"
    torch.save(module.state_dict(), path, _use_new_zipfile_serialization=not legacy)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(InvalidInput, match=r"a\.pt is not a readable file of torch \(.*\); copy it again"):
        parameters.read(path)


def test_absent_and_unreadable(tmp_path):
    with pytest.raises(InvalidInput, match=r"cannot be read \(Is a directory\); make it readable"):
        parameters.read(tmp_path)


def changed(tensors, change):
    tensors = OrderedDict(tensors)
    if change == "prefix":
        return {f"module.{key}": tensor for key, tensor in tensors.items()}
    if change == "lacks one":
        del tensors["conv1.bias"]
    elif change == "one more":
        tensors["fc3.bias"] = torch.zeros(1)
    elif change == "shape":
        tensors["conv1.bias"] = torch.zeros(3)
    elif change == "shapes":
        return {key: torch.zeros(2) for key in tensors}
    elif change == "dtype":
        tensors["conv1.bias"] = tensors["conv1.bias"].double()
    elif change == "nan":
        tensors["conv1.bias"] = torch.full((32,), torch.nan)
    return tensors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("lacks one", "a.pt does not fit model 'guesmi2021': it lacks 'conv1.bias'; give another"),
        ("one more", "does not fit model 'guesmi2021': the model has no 'fc3.bias'; give another"),
        ("shape", r"does not fit model 'guesmi2021': the shape of 'conv1.bias' is \(3,\), not \(32,\); give another"),
        ("shapes", r"the shape of 'conv1.weight' is \(2,\), not \(32, 1, 3, 3\), the .* and more; give another"),
        (
            "prefix",
            "lacks 'conv1.weight', 'conv1.bias', 'conv2.weight' and 5 more, the model has no 'module.conv1.weight'",
        ),
        ("dtype", "'conv1.bias' is torch.float64, not torch.float32; give another"),
        ("nan", r"a\.pt has NaN or infinity in 'conv1.bias'; train or copy it again"),
    ],
)
def test_parameters_that_do_not_fit(tmp_path, module, change, message):
    before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    with pytest.raises(InvalidInput, match=message):
        parameters.put(changed(before, change), module, tmp_path / "a.pt", "guesmi2021")
    assert all(torch.equal(tensor, before[key]) for key, tensor in module.state_dict().items())
