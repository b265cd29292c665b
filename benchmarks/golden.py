"""Make the golden rows of `tests/data/kv_golden.json` anew from the installed vLLM.

`python -m benchmarks.golden FOLDER` (`--check`, the default) ends with 1 if a number has moved;
`--write` writes what vLLM says now. FOLDER has the models' config.json files as
`<owner>__<name>.json`; a row whose model is not there, or that came from elsewhere (a log, specs by
hand, another release, an engine), is left as it is and counted.
"""

from __future__ import annotations

import json
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from benchmarks.oracle import Run, asked, run_of
from mixvllm.vllm_internals.installed import require_engine
from mixvllm.vllm_internals.planner_capacity import PlannerSettings

GOLDEN = Path(__file__).parents[1] / "tests" / "data" / "kv_golden.json"
# Golden names that are not the beginning of one file's name alone.
FILES = {
    "Llama-3.1-70B": "meta-llama__Llama-3.1-70B-Instruct",
    "Llama-3.1-70B-FP8": "nvidia__Llama-3.1-70B-Instruct-FP8",
    "Qwen2.5-7B": "Qwen__Qwen2.5-7B",
    "Qwen3-30B-A3B": "Qwen__Qwen3-30B-A3B",
    "MiniMax-M2.5": "MiniMaxAI__MiniMax-M2.5",
    "DeepSeek-V3": "deepseek-ai__DeepSeek-V3",
    "Qwen3-Next-80B-A3B": "Qwen__Qwen3-Next-80B-A3B-Instruct",
    "Qwen3.5-397B-A17B": "Qwen__Qwen3.5-397B-A17B",
    "DeepSeek-V4-Flash": "deepseek-ai__DeepSeek-V4-Flash",
    "DeepSeek-V4-Pro": "deepseek-ai__DeepSeek-V4-Pro",
}
KNOWN_SETTINGS = frozenset(field.name for field in fields(PlannerSettings))

Row = dict[str, Any]


def config_of(model: str, folder: Path) -> Path | None:
    """The file of a golden model; None where the folder has none, or several that might be it."""
    if model in FILES:
        path = folder / f"{FILES[model]}.json"
        return path if path.is_file() else None
    found = [path for path in folder.glob(f"*__{model}*.json") if ".hf_quant" not in path.name]
    return found[0] if len(found) == 1 else None


def question(row: Row, folder: Path) -> Run | None:
    """The row as a question to vLLM; None where it cannot be asked here."""
    release = ".".join(map(str, require_engine().release))
    path = config_of(row["model"], folder)
    from_a_build = row["source"] == "meta device" and row["version"] == release
    if path is None or not from_a_build or not KNOWN_SETTINGS.issuperset(row["serving"]):
        return None
    run = run_of(path, {})
    return replace(run, settings=row["serving"], available_bytes=row["available_bytes"])


def said(row: Row, answer: dict[str, Any]) -> dict[str, Any]:
    """VLLM's answer in the row's own terms."""
    numbers = {name: answer.get(name) for name in row["expected"]}
    if answer.get("max_concurrency") is not None:
        numbers["max_concurrency"] = f"{answer['max_concurrency']:.2f}"
    return numbers


def written(document: dict[str, Any]) -> str:
    """The document as the file has it: a model or a row on each line."""
    models = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in document["models"].items())
    rows = ",\n".join(json.dumps(row) for row in document["rows"])
    return f'{{"models": {{\n{models}\n}}, "rows": [\n{rows}\n]}}\n'


def main() -> int:
    """Ask vLLM, print what has moved, and say whether anything has."""
    arguments = [each for each in sys.argv[1:] if each not in ("--check", "--write")]
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("skipped: name a folder of published config.json files to compare with")
        return 0
    document = json.loads(GOLDEN.read_text("utf-8"))
    questions = [(row, question(row, Path(arguments[0]))) for row in document["rows"]]
    asking = [(row, run) for row, run in questions if run is not None]
    moved = 0
    for (row, _), answer in zip(asking, asked([run for _, run in asking]), strict=True):
        now = said(row, answer)
        if now != row["expected"]:
            moved += 1
            why = answer.get("error") or answer.get("refusal") or now
            print(f"moved: {row['model']} {row['serving']}\n  was {row['expected']}\n  is {why}")
            if answer.get("num_blocks") is not None:
                row["expected"] = now
    print(f"{len(asking)} rows asked, {moved} moved, {len(questions) - len(asking)} not asked here")
    if "--write" in sys.argv:
        GOLDEN.write_text(written(document), encoding="utf-8")
        return 0
    return 1 if moved else 0


if __name__ == "__main__":
    sys.exit(main())
