"""vLLM's own KV-cache planner, asked without a GPU and without weights.

`python -m mixvllm.vllm_internals.planner` reads one JSON request a line and writes one JSON answer
a line, several models in one process, for importing vLLM takes most of the time. A request has

    model            a directory with a config.json, or
    config           the document itself (and `hf_quant_config`), or
    specs            for each pipeline stage, its layers' cache specs (`planner_specs.py`)
    available_bytes  bytes for the cache on one rank, or a list with one for each stage
    serving          the settings of `PlannerSettings`

and an answer the numbers of `PlannerAnswer`, or `error`. With `survey` it is all of `Survey`
instead (`available_bytes` may be null then), and there may be

    code             a directory with the checkpoint's own code, which is run
    fit_length       whether the length becomes the longest that fits

It stands in a process of its own because it changes vLLM: a CPU build is made to plan as a CUDA
server does.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from mixvllm.errors import MixvllmError
from mixvllm.vllm_internals.failure_cause import cause_of_exception
from mixvllm.vllm_internals.planner_answers import Survey
from mixvllm.vllm_internals.planner_capacity import PlannerAnswer, PlannerSettings, capacity

DOCUMENTS = ("config", "hf_quant_config")
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
    # A what-if may ask for more than the model was trained on.
    "VLLM_ALLOW_LONG_MAX_MODEL_LEN": "1",
}


def answer(request: dict[str, Any]) -> PlannerAnswer | Survey:
    """Plan for one request.

    Raises:
        ValueError: vLLM refuses the model or the settings.
    """
    from mixvllm.vllm_internals.planner_model import plan_of_documents
    from mixvllm.vllm_internals.planner_specs import engine_config, specs_from
    from mixvllm.vllm_internals.planner_survey import survey

    settings = PlannerSettings(**request.get("serving", {}))
    available = request["available_bytes"]
    if "specs" in request:
        specs = [specs_from(stage) for stage in request["specs"]]
        return capacity(engine_config(settings), settings, specs, available)
    documents = {name: request[name] for name in DOCUMENTS if name in request}
    if "model" in request:
        documents = read_documents(Path(request["model"]))
    if request.get("survey"):
        more = {name: request[name] for name in ("code", "fit_length") if name in request}
        return survey(documents, settings, available, **more)
    return plan_of_documents(documents, settings, available)


def read_documents(directory: Path) -> dict[str, Any]:
    """The documents of a model's directory."""
    return {
        name: json.loads(Path(directory, f"{name}.json").read_text(encoding="utf-8"))
        for name in DOCUMENTS
        if Path(directory, f"{name}.json").is_file()
    }


def answer_line(line: str) -> str:
    """The answer to one line; whatever goes wrong is an answer too, for others wait."""
    try:
        request = json.loads(line)
        # vLLM and its libraries print to stdout what they please.
        with redirect_stdout(sys.stderr):
            return json.dumps(asdict(answer(request)))
    except MixvllmError as error:
        return json.dumps({"error": error.message})
    except Exception as error:
        return json.dumps({"error": cause_of_exception(error) or type(error).__name__})


def serve(requests: IO[str], answers: IO[str]) -> None:
    """Answer every line until there are no more."""
    for line in requests:
        if line.strip():
            answers.write(answer_line(line) + "\n")
            answers.flush()


def main() -> None:
    """Answer the lines of stdin on stdout."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    serve(sys.stdin, sys.stdout)


if __name__ == "__main__":
    main()
