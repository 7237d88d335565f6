import io
from dataclasses import replace

import numpy as np
import pytest

from axfpm.report.gallery import examples
from golden.robustness.records import find, read

image = pytest.importorskip("matplotlib.image")


@pytest.fixture(scope="module")
def results():
    return read(find("mnist"))


def test_images_are_those_of_the_results(results):
    figure = examples(results)
    assert figure is not None
    first = results.pictures[0]
    name, pictures = next(iter(figure.pictures.items()))
    assert name == f"clean, on {first.target}"
    assert pictures[0].title == f"{first.label}: {first.predicted}"
    pixels = image.imread(io.BytesIO(pictures[0].png))
    wanted = np.frombuffer(bytes.fromhex(first.pixels), np.uint8).reshape(first.height, first.width)
    assert np.array_equal(np.round(255 * pixels[..., 0]), wanted)
    assert all(picture.alt for row in figure.pictures.values() for picture in row)
    assert len({len(row) for row in figure.pictures.values()}) == 1


def test_attacks_on_the_target_are_shown_for_ax_fpm_alone_and_at_the_budget(results):
    budgets = {f"{budget:g}" for budget in results.settings["budgets"].values()}
    figure = examples(results)
    assert figure is not None
    own = [name for name in figure.pictures if name.startswith("white-box")]
    assert own
    assert all(name.endswith("on ax-fpm") and name.split("eps=")[1].split(",")[0] in budgets for name in own)


def test_one_condition_is_nothing_to_compare(results):
    clean = tuple(p for p in results.pictures if not p.attack)
    assert examples(replace(results, pictures=clean[:1])) is None
    assert examples(replace(results, pictures=())) is None
