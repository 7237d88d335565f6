"""Pictures by name: each is there, and takes its settings and no others."""

import json
from xml.etree import ElementTree

import pytest

from axfpm.pictures.kinds import PICTURES, picture, settings_of
from golden.catalogue import multiplier
from golden.errors import InvalidInput

pytest.importorskip("amaranth")
pytest.importorskip("matplotlib")
SMALL = {"array": {"rows": 1, "columns": 2, "vectors": 2}, "schedule": {"shape": (2, 2, 1), "columns": 1}}


@pytest.mark.parametrize("kind", [kind for kind in PICTURES if kind != "waves"])
def test_each_is_a_named_drawing_of_the_multiplier(kind):
    text = picture(kind, multiplier("e8m2"), **SMALL.get(kind, {}))
    svg = ElementTree.fromstring(text)
    assert svg.get("role") == "img"
    title = next(part.text for part in svg.iter() if part.get("id") == svg.get("aria-labelledby", "").split()[0])
    assert title is not None
    assert "e8m2" in title
    assert "prefers-color-scheme" in text


def test_waves_are_json():
    made = json.loads(picture("waves", multiplier("e8m2"), rows=1, columns=1, vectors=1))
    assert made["head"]["text"] == "1 x 1 array of e8m2: lowest word of each payload"


def test_settings():
    assert settings_of("rows") == ()
    assert settings_of("tree") == ("tree",)
    assert settings_of("schedule") == ("shape", "rows", "columns", "stages", "pace", "seed")
    with pytest.raises(InvalidInput, match="the picture 'tree' has no setting 'rows'; it has tree"):
        picture("tree", multiplier("e8m2"), rows=2)
    with pytest.raises(InvalidInput, match="the picture 'rows' has no setting 'seed'; leave it out, it has none"):
        picture("rows", multiplier("e8m2"), seed=2)
    with pytest.raises(InvalidInput, match="unknown picture 'tee'; did you mean tree"):
        picture("tee", multiplier("e8m2"))
