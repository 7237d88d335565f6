import pytest

from sim.schedule import UNKNOWN, pipeline_schedule


def simulate(schedule, stages):
    """A pipeline of plain registers, written as the hardware would be: what each cycle's output shows."""
    registers = [UNKNOWN] * stages
    shown = []
    for cycle in schedule.cycles:
        if cycle.reset:
            registers = [UNKNOWN] * stages
        elif cycle.enable:
            registers = [cycle.pair, *registers[:-1]]
        shown.append(registers[-1])
    return shown


@pytest.mark.parametrize("stages", [1, 2, 3, 7])
@pytest.mark.parametrize("pairs", [1, 2, 300])
def test_expectations_hold_for_plain_registers(stages, pairs):
    schedule = pipeline_schedule(pairs, stages, seed=stages)
    shown = simulate(schedule, stages)
    for cycle, output in zip(schedule.cycles, shown, strict=True):
        assert cycle.expected in (output, UNKNOWN)
    assert {cycle.expected for cycle in schedule.cycles} - {UNKNOWN} == set(range(pairs))


@pytest.mark.parametrize("stages", [2, 3])
def test_every_event_occurs(stages):
    schedule = pipeline_schedule(300, stages, seed=0)
    assert all(schedule.events.values()), schedule.events
    assert schedule.events["resets in mid-stream"] == 2


def test_seed_decides():
    assert pipeline_schedule(50, 2, 1) == pipeline_schedule(50, 2, 1)
    assert pipeline_schedule(50, 2, 1) != pipeline_schedule(50, 2, 2)
