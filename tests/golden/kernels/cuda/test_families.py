import numpy as np
import pytest
from kernel_cases import NAMES

from golden.catalogue import MULTIPLIERS, multiplier
from golden.designs import Function
from golden.errors import InvalidInput
from golden.kernels.bodies import BODIES
from golden.kernels.bodies.body import Range, instance
from golden.kernels.cuda.families import design, family

# arithmetic.md section 6: ea + eb - 127 from so much to so much, eb at most.
STATED = {
    "ax-fpm": ("halve", 19, 252, 253),
    "ax-fpm-widen": ("widen", 19, 252, 253),
    "ax-array": ("halve", 19, 252, 253),
    "ax-fpm:block=3": ("halve", 20, 252, 253),
    "ax-fpm:block=2": ("halve", 21, 252, 253),
}


@pytest.mark.parametrize("name", STATED)
def test_ranges_are_those_of_the_arithmetic(name):
    found = family(multiplier(name))
    assert found is not None
    assert (found.name, found.reach.least, found.reach.greatest, found.reach.most_b) == STATED[name]


@pytest.mark.parametrize("name", NAMES)
def test_four_numbers_say_what_a_body_covers(name):
    m = multiplier(name)
    found = family(m)
    if found is None:
        return
    body = next(
        instance(kind, m)
        for kind in BODIES
        if kind.accepts(m) and kind.name in ("fused", "rounded", "short", "mitchell", "avx512")
    )
    rng = np.random.default_rng(1)
    reach, ends = found.reach, [1, 2, 3, 18, 19, 20, 21, 125, 126, 127, 128, 146, 147, 250, 251, 252, 253, 254, 255]
    pairs = [tuple(sorted(rng.choice(ends, 2).tolist())) for _ in range(6000)]
    for (a0, a1), (b0, b1) in zip(pairs[::2], pairs[1::2], strict=True):
        inside = reach.least <= a0 + b0 - 127 and a1 + b1 - 127 <= reach.greatest
        inside = inside and a1 <= reach.most_a and b1 <= reach.most_b
        assert inside == body.covers(Range(a0, a1), Range(b0, b1)), ((a0, a1), (b0, b1))


def test_every_multiplier_of_the_catalogue_has_a_kernel():
    assert all(design(m) for m in MULTIPLIERS.values() if m.format.word_bits == 32)


def test_what_no_kernel_computes_is_refused():
    from golden.catalogue import Multiplier
    from golden.formats import FP32

    own = Multiplier(FP32, Function("mine", lambda a, b, p: a * b))
    with pytest.raises(InvalidInput, match="multiplies by mine, which no GPU kernel computes"):
        design(own)
    with pytest.raises(InvalidInput, match="blocks of AMA1 cells, which no GPU kernel"):
        design(multiplier("ax-fpm:cell=AMA1,block=12"))
