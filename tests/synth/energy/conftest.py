"""Lets the tests of this folder import what they share, finds the five libraries, and skips where tools are missing."""

import functools
import os
import shutil
import sys
from pathlib import Path

import pytest

from golden.errors import MissingTool
from synth import tools
from synth.liberty import read_liberty

sys.path.insert(0, str(Path(__file__).parent))

LIBERTY = {
    "osu018": (),
    "nangate45": ("nangate45_typ",),
    "sky130hd": ("sky130hd_tt",),
    "sg13g2": ("sg13g2_stdcell_typ_1p20V_25C",),
    "asap7": (
        "asap7sc7p5t_INVBUF_RVT_TT_nldm_220122",
        "asap7sc7p5t_SEQ_RVT_TT_nldm_220123",
        "asap7sc7p5t_SIMPLE_RVT_TT_nldm_211120",
    ),
}


@pytest.fixture(scope="session")
def real_library():
    """Return a function: a library by name, of ``asap7`` the parts that tests use; skipped where it is not."""

    @functools.cache
    def read(name):
        if name == "osu018":
            try:
                return read_liberty(tools.default_liberty())
            except MissingTool as error:
                pytest.skip(str(error))
        folder = Path(os.environ.get("AXFPM_DATA", "nowhere")) / "liberty"
        files = [folder / f"{file}.lib.gz" for file in LIBERTY[name]]
        if not all(file.is_file() for file in files):
            pytest.skip(f"the library {name} is not in AXFPM_DATA")
        return read_liberty(files)

    return read


@pytest.fixture(scope="session")
def simulator():
    if shutil.which("iverilog") is None or shutil.which("vvp") is None:
        pytest.skip("Icarus Verilog is not installed")


@pytest.fixture(scope="session")
def timer():
    try:
        tools.yosys()
        tools.opensta()
    except MissingTool as error:
        pytest.skip(str(error))
