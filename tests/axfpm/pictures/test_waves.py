"""WaveJSON of a run: every level of every cycle, and WaveDrom takes it."""

import pytest

from axfpm.pictures.runs import run_array
from axfpm.pictures.waves import wavejson
from golden.catalogue import multiplier

pytest.importorskip("amaranth")


@pytest.fixture(scope="module")
def run():
    return run_array(multiplier("e8m2"), rows=1, columns=2, vectors=3)


@pytest.fixture(scope="module")
def groups(run):
    made = wavejson(run, title="A run")["signal"]
    return {entry[0]: {line["name"]: line for line in entry[1:]} for entry in made if isinstance(entry, list)}


def unfolded(wave):
    """Each point replaced by what it repeats."""
    found = ""
    for state in wave:
        found += found[-1] if state == "." else state
    return found


def test_valid_and_ready_in_every_cycle(run, groups):
    assert list(groups) == ["activations", "sums", "weights", "results"]
    for stream, lines in groups.items():
        for part in ("valid", "ready"):
            levels = run.levels[f"{stream}__{part}"]
            assert unfolded(lines[part]["wave"]) == "".join(map(str, levels))


def test_a_field_for_each_beat_from_offer_to_passing(run, groups):
    for stream, lines in groups.items():
        wave, valid = lines["payload"]["wave"], run.levels[f"{stream}__valid"]
        assert [state == "x" for state in unfolded(wave)] == [not level for level in valid]
        assert wave.count("=") == len(lines["payload"]["data"])
        passed = run.passes(stream)
        starts = [cycle for cycle, state in enumerate(wave) if state == "="]
        words = [f"{run.levels[f'{stream}__payload'][cycle] % 2**32:08X}" for cycle in starts]
        assert lines["payload"]["data"] == words
        assert len(starts) == len(passed)
        assert all(start <= cycle for start, cycle in zip(starts, passed, strict=True))


def test_wavedrom_draws_it(run):
    yowasp_wavedrom = pytest.importorskip("yowasp_wavedrom")
    made = wavejson(run, title="A run of an array")
    svg = yowasp_wavedrom.render(made)
    assert "A run of an array" in svg
    words = [word for entry in made["signal"] if isinstance(entry, list) for word in entry[3]["data"]]
    assert words
    assert all(word in svg for word in words)
