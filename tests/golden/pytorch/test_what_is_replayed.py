"""Which passes are recorded, and for which a recording is used; ``test_replaying.py`` has what replays give."""

from typing import Any

import pytest
import torch
from replaying_cases import Works, images, network, passed, same
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from golden.pytorch import (
    ApproximateModule,
    approximate,
)
from golden.pytorch.devices import ieee_products
from golden.pytorch.replaying import BEFORE, MOST, recordings, replayed


@pytest.fixture
def works():
    return Works()


class Own(nn.Sequential):
    """Of nobody's that is known."""


class OwnLayer(nn.Linear):
    """As torch's parametrization takes it, into a class of a module of torch."""


def test_what_is_not_a_function_of_the_input_alone_runs_as_it_is(works):
    """Other people's modules, hooks, training, contexts, trained parameters, rules that may change, other shapes."""

    def never(module: nn.Module, x: Tensor | None = None, **settings: Any) -> None:
        with replayed(module, works):
            for i in range(BEFORE + 2):
                module((images(seed=i) if x is None else x).requires_grad_(), **settings)
            assert recordings(module) == 0

    never(Own(*network()))
    never(weight_norm(OwnLayer(64, 5)).eval().requires_grad_(False), images().flatten(1))
    never(nn.Sequential(Own(*network())))
    never(ApproximateModule(Own(*network()), "ax-fpm"))
    never(ApproximateModule(network(), "ax-fpm", layers=lambda name, module: name != "0"))
    never(network().train())
    never(network().requires_grad_())
    never(network(), images().mT.contiguous().mT)
    hooked = network()
    hooked[1].register_forward_hook(lambda *_: None)
    never(hooked)
    inside: Any = ApproximateModule(network(), "ax-fpm")
    inside.model.register_forward_hook(lambda *_: None)
    never(inside)
    with approximate("ax-fpm"):
        never(network())
    with torch.inference_mode():
        never(network(), images())
    written = network()
    written.forward = written.forward
    never(written)
    never(network().double(), images().double())
    with torch.autocast("cpu", torch.bfloat16):
        never(network())
    assert works.replays == 0
    module = network()
    with replayed(module):  # on the CPU nothing is recorded
        for _ in range(BEFORE + 2):
            module(images())
        assert recordings(module) == 0


def test_settings_that_change_are_other_passes(works):
    module: Any = ApproximateModule(network(), "ax-fpm")
    with replayed(module, works):
        for i in range(BEFORE + 2):
            passed(module, images(seed=i))
        module.temperature = 4.0
        found = passed(module, images())
        assert recordings(module) == 1
    assert same(found, passed(module, images()))


def test_the_last_few_kinds_are_recorded(works):
    module = network()
    with replayed(module, works):
        for number in range(1, MOST + 1):
            for _ in range(BEFORE + 1):
                passed(module, images(number))
            passed(module, images(1))
        for _ in range(2 * BEFORE):  # asked for twice as often as the first
            assert recordings(module) == MOST
            before = works.replays
            passed(module, images(MOST + 1))
            assert works.replays == before
        passed(module, images(MOST + 1))
        assert recordings(module) == MOST
        for number, more in ((MOST + 1, True), (1, True), (3, True), (2, False)):
            before = works.replays
            passed(module, images(number))
            assert (works.replays > before) == more


def test_layouts_of_images_are_other_passes(works):
    """Torch takes images of one channel as contiguous in two layouts, and convolves them in two ways."""
    module, x = network(), images()
    other = x.reshape(4, 8, 8, 1).permute(0, 3, 1, 2)
    assert other.is_contiguous() and other.stride() != x.stride()
    with replayed(module, works), torch.no_grad():
        for _ in range(BEFORE + 1):
            module(x)
        before = works.replays
        module(other)
        assert works.replays == before


def test_batches_of_ever_new_sizes_are_not_recorded_for_ever(works):
    module, made = network(), []

    def record(work: Any) -> Any:
        made.append(1)
        return works(work)

    with replayed(module, record), torch.no_grad():
        for number in range(1, 5 * MOST):
            for _ in range(BEFORE + 1):
                module(images(number))
    assert len(made) == MOST


def test_ways_of_torch_are_other_passes(works):
    """As the caller of ``replayed`` has them, and as an attack inside sets them."""
    module = network()
    with replayed(module, works):
        for i in range(BEFORE + 1):
            passed(module, images(seed=i))
        before = works.replays
        with ieee_products():
            passed(module, images())
        assert works.replays == before
        passed(module, images())
        assert works.replays > before


def test_parameters_that_lie_otherwise_are_other_passes(works):
    module: Any = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.Linear(64, 5)).eval().requires_grad_(False)
    with replayed(module, works), torch.no_grad():
        for _ in range(BEFORE + 1):
            module(images())
        module[1].weight.data = module[1].weight.data.T
        before = works.replays
        found = module(images())
        assert works.replays == before
    assert same([found], [module(images())])


def test_images_that_begin_elsewhere_run_as_they_are(works):
    module, x = network(), torch.rand(4 * 64 + 1)[1:].view(4, 1, 8, 8)
    assert x.is_contiguous() and x.data_ptr() % 16
    with replayed(module, works), torch.no_grad():
        for _ in range(BEFORE + 2):
            module(x)
    assert not works.replays


def test_what_cannot_be_recorded_is_tried_once():
    tried = []

    def record(_work: Any) -> Any:
        tried.append(1)
        raise RuntimeError("operation not permitted when stream is capturing")

    module = network()
    expected = passed(module, images())
    with replayed(module, record):
        for _ in range(BEFORE + 3):
            assert same(passed(module, images()), expected)
    assert tried == [1]


def test_a_shape_that_cannot_be_recorded_leaves_the_others_theirs(works):
    tried = []

    def record(work: Any) -> Any:
        tried.append(1)
        found = works(work)
        if len(found[1]) == 7:
            raise RuntimeError("CUDA out of memory")
        return found

    module = network()
    with replayed(module, record), torch.no_grad():
        for number, more in ((4, True), (7, False), (4, True), (5, True)):
            for _ in range(BEFORE + 1):
                module(images(number))
            before = works.replays
            module(images(number))
            assert (works.replays > before) == more
        assert recordings(module) == 2 and len(tried) == 3


@pytest.mark.parametrize("what", [1, 2])
def test_a_recording_that_does_not_repeat_its_pass_is_not_used(what):
    """Wrong results, or wrong gradients."""
    made = []

    def record(work: Any) -> Any:
        replay, result = Works()(work)
        made.append(1)
        return (lambda: result.detach().add_(1.0)) if len(made) == what else replay, result

    module = network()
    expected = [passed(module, images(seed=i)) for i in range(BEFORE + 3)]
    with replayed(module, record):
        for i, right in enumerate(expected):
            assert same(passed(module, images(seed=i)), right)
        assert recordings(module) == 0 and len(made) == 2
