"""Where the server listens, who may ask, what it bears, and how it ends."""

from __future__ import annotations

from typing import Literal

from pydantic import SecretStr

from mixvllm.settings.declaration import Section, setting


class ServerConfig(Section):
    """Where it listens, who may ask, and how it ends."""

    host: str = setting(
        "0.0.0.0",
        "The address to listen on; 127.0.0.1 keeps the server to this machine.",
        trade_off="0.0.0.0 is open to the network: set `api_key` with it.",
        example="127.0.0.1",
        min_length=1,
    )
    port: int = setting(8000, "The TCP port to listen on.", example=8000, ge=1024, le=65535)
    workers: int = setting(
        1,
        "The number of API processes in front of the engine.",
        trade_off="More help only where tokenizing many small requests is the limit; each takes "
        "about 0.8 GB of memory.",
        example=1,
        ge=1,
    )
    api_key: SecretStr | None = setting(
        None,
        "The key that every request must carry (`Authorization: Bearer ...`).",
        trade_off="Best given as MIXVLLM_SERVER__API_KEY, so that it stands in no file.",
        example="a-long-random-text",
        min_length=1,
    )
    shutdown_grace_s: float = setting(
        10.0,
        "Seconds that open streams may go on after Ctrl-C or SIGTERM.",
        trade_off="Longer finishes more answers and delays the restart.",
        example=10,
        ge=0,
    )
    restart: Literal["on-failure", "never"] = setting(
        "on-failure",
        "Whether a dead engine is started again.",
        trade_off="`never` ends the server at once and leaves restarting to what started it.",
        example="on-failure",
    )
    max_restarts: int = setting(
        5,
        "The most engine restarts in 10 minutes before the server gives up.",
        example=5,
        ge=0,
    )
    warm_start: Literal["auto", "never"] = setting(
        "auto",
        "Whether vLLM is imported ahead by a process that the engine's are copied from.",
        trade_off="`auto` does so with the CPU build and saves two of three imports; `never` lets "
        "each process import vLLM anew, as vLLM does.",
        example="never",
    )
    health_timeout_s: float = setting(
        60.0,
        "Seconds without a sign of life after which an engine counts as hung and is replaced.",
        trade_off="Must be longer than the longest step of the engine; 0 never asks it.",
        example=60,
        ge=0,
    )
    max_body_mib: float = setting(
        32.0,
        "The largest request body in MiB; a larger one is answered with 413.",
        trade_off="Images and sound stand in the body; each such body is held in memory.",
        example=32,
        gt=0,
    )
    max_concurrent_requests: int = setting(
        1024,
        "How many requests the engine is given at once; further ones wait for their turn.",
        trade_off="Beyond `max_num_seqs` the engine has a queue of its own.",
        example=256,
        ge=1,
    )
    max_queued_requests: int = setting(
        1024,
        "How many requests may wait for their turn; further ones are answered with 429.",
        trade_off="A long queue hides overload from clients until they give up.",
        example=100,
        ge=0,
    )
    max_n: int = setting(
        16,
        "The most answers that one request may ask for (`n`).",
        trade_off="Each is a sequence of its own: `n: 10000` alone keeps a server busy.",
        example=16,
        ge=1,
    )
    client_timeout_s: float = setting(
        60.0,
        "Seconds that a client may take for its headers, for the next piece of its body, or to "
        "read what was sent.",
        trade_off="Slower clients are cut off; 0 lets them hold a connection for ever.",
        example=60,
        ge=0,
    )
    keep_alive_s: float = setting(
        75.0,
        "Seconds that an idle connection is kept for the next request.",
        trade_off="Must be longer than a proxy in front keeps its own (nginx and most load "
        "balancers: 60), or some of its requests fail.",
        example=75,
        ge=0,
    )
    sse_keep_alive_s: float = setting(
        15.0,
        "Seconds of silence after which a stream gets a comment, so that no proxy cuts it.",
        trade_off="Clients skip comments; 0 sends none.",
        example=15,
        ge=0,
    )
    log_format: Literal["text", "json"] = setting(
        "text",
        "How log lines are written: `text` for people, `json` for log collectors.",
        example="json",
    )
