"""What a plain installation must do, run by its own Python without the repository: ``make package``.

Standard library and axfpm only. Ends with 1 and a sentence where something is not so.
"""

import json
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from importlib.metadata import distribution, version
from pathlib import Path

LIMIT_MB = 300
PUBLISHED = ("0.856", "0.471", "0x3EDA273C")  # a product of the authors' script
TESTS_AND_DOCS = (
    "tests/test_layout.py", "tests/installation.py", "docs/guide.md", "docs/images/rows.svg",
    "examples/judge_my_model.py",
    "constraints/lowest.txt", "Makefile", "CHANGELOG.md", "CITATION.cff", "LICENSE", "axfpm/py.typed",
)  # fmt: skip


def check(holds: object, sentence: str) -> None:
    """End with 1 unless something holds."""
    if not holds:
        raise SystemExit(f"the installation fails: {sentence}")
    print(f"ok: {sentence}")


def command(*arguments: str) -> str:
    """Standard output of the installed command."""
    program = Path(sys.executable).with_name("axfpm")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"`axfpm {' '.join(arguments)}` succeeds {done.stderr}".strip())
    return done.stdout


def archives(folder: Path) -> None:
    """What the two archives hold."""
    (source,) = folder.glob("axfpm-*.tar.gz")
    (wheel,) = folder.glob("axfpm-*.whl")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    check(names >= set(TESTS_AND_DOCS), f"the source archive has tests and docs {set(TESTS_AND_DOCS) - names or ''}")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    rooms = {name.partition("/")[0] for name in packed}
    check(rooms == {"axfpm", "golden", "hdl", "sim", "synth"}, f"the wheel holds the five rooms and no more: {rooms}")
    missing = {name for name in names if name.partition("/")[0] in rooms and "." in Path(name).name} - packed
    check(not missing, f"the wheel has every file of theirs {missing or ''}")


def golden_model() -> None:
    """A published product, the fast kernels, the types."""
    import axfpm

    home = Path(axfpm.__file__).parent
    check("site-packages" in home.parts, f"axfpm is the installed one, {home}")
    product = axfpm.multiply(float(PUBLISHED[0]), float(PUBLISHED[1]))
    check(f"{float(product):.8f}" == "0.42608058", "the golden model gives the published product")
    import numpy as np

    a, w = np.full((2, 3), 0.856, np.float32), np.full((3, 2), 0.471, np.float32)
    check(np.allclose(axfpm.matmul(a, w), 3 * product), "a matrix product runs on the kernels")
    places = [Path(str(file.locate())) for file in distribution("axfpm").files or () if file.name == "py.typed"]
    check(len(places) == 5 and all(place.is_file() for place in places), "type information comes along")


def installed_bytes() -> int:
    """Size of all that was installed, compiled Python files included, but pip, which brought it."""
    folder = Path(sysconfig.get_path("purelib"))
    files = (file for file in folder.rglob("*") if file.relative_to(folder).parts[0].partition("-")[0] != "pip")
    return sum(file.stat().st_size for file in files if file.is_file() and not file.is_symlink())


def main() -> None:
    """All of it."""
    archives(Path(sys.argv[1]))
    check(version("axfpm") in command("--version"), "the version is the distribution's")
    golden_model()
    check(any(entry["name"] == "ax-fpm" for entry in json.loads(command("list", "--json"))), "list has ax-fpm")
    product = json.loads(command("multiply", *PUBLISHED[:2], "--json"))
    check(product["y"]["hex"] == PUBLISHED[2], "multiply gives the published product")
    shown = json.loads(command("show", "ax-fpm", "--json"))
    check(shown["hardware"] and shown["robustness"], "show has the figures that come with the package")
    size = installed_bytes() / 1e6
    check(size < LIMIT_MB, f"axfpm and what it needs take {size:.0f} MB, and less than {LIMIT_MB}")


if __name__ == "__main__":
    main()
