"""Files of fronts: what is written is read, and nothing else."""

import json

import pytest
from planted_fronts import FRONT

from axfpm.joint_front.result import MEASURED, read, save
from golden.errors import InvalidInput


def test_written_and_read(tmp_path):
    path = save(tmp_path / "toys.json", FRONT)
    assert read(path) == FRONT
    assert json.loads(path.read_text()) == json.loads(json.dumps(FRONT.to_dict()))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "axfpm joint front", "version": 1, "networks": [3]}'])
def test_files_of_others(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InvalidInput, match=r"a\.json holds no joint front \(.+\); measure it again with benchmarks/"):
        read(tmp_path / "a.json")


def test_another_version(tmp_path):
    path = save(tmp_path / "toys.json", FRONT)
    path.write_text(path.read_text().replace('"version": 1', '"version": 2'))
    with pytest.raises(InvalidInput, match="another format or version"):
        read(path)


def test_names_that_are_not_there():
    with pytest.raises(InvalidInput, match="no bf16 on this front; there are exact torch, ax-fpm, e8m2"):
        FRONT.network("bf16")
    with pytest.raises(InvalidInput, match="no difference between bf16 and ax-fpm on this front"):
        FRONT.between("bf16", "ax-fpm", "clean")


def test_those_that_come_with_the_package_are_small():
    assert sum(path.stat().st_size for path in MEASURED.glob("*.json")) < 300_000
