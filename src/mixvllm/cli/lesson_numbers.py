"""What the marks of the documentation ask for, answered by mixvllm itself.

    estimate MODEL option=value ... : path [as size]       a value of the estimate's JSON;
                                                           `vllm.option` is passed on to vLLM
    product 2 x 40 x 5120 [as size]                        a formula with its numbers
    product 2 x 40 over estimate MODEL : path              how many times the other it is
    setting KEY : default                                  a fact about a setting
    sample logits=2,1 temperature=0.5                      the chance of each token
    console estimate-kv ...                                what a command prints
    table                                                  estimates as rows

A table goes on with a line `title: path [as size]` for each column (the first without a path: the
rows' own), a line `rows:` and a line `label: MODEL option=value ...` for each row.
"""

from __future__ import annotations

import io
import json
import math
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import fields
from functools import cache
from typing import Any

from mixvllm.cli.app import run
from mixvllm.lessons.sampling import SamplingRules, chances
from mixvllm.render.units import parameters_text, size_text
from mixvllm.settings.fields import SettingField, fields_by_key

# So that an answer does not hang on who asks: this release's rules, and nothing measured here.
ALWAYS = ("--vllm-version", "0.32", "--no-measured")
# Fits into a terminal of 80 columns with the indentation of code.
COLUMNS = 76
FACTS: Mapping[str, Callable[[SettingField], str]] = {
    "default": lambda field: field.default_text.removesuffix(".0"),
    "range": lambda field: field.range_text or "any",
    "flag": lambda field: f"`{field.flags[0]}`",
    "environment": lambda field: f"`{field.environment_name}`",
}
FORMS: Mapping[str, Callable[[Any], str]] = {
    "size": lambda value: size_text(int(value)),
    "parameters": parameters_text,
    "count": lambda value: f"{value:,.0f}",
    "times": lambda value: f"{value:.2f}",
    "ratio": lambda value: f"{value:.3g}",
    "milliseconds": lambda value: f"{value * 1000:.1f} ms",
    "gigabytes": lambda value: f"{value / 10**9:.1f} GB",
    "layers": lambda layers: ", ".join(
        f"{each['count']} {each['kind'].replace('_', ' ')}" for each in layers
    ),
    "yes": lambda value: "yes" if value else "no",
    "text": str,
}


def answer(asked: str) -> str:
    """What stands between the marks.

    Raises:
        ValueError: nobody can tell what is asked for.
    """
    kind, _, rest = asked.partition("\n" if asked.startswith("table") else " ")
    match kind:
        case "estimate" | "product":
            return _number(asked)
        case "setting":
            key, _, fact = rest.partition(" : ")
            return FACTS[fact](fields_by_key()[key])
        case "sample":
            return _sampled(rest)
        case "console":
            return _console(rest)
        case "table":
            return _table(rest)
        case _:
            raise ValueError(f"nobody computes {asked!r}")


def _number(asked: str) -> str:
    """A value in its form, or how many times another it is."""
    one, is_ratio, other = asked.partition(" over ")
    value, form = _value(one)
    if is_ratio:
        divisor, form = _value(other)
        value, form = value / divisor, form or "ratio"
    return FORMS[form or _usual_form(value)](value)


def _value(asked: str) -> tuple[Any, str]:
    """`estimate MODEL option=value ... : path [as form]` or `product 2 x 40 [as form]`."""
    asked, _, form = asked.partition(" as ")
    kind, _, rest = asked.partition(" ")
    if kind == "product":
        return math.prod(map(float, rest.split(" x "))), form
    subject, _, path = rest.partition(" : ")
    return _looked_up(_estimate(subject), path), form


def _looked_up(document: Any, path: str) -> Any:
    for step in path.split("."):
        document = document[int(step)] if step.isdigit() else document[step]
    return document


def _usual_form(value: Any) -> str:
    return "times" if isinstance(value, float) else "count"


@cache
def _estimate(subject: str) -> Any:
    model, *options = subject.split()
    ours = [word for option in options if not _is_vllms(option) for word in _flag(option)]
    vllms = [word for option in options if _is_vllms(option) for word in _flag(option)]
    passed_on = ["--", *vllms] if vllms else []
    return json.loads(_printed("estimate-kv", model, *ours, *ALWAYS, "--json", *passed_on))


def _is_vllms(option: str) -> bool:
    return option.startswith("vllm.")


def _flag(option: str) -> list[str]:
    name, _, value = option.removeprefix("vllm.").partition("=")
    return [f"--{name.replace('_', '-')}", *([value] if value else [])]


def _console(command: str) -> str:
    printed = _printed(*shlex.split(command), *ALWAYS)
    lines = [line.rstrip() for line in printed.splitlines()]
    return "\n".join(["```console", f"$ mixvllm {command}", *lines, "```"])


def _table(text: str) -> str:
    """Estimates as rows, with a column for each thing that is looked up in them."""
    columns, _, rows = text.partition("rows:\n")
    titles, paths = zip(*(line.split(": ", 1) for line in columns.splitlines()[1:]), strict=True)
    table = [[columns.splitlines()[0].rstrip(":"), *titles], ["---"] * (len(titles) + 1)]
    for row in rows.splitlines():
        label, subject = row.split(": ", 1)
        table.append([label, *(_number(f"estimate {subject} : {path}") for path in paths)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in table)


def _sampled(asked: str) -> str:
    given = dict(option.split("=") for option in asked.split())
    logits = [float(logit) for logit in given.pop("logits").split(",")]
    written = [int(count) for count in given.pop("written", "").split(",") if count]
    kinds = {field.name: int if field.name == "top_k" else float for field in fields(SamplingRules)}
    asked_for: dict[str, Any] = {name: kinds[name](value) for name, value in given.items()}
    rules = SamplingRules(**asked_for)
    return " | ".join(f"{chance:.1%}" for chance in chances(logits, rules, written))


def _printed(*words: str) -> str:
    """What a command writes to stdout; what it remarks is left out, and exit code 3 is an answer.

    Raises:
        ValueError: it failed.
    """
    heard = io.StringIO()
    remarks = io.StringIO()
    with _bare_environment(), redirect_stdout(heard), redirect_stderr(remarks):
        code = run(words)
    if code not in (0, 3):
        said = heard.getvalue() + remarks.getvalue()
        raise ValueError(f"`mixvllm {shlex.join(words)}` ended with {code}: {said}")
    return heard.getvalue()


@contextmanager
def _bare_environment() -> Iterator[None]:
    """Neither settings of the user nor GPUs of this machine; a fixed width and no colour."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(("MIXVLLM_", "VLLM_")) or name in ("FORCE_COLOR", "CLICOLOR_FORCE"):
            del os.environ[name]
    os.environ |= {"COLUMNS": str(COLUMNS), "NO_COLOR": "1", "CUDA_VISIBLE_DEVICES": ""}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
