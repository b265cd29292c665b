from mixvllm.server.restarts import RestartBudget


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_first_restart_is_at_once_and_each_further_one_waits_longer() -> None:
    budget = RestartBudget(4)

    assert [budget.take() for _ in range(5)] == [0.0, 1.0, 2.0, 4.0, None]


def test_a_restart_no_longer_counts_when_the_window_has_passed() -> None:
    clock = Clock()
    budget = RestartBudget(1, window_s=600, clock=clock)
    budget.take()
    assert not budget.is_left

    clock.now = 601

    assert budget.take() == 0.0


def test_no_pause_is_longer_than_half_a_minute() -> None:
    budget = RestartBudget(20)

    assert max(budget.take() or 0 for _ in range(20)) == 30.0
