import pytest

from mixvllm.vllm_internals.failure_cause import LONGEST, FailureCause, cause_of_exception
from mixvllm.vllm_internals.output_lines import parse

NO_ROOM = (
    "To serve at least one request with the model's max seq len (8192), (0.35 GiB KV cache is "
    "needed, which is larger than the available KV cache memory (0.04 GiB). Based on the available "
    "memory, the estimated maximum model length is 896."
)
PREFIX = "(EngineCore pid=6136) ERROR 11-22 14:21:22 [core.py:1510] "
FAILED_START = [
    "(EngineCore pid=6136) INFO 11-22 14:21:20 [core.py:133] Initializing a V1 LLM engine",
    PREFIX + "EngineCore failed to start.",
    PREFIX + "Traceback (most recent call last):",
    PREFIX + '  File "core.py", line 1482, in run_engine_core',
    PREFIX + "    engine_core = EngineCoreProc(*args, **kwargs)",
    PREFIX + f"ValueError: {NO_ROOM}",
    "(EngineCore pid=6136) ERROR 11-22 14:21:26 [multiproc_executor.py:315] "
    "Worker proc VllmWorker-0 died unexpectedly (exit code: 0), shutting down executor.",
    "Process EngineCore:",
    "Traceback (most recent call last):",
    '  File "process.py", line 314, in _bootstrap',
    "ValueError: printed once more",
]


def cause_in(lines: list[str]) -> str | None:
    failure = FailureCause()
    for line in lines:
        failure.read(parse(line))
    return failure.cause.text if failure.cause else None


def test_the_cause_is_what_the_first_logged_traceback_ends_with() -> None:
    assert cause_in(FAILED_START) == NO_ROOM


def test_a_cause_that_is_known_is_recognised_by_its_whole_text() -> None:
    failure = FailureCause()
    for line in FAILED_START:
        failure.read(parse(line))

    assert failure.cause is not None
    assert failure.cause.known is not None
    assert failure.cause.known.numbers["longest"] == "896"


def test_a_traceback_that_was_only_printed_counts_when_none_was_logged() -> None:
    assert cause_in(FAILED_START[7:]) == "printed once more"


def test_a_logged_error_counts_before_a_printed_one_that_came_first() -> None:
    handled = ["Traceback (most recent call last):", "ImportError: an optional package"]

    assert cause_in([*handled, *FAILED_START]) == NO_ROOM


def test_the_wrapper_around_the_cause_is_not_the_cause() -> None:
    wrapper = "RuntimeError: Engine core initialization failed. See root cause above."

    assert cause_in(["Traceback (most recent call last):", wrapper]) is None


def test_what_the_requests_of_a_dead_engine_are_told_is_not_the_cause() -> None:
    told = [
        PREFIX + "Traceback (most recent call last):",
        PREFIX + "vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue. See "
        "stack trace (above) for the root cause.",
    ]

    assert cause_in(told) is None
    assert cause_in([*told, *FAILED_START]) == NO_ROOM


def test_a_worker_that_died_without_a_word_is_better_than_nothing() -> None:
    died = "Worker proc VllmWorker-0 died unexpectedly (exit code: -9), shutting down executor."

    assert cause_in([f"(EngineCore pid=1) ERROR 11-22 14:21:26 [m.py:3] {died}"]) == died


def test_tracebacks_of_two_processes_at_once_are_kept_apart() -> None:
    one, two = (
        "(A pid=1) ERROR 11-22 14:21:22 [c.py:1] ",
        "(B pid=2) ERROR 11-22 14:21:22 [c.py:1] ",
    )

    assert cause_in([one + "Traceback (most recent call last):", two + "KeyError: not one"]) is None


def test_warnings_with_tracebacks_are_no_causes() -> None:
    prefix = "(A pid=1) WARNING 11-22 14:21:22 [c.py:1] "

    assert cause_in([prefix + "Traceback (most recent call last):", prefix + "OSError: x"]) is None


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ValueError("too long"), "too long"),
        (KeyError("a"), "KeyError: 'a'"),
        (OSError("no such file"), "OSError: no such file"),
        (RuntimeError("Engine core initialization failed. See root cause above."), None),
        (
            ValueError(
                "1 validation error for ModelConfig\n"
                "  Value error, max_model_len is too large. [type=value_error, input_value=Args]\n"
                "    For further information visit https://errors.pydantic.dev/2.14/v/value_error"
            ),
            "max_model_len is too large.",
        ),
    ],
)
def test_an_exception_raised_here_is_worded(error: Exception, cause: str | None) -> None:
    found = cause_of_exception(error)

    assert (found.text if found else None) == cause


def test_a_long_cause_is_cut_at_the_end_of_a_sentence() -> None:
    cause = cause_of_exception(ValueError("A sentence of some length. " * 50))

    assert cause is not None
    assert cause.text.endswith("A sentence of some length.")
    assert len(cause.text) <= LONGEST


def test_an_engine_that_lost_its_worker_died_of_that() -> None:
    died = "Worker proc VllmWorker-0 died unexpectedly (exit code: -9), shutting down executor."
    lines = [
        f"(EngineCore pid=1) ERROR 11-22 14:21:26 [multiproc_executor.py:315] {died}",
        PREFIX + "Traceback (most recent call last):",
        PREFIX + '  File "shm_broadcast.py", line 867, in acquire_read',
        PREFIX + "RuntimeError: cancelled",
    ]

    assert cause_in(lines) == died


def test_an_assertion_without_a_message_is_the_cause_before_what_it_led_to() -> None:
    worker = "(Worker_PP1 pid=2) ERROR 11-22 21:35:55 [multiproc_executor.py:1063] "
    lines = [
        worker + "Traceback (most recent call last):",
        worker + '  File "gpu_model_runner.py", line 3174, in sync_and_gather',
        worker + "    assert self.intermediate_tensors is not None",
        worker + "AssertionError",
        PREFIX + "Traceback (most recent call last):",
        PREFIX + "KeyError: 'cmpl-5288'",
    ]

    assert cause_in(lines) == "AssertionError, without a word of why"
