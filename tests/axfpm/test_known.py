"""Hardware figures and energies kept for ``axfpm list``."""

import pytest

from axfpm.known import known_energy, known_hardware, remember_energy, remember_hardware

ROWS = [{"multiplier": "ax-fpm", "area_um2": 100.5, "critical_path_ns": 5.0, "cells": 7}]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path))
    return tmp_path / "known"


def test_figures_come_with_their_conditions(folder):
    assert known_hardware() == {}
    remember_hardware(ROWS, "osu018, 12 ns")
    remember_hardware([{**ROWS[0], "multiplier": "e8m2"}], "another")
    figures = {"area_um2": 100.5, "critical_path_ns": 5.0}
    assert known_hardware() == {
        "ax-fpm": {**figures, "conditions": "osu018, 12 ns"},
        "e8m2": {**figures, "conditions": "another"},
    }


@pytest.mark.parametrize("value", [[1], {}, None, {"ax-fpm": 1}, {"ax-fpm": {"area_um2": []}}, "x"])
def test_whatever_else_is_there_counts_as_nothing(folder, value):
    from golden.cache import Cache

    remember_hardware(ROWS, "osu018")
    (path,) = folder.iterdir()
    Cache("known").put_json(path.name, value)
    assert known_hardware() == {}
    path.write_text("[1]")
    assert known_hardware() == {}
    remember_hardware(ROWS, "osu018")
    assert known_hardware().keys() == {"ax-fpm"}


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "file"))
    remember_hardware(ROWS, "osu018")
    assert known_hardware() == {}


def test_energies_stand_beside_them(folder):
    remember_hardware(ROWS, "osu018")
    assert known_energy() == {}
    rows = [
        {"multiplier": "exact-trunc", "tree": tree, "energy_pj": e} for tree, e in (("dadda", 9.5), ("operator", 1))
    ]
    remember_energy(rows, "lenet5")
    remember_energy([{"multiplier": "e8m2", "tree": "dadda", "energy_pj": 0.5}], "uniform")
    assert known_energy() == {
        "exact-trunc": {"energy_pj": 9.5, "conditions": "lenet5"},
        "e8m2": {"energy_pj": 0.5, "conditions": "uniform"},
    }
    assert known_hardware().keys() == {"ax-fpm"}
