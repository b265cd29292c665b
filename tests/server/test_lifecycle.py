import itertools

import pytest

from mixvllm.server.lifecycle import START_UP, Lifecycle, Phase, Progress, allowed_moves

ORDER = [*START_UP, Phase.READY, Phase.DRAINING, Phase.STOPPED]


def at(phase: Phase) -> Lifecycle:
    return Lifecycle(phase=phase)


@pytest.mark.parametrize(("before", "after"), [*itertools.pairwise(ORDER)])
def test_each_phase_leads_to_the_next(before: Phase, after: Phase) -> None:
    assert at(before).move(after)


@pytest.mark.parametrize("phase", [p for p in Phase if p is not Phase.STOPPED])
def test_every_phase_can_stop(phase: Phase) -> None:
    assert Phase.STOPPED in allowed_moves(phase)


@pytest.mark.parametrize(("earlier", "later"), [*itertools.combinations(START_UP, 2)])
def test_start_up_leaves_out_phases_and_never_goes_back(earlier: Phase, later: Phase) -> None:
    assert at(earlier).move(later)

    lifecycle = at(later)

    assert not lifecycle.move(earlier)
    assert lifecycle.phase is later


def test_stopped_is_the_end() -> None:
    assert allowed_moves(Phase.STOPPED) == frozenset()


def test_progress_belongs_to_its_phase() -> None:
    lifecycle = at(Phase.STARTING)
    lifecycle.move(Phase.LOADING, Progress("file 1 of 2", 0.5))
    lifecycle.move(Phase.WARMING)

    assert lifecycle.progress is None


def test_a_code_is_kept_by_a_start_up_alone() -> None:
    lifecycle = at(Phase.READY)
    lifecycle.move(Phase.RESTARTING)
    assert lifecycle.code is None
    lifecycle.move(Phase.RESTARTING, Progress("now"), code="out-of-gpu-memory")
    lifecycle.move(Phase.LOADING)
    assert lifecycle.code == "out-of-gpu-memory"
    lifecycle.move(Phase.READY)
    assert lifecycle.code is None


def test_listeners_hear_of_changes_and_of_nothing_else() -> None:
    heard: list[tuple[Phase, Progress | None]] = []
    lifecycle = at(Phase.STARTING)
    lifecycle.subscribe(lambda changed: heard.append((changed.phase, changed.progress)))
    half = Progress("half", 0.5)

    lifecycle.move(Phase.LOADING, half)
    lifecycle.move(Phase.LOADING, half)
    lifecycle.move(Phase.CHECKING)
    lifecycle.stop("no memory")
    lifecycle.stop("another reason")

    assert heard == [(Phase.LOADING, half), (Phase.STOPPED, None)]
    assert lifecycle.error == "no memory"


def test_elapsed_time_counts_from_the_beginning() -> None:
    times = iter([10.0, 13.5])

    assert Lifecycle(clock=lambda: next(times)).elapsed_s == 3.5
