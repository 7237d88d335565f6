"""How passes are recorded on a GPU, against a stand-in for torch's: the order of what is asked of it, and errors."""

import gc
import warnings
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from golden.pytorch import recordings
from golden.pytorch.recordings import Memory, memory_on

GPU = torch.device("cuda", 0)


class Cuda:
    """What is asked of ``torch.cuda``, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.mode, self.fails, self.state, self.pools = 0, False, "as before", 0
        outer = self

        class Graph:
            def capture_begin(self, pool: int) -> None:
                outer.asked.append(f"begin in {pool}")
                outer.state = "recording"

            def capture_end(self) -> None:
                outer.asked.append("end")
                if outer.fails:
                    raise RuntimeError("operation failed due to a previous error during capture")
                outer.state = "as before"

            def replay(self) -> None:
                outer.asked.append("replay")

        class Generator:
            def clone_state(self) -> str:
                return outer.state

            def graphsafe_set_state(self, state: str) -> None:
                outer.state = state

        @contextmanager
        def within(_what: Any) -> Any:
            yield

        def pool() -> int:
            self.pools += 1
            return self.pools

        def set_mode(mode: Any) -> None:
            warnings.warn("a prototype", UserWarning, stacklevel=1)
            self.mode = mode

        fakes = {
            "CUDAGraph": Graph, "default_generators": (Generator(),), "Stream": object, "stream": within,
            "device": within, "synchronize": lambda _device: None, "graph_pool_handle": pool,
            "empty_cache": lambda: self.asked.append("empty cache"),
            "get_sync_debug_mode": lambda: self.mode, "set_sync_debug_mode": set_mode,
        }  # fmt: skip
        for name, fake in fakes.items():
            monkeypatch.setattr(torch.cuda, name, fake)


@pytest.fixture
def cuda(monkeypatch):
    monkeypatch.setattr(recordings, "_failed", [])
    return Cuda(monkeypatch)


def work() -> torch.Tensor:
    return torch.ones(1)


def test_recordings_share_a_pool_as_long_as_one_of_them_lives(cuda):
    memory = Memory(GPU)
    first, result = memory.record(work)
    assert result == 1
    second, _ = memory.record(work)
    assert cuda.asked == ["empty cache", "begin in 1", "end", "begin in 1", "end"]
    del first
    gc.collect()
    third, _ = memory.record(work)
    assert cuda.asked[-2:] == ["begin in 1", "end"]
    third()
    assert cuda.asked[-1] == "replay"
    del second, third
    gc.collect()
    cuda.asked.clear()
    memory.record(work)
    assert cuda.asked == ["empty cache", "begin in 2", "end"]


@pytest.mark.parametrize("where", ["in the work", "at the end"])
def test_a_recording_that_fails_leaves_random_numbers_as_they_were(cuda, where):
    memory = Memory(GPU)

    def fails() -> torch.Tensor:
        raise RuntimeError("operation not permitted when stream is capturing")

    cuda.fails = True
    with pytest.raises(RuntimeError, match=r"capturing|previous error"):
        memory.record(fails if where == "in the work" else work)
    assert cuda.state == "as before" and not memory.usable and not memory.graphs
    cuda.asked.clear()
    for each in (memory, Memory(torch.device("cuda", 1))):  # torch's memory takes it for one that goes on, everywhere
        assert not each.usable
        each.release()
    assert cuda.asked == []


def test_what_torch_does_not_give_back_stays_and_nothing_is_lost(cuda, monkeypatch):
    def recording_elsewhere() -> None:
        raise RuntimeError("captures_underway.empty() INTERNAL ASSERT FAILED")

    monkeypatch.setattr(torch.cuda, "empty_cache", recording_elsewhere)
    Memory(GPU).release()


def test_waiting_is_an_error_inside_and_allowed_again_after(cuda):
    memory = Memory(GPU)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with memory.nobody_waits():
            assert cuda.mode == "error"
        assert cuda.mode == 0
        with pytest.raises(RuntimeError), memory.nobody_waits():
            raise RuntimeError("called a synchronizing CUDA operation")
        assert cuda.mode == 0
    memory.release()
    assert cuda.asked == ["empty cache"]


def test_the_cpu_is_never_asked(cuda):
    memory = memory_on(torch.device("cpu"))
    assert memory_on(torch.device("cpu")) is memory
    with memory.nobody_waits():
        pass
    memory.release()
    assert cuda.asked == [] and cuda.mode == 0
