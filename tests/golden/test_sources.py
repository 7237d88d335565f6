"""A digest changes with any file that counts, its name or its content, and with nothing else."""

from golden.sources import sources_digest


def test_names_and_contents_count(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "b" / "c.npz").write_text("2")
    first = sources_digest(tmp_path)
    assert first == sources_digest(tmp_path)
    (tmp_path / "b" / "c.npz").write_text("3")
    second = sources_digest(tmp_path)
    (tmp_path / "b" / "c.npz").rename(tmp_path / "b" / "d.npz")
    assert len({first, second, sources_digest(tmp_path)}) == 3


def test_what_does_not_count(tmp_path):
    (tmp_path / "a.py").write_text("1")
    first = sources_digest(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("2")
    assert sources_digest(tmp_path) == first
    (tmp_path / "notes.txt").write_text("3")
    assert sources_digest(tmp_path) != first
    assert sources_digest(tmp_path, lambda name: name.endswith(".py")) == sources_digest(
        tmp_path, lambda name: name != "notes.txt"
    )
