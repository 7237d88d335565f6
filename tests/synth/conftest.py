"""Fixtures of the synthesis tests: a cache of their own, and what to skip where tools are missing."""

import shutil

import pytest

from golden.errors import MissingTool
from synth import tools


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    # Results of earlier sessions must not hide a fault of today's flow.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AXFPM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def liberty_file():
    try:
        return tools.default_liberty()
    except MissingTool as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def flow_tools(liberty_file):
    try:
        tools.yosys()
        tools.opensta()
    except MissingTool as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def abc_tool(flow_tools):
    if shutil.which("berkeley-abc") is None and shutil.which("abc") is None:
        pytest.skip("Berkeley ABC is not installed")
