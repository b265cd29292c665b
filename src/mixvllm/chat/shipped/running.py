"""What the mixvllm servers of this machine say of themselves: `/status` and vLLM's metrics."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from mixvllm.server.registry import RunningServer, running_servers

TIMEOUT_S = 3.0
KEY_VARIABLE = "MIXVLLM_SERVER__API_KEY"
SAMPLE = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)(\{.*\})? (?P<value>\S+)", re.MULTILINE)


@dataclass(frozen=True)
class ServerReport:
    """One server now; what it did not tell is None.

    Attributes:
        url: Where it answers.
        model: The name that requests use.
        phase: What it is doing.
        elapsed_s: Seconds since it began.
        progress: How far the phase is, in words.
        restarts: How often a dead engine was replaced.
        error: What went wrong, if it did.
        kv_cache_tokens: The size of its KV cache, by vLLM.
        kv_cache_tokens_predicted: The same by mixvllm's estimate.
        kv_cache_used_percent: How much of it is in use.
        requests_running: Requests that the engine works on.
        requests_waiting: Requests that wait for it.
        vllm: The version of vLLM.
        problem: Why there is no more of it.
    """

    url: str
    model: str
    phase: str
    elapsed_s: float | None = None
    progress: str | None = None
    restarts: int | None = None
    error: str | None = None
    kv_cache_tokens: int | None = None
    kv_cache_tokens_predicted: int | None = None
    kv_cache_used_percent: float | None = None
    requests_running: int | None = None
    requests_waiting: int | None = None
    vllm: str | None = None
    problem: str | None = None


def reports(api_key: str | None) -> list[dict[str, Any]]:
    """Every server that this user runs on this machine, by port."""
    return [asdict(report(server, api_key)) for server in running_servers()]


def report(server: RunningServer, api_key: str | None) -> ServerReport:
    """One server, as far as it answers."""
    known = ServerReport(server.url, server.model, server.phase)
    try:
        status = json.loads(_get(f"{server.url}/status", api_key))
        samples = list(_samples(_get(f"{server.url}/metrics", api_key)))
    except HTTPError as error:
        return replace(known, problem=_refusal(error))
    except (OSError, ValueError, HTTPException) as error:
        return replace(known, problem=f"it does not answer: {error}")
    used = [value for name, value in samples if name == "vllm:kv_cache_usage_perc"]
    return ServerReport(
        url=server.url,
        model=status["model"] or server.model,
        phase=status["phase"],
        elapsed_s=status["elapsed_s"],
        progress=(status["progress"] or {}).get("detail"),
        restarts=status["restarts"],
        error=status["error"],
        kv_cache_tokens=status["kv_cache"]["actual_tokens"],
        kv_cache_tokens_predicted=status["kv_cache"]["predicted_tokens"],
        kv_cache_used_percent=round(100 * max(used), 1) if used else None,
        requests_running=_sum_of("vllm:num_requests_running", samples),
        requests_waiting=_sum_of("vllm:num_requests_waiting", samples),
        vllm=status["versions"]["vllm"],
    )


def _get(url: str, api_key: str | None) -> str:
    request = Request(url, headers={"Authorization": f"Bearer {api_key}"} if api_key else {})
    # The server is on this machine: no proxy stands in between.
    with build_opener(ProxyHandler({})).open(request, timeout=TIMEOUT_S) as response:
        return str(response.read().decode())


def _refusal(error: HTTPError) -> str:
    if error.code in (401, 403):
        return f"it asks for its key: set {KEY_VARIABLE} where the chat is started"
    return f"it answered {error.code} {error.reason}"


def _samples(metrics: str) -> Iterator[tuple[str, float]]:
    """Names and values of Prometheus's text format, labels left aside."""
    for found in SAMPLE.finditer(metrics):
        yield found["name"], float(found["value"])


def _sum_of(name: str, samples: list[tuple[str, float]]) -> int | None:
    """The sum over all engines; None where there is none."""
    values = [value for each, value in samples if each == name]
    return int(sum(values)) if values else None
