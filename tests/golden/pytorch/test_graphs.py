"""Passes recorded as CUDA graphs: the bits of the passes themselves, in attacks too."""

import subprocess
import sys
import warnings

import pytest
import torch
from replaying_cases import Shifted, images, network, passed, same, used_recordings
from torch import Tensor, nn

from golden.cnn import checkpoint, data
from golden.pytorch import ApproximateModule, GradientMaskingWarning
from golden.pytorch.devices import ieee_products
from golden.pytorch.recordings import memory_on, release
from golden.pytorch.replaying import BEFORE, MOST, recordings, replayed
from golden.robustness.attacks import attack, attacks

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch has no GPU here")


@pytest.fixture(autouse=True)
def the_same_each_time():
    assert memory_on(torch.device("cuda", 0)).usable, "a recording failed before: torch records no more in this process"
    with ieee_products():
        yield


def test_attacks_that_name_their_devices_leave_a_model_its_own():
    pytest.importorskip("foolbox")
    module = nn.Sequential(Shifted(), nn.Linear(64, 5)).cuda()
    x = images(6)
    with torch.device("cuda"):
        y = module(x.cuda()).argmax(1).cpu().numpy()
    found = attack("pgd:eps=0.1,steps=5").craft(module, x.numpy(), y)
    assert (found != x.numpy()).any()


@pytest.mark.parametrize("multiplier", [None, "ax-fpm", "e8m2", "ax-fpm-wrap", "ax-fpm:cell=AMA1"])
def test_graphs_have_the_bits_of_the_passes(multiplier):
    module = checkpoint.load("lenet5-digits")[0].cuda().requires_grad_(False)
    module = ApproximateModule(module, multiplier) if multiplier else module
    points = [torch.rand(33, 1, 28, 28, device="cuda") for _ in range(BEFORE + 3)]
    expected = [passed(module, x) for x in points]
    with replayed(module):
        for x, right in zip(points, expected, strict=True):
            assert same(passed(module, x), right)
        assert recordings(module) == 1
        together = [x.clone().requires_grad_() for x in points]
        results = [module(x) for x in together]
        for i in (2, 0, 1):
            found = torch.autograd.grad(results[i].square().sum(), together[i])[0]
            assert same([results[i].detach(), found], expected[i])


def test_a_pass_that_waits_for_the_gpu_is_not_recorded():
    class Waiting(nn.ReLU):
        __module__ = "torch.nn.modules.activation"

        def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
            return super().forward(input) + float(input.sum() > 1e9)

    module = network()
    module[1] = Waiting()
    module.cuda()
    points = [images(seed=i).cuda() for i in range(BEFORE + 3)]
    expected = [passed(module, x) for x in points]
    stream = torch.cuda.current_stream()
    torch.manual_seed(5)
    drawn = torch.rand(9, device="cuda")
    torch.manual_seed(5)
    with replayed(module):
        for x, right in zip(points, expected, strict=True):
            assert same(passed(module, x), right)
        assert recordings(module) == 0
    assert torch.cuda.current_stream() == stream
    assert torch.equal(torch.rand(9, device="cuda"), drawn)
    # Others can be recorded then, and again once nothing of them is left.
    for seed in range(3):
        other = network(seed).cuda()
        with replayed(other):
            found = [passed(other, x) for x in points]
            assert recordings(other) == 1
        assert same(found[-1], passed(other, points[-1]))
        del other


@pytest.mark.filterwarnings("ignore::golden.pytorch.GradientMaskingWarning")
@pytest.mark.parametrize("multiplier", [None, "ax-fpm"])
def test_attacks_make_the_same_examples(multiplier, monkeypatch):
    pytest.importorskip("foolbox")
    model, stored = checkpoint.load("lenet5-digits")
    x, y = (array[:40] for array in data.load(stored.data, "test"))
    module = model.cuda()
    module = ApproximateModule(module, multiplier, temperature=5.0) if multiplier else module
    chosen = attacks(
        "fgsm:eps=0.1,fgsm-l2:eps=1,bim:eps=0.1,mi-fgsm:eps=0.1,pgd:eps=0.1,pgd-l2:eps=1,ddn,deepfool,cw:steps=20,"
        "apgd-t:eps=0.1,adaptive:eps=0.1"
    )
    used = used_recordings(monkeypatch)
    replayed_ones = []
    for each in chosen:
        used.clear()
        replayed_ones.append(each.craft_counted(module, x, y, seed=3))
        assert any(used) or each.kind.name in ("fgsm", "fgsm-l2"), str(each)
    monkeypatch.setattr("golden.pytorch.replaying.BEFORE", 1 << 30)
    for each, found in zip(chosen, replayed_ones, strict=True):
        as_it_is = each.craft_counted(module, x, y, seed=3)
        assert (found.images == as_it_is.images).all() and (found.queries == as_it_is.queries).all(), str(each)


def test_the_last_few_kinds_are_graphs_and_their_memory_is_given_back():
    module = network().cuda()

    def some(numbers: range) -> int:
        with replayed(module):
            for number in numbers:
                x = images(300 * number).cuda()
                expected = passed(module, x)
                assert all(same(passed(module, x), expected) for _ in range(2 * BEFORE + 1))
            return recordings(module)

    assert some(range(1, 2)) == 1  # what torch's libraries take once for all
    release()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    assert some(range(1, MOST + 3)) == MOST
    release()
    assert torch.cuda.memory_allocated() <= before
    assert torch.cuda.memory_reserved() < torch.cuda.max_memory_reserved()


def test_what_a_gpu_counts_is_said():
    module = ApproximateModule(network().cuda(), "ax-fpm")
    x = images().cuda().requires_grad_()
    with warnings.catch_warnings(), replayed(module):
        warnings.simplefilter("error")
        for _ in range(BEFORE + 2):
            torch.autograd.grad(module(x).square().sum(), x)
        assert recordings(module) == 1
    with pytest.warns(GradientMaskingWarning, match="exactly zero for 4 of 4 inputs"), replayed(module):
        for _ in range(BEFORE + 2):
            torch.autograd.grad(0 * module(x).sum(), x)


FAILS = """
import torch
from golden.pytorch.recordings import Memory, memory_on, release

device = torch.device("cuda", 0)
x = torch.rand(9, device=device)
torch.manual_seed(5)
drawn = torch.rand(9, device=device)
torch.manual_seed(5)
stream = torch.cuda.current_stream()
try:
    Memory(device).record(lambda: x * x.sum().item())
except RuntimeError:
    pass
else:
    raise SystemExit("a wait was recorded")
assert not memory_on(device).usable and torch.cuda.current_stream() == stream
release()
assert torch.equal(torch.rand(9, device=device), drawn)
ones = torch.ones(99, 99, device=device)
assert ((ones @ ones).cpu() == 99).all()
print("goes on")
"""


def test_a_recording_that_fails_leaves_a_gpu_that_computes():
    done = subprocess.run([sys.executable, "-c", FAILS], capture_output=True, text=True, check=False)
    assert done.stdout == "goes on\n", done.stderr
