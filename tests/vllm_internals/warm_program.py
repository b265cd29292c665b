"""A program with a fork server: prints what processes of a `WarmContext` find.

`python -m tests.vllm_internals.warm_program [NAME=VALUE | kill]...`: variables that are set after
the fork server has started, and its end.
"""

import json
import os
import signal
import sys
from multiprocessing import forkserver
from multiprocessing.connection import Connection

import psutil

from mixvllm.vllm_internals.warm_processes import WarmContext, at_load, copies_beside
from mixvllm.vllm_internals.warm_start import start_fork_server

# Loaded by the fork server and by nothing else.
AHEAD = "tests.vllm_internals.loaded_ahead"


def look(answers: Connection) -> None:
    """Runs in the process that is started."""
    answers.send(
        {
            "copied": AHEAD in sys.modules,
            "late": os.environ.get("LATE"),
            "threads": os.environ.get("OMP_NUM_THREADS"),
            "cpus": sorted(os.sched_getaffinity(0)),
        }
    )
    answers.recv()
    sys.exit(3)


def main() -> None:
    expected = at_load(os.environ)
    start_fork_server(dict(os.environ) | {"OMP_NUM_THREADS": "1"}, AHEAD)
    context = WarmContext(expected)
    for given in sys.argv[1:]:
        name, _, value = given.partition("=")
        if name == "kill":
            server = psutil.Process(forkserver._forkserver._forkserver_pid)  # type: ignore[attr-defined]
            server.send_signal(signal.SIGKILL)
            psutil.wait_procs([server])
        else:
            os.environ[name] = value
    pipes = [context.Pipe() for _ in range(2)]
    processes = [context.Process(target=look, args=(theirs,)) for _, theirs in pipes]
    for process in processes:
        process.start()
    found = [ours.recv() for ours, _ in pipes]
    beside = [copy.pid for copy in copies_beside(psutil.Process(processes[0].pid))]
    for ours, _ in pipes:
        ours.send("end")
    for process in processes:
        process.join()
    codes = [process.exitcode for process in processes]
    sys.stdout.write(
        json.dumps({"found": found, "codes": codes, "beside": beside == [processes[1].pid]})
    )


if __name__ == "__main__":
    main()
