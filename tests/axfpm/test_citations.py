"""Citations go by what a multiplier is made of."""

import pytest

from axfpm.citations import DEFENSIVE, LOGARITHMS, MIRROR_ADDERS, SOFTWARE, citations
from golden.catalogue import Multiplier, multiplier
from golden.cells import CELLS
from golden.designs import CellBlocks


@pytest.mark.parametrize(
    ("name", "sources"),
    [
        ("ax-fpm", (DEFENSIVE, MIRROR_ADDERS, SOFTWARE)),
        ("ax-fpm:carry=widen", (DEFENSIVE, MIRROR_ADDERS, SOFTWARE)),
        ("ax-fpm:cell=AMA1", (MIRROR_ADDERS, SOFTWARE)),
        ("ax-bf16", (MIRROR_ADDERS, SOFTWARE)),
        ("mitchell", (LOGARITHMS, SOFTWARE)),
        ("exact", (SOFTWARE,)),
        ("e8m2", (SOFTWARE,)),
    ],
)
def test_sources(name, sources):
    assert citations(multiplier(name)) == sources


def test_a_name_decides_nothing():
    m = multiplier("ax-fpm")
    same = Multiplier(m.format, CellBlocks(CELLS["AMA5"], 4), carry="wrap")
    assert citations(same)[0] == DEFENSIVE
