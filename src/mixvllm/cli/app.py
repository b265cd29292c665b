"""The `mixvllm` command: a table of commands loaded on use, and the single error boundary."""

from __future__ import annotations

import errno
import gc
import io
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mixvllm.cli.command_table import command_group
from mixvllm.cli.exit_status import ExitStatus
from mixvllm.cli.failures import fail, fail_unexpectedly
from mixvllm.cli.invocation import Invocation
from mixvllm.errors import MixvllmError

if TYPE_CHECKING:
    from mixvllm.cli.output import Output
    from mixvllm.vllm_internals.installed import InstalledEngine

# name: (module, one-line help). `--help` prints this table and imports none of the modules.
COMMANDS = {
    "serve": ("mixvllm.cli.serve", "Serve a model: vLLM behind FastAPI, OpenAI-compatible."),
    "estimate-kv": (
        "mixvllm.cli.estimate_kv",
        "Estimate KV cache and GPU memory before anything is loaded.",
    ),
    "gpus": ("mixvllm.cli.gpus", "Show the GPUs of this machine, and what uses them."),
    "config": ("mixvllm.cli.config", "Check, show and write configuration files."),
    "chat": ("mixvllm.cli.chat", "Talk with a served model, with the tools of MCP servers."),
    "doctor": (
        "mixvllm.cli.doctor",
        "Look at this machine: what is missing, and what to do about it.",
    ),
    "explain": ("mixvllm.cli.explain", "Explain a topic, a setting or a flag, with sources."),
    "status": ("mixvllm.cli.status", "List the servers that run here."),
    "stop": ("mixvllm.cli.stop", "End a running server cleanly."),
}

# Commands that hand what follows `--` to vLLM.
PASSING_ON = frozenset({"serve", "show", "estimate-kv"})

# Set by the shell that asks what a word can become.
COMPLETION_VARIABLE = "_MIXVLLM_COMPLETE"
INSTALL_COMPLETION = "--install-completion"
WIDTH_OF_DESCRIPTIONS = "1000"

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


app = command_group(
    COMMANDS,
    epilog="Example: `mixvllm serve demo` serves a small embedded model on port 8000.",
)


def show_version(ctx: typer.Context, asked: bool) -> None:
    """Print the versions of mixvllm and vLLM, from package metadata alone."""
    if not asked:
        return
    from mixvllm import __version__
    from mixvllm.vllm_internals.installed import installed_engine

    engine = installed_engine()
    built = f"{engine.version} ({engine.build} build)" if engine else "not installed"
    output: Output = ctx.obj.output
    if output.as_json:
        output.json(versions_as_json(engine))
    else:
        output.text(f"mixvllm {__version__}\nvLLM {built}")
    raise typer.Exit


def versions_as_json(engine: InstalledEngine | None) -> dict[str, Any]:
    """The JSON document of `--version`."""
    from mixvllm import __version__

    vllm = {"version": engine.version, "build": engine.build} if engine else None
    return {"mixvllm": __version__, "vllm": vllm}


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", callback=show_version, is_eager=True, help="Print the versions."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks; works with every command.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", hidden=True)] = False,
) -> None:
    """Serve language models with vLLM: know before you load, and stay up.

    Exit codes: 0 done, 1 the work failed, 2 wrong usage, 3 the answer is no.
    """


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    # Imports make no garbage worth looking for, and looking takes a tenth of a short command's
    # time; a command that goes on for longer switches it on again.
    gc.disable()
    _make_streams_usable()
    if COMPLETION_VARIABLE in os.environ:
        # What goes wrong at a Tab is not said: it would stand in the line that is being typed.
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - open to the end
        # typer breaks descriptions at this width, and fish takes each line for a word.
        os.environ["COLUMNS"] = WIDTH_OF_DESCRIPTIONS
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(argv: Sequence[str]) -> int:
    """Run one command; words for every failure are chosen here."""
    if COMPLETION_VARIABLE in os.environ:
        return complete()
    from mixvllm.cli.output import Output  # rich: not for a Tab

    arguments, pass_through = split_pass_through(argv)
    as_json = asks_for_json(arguments)
    debug = "--debug" in arguments
    arguments = ["--debug", *(a for a in arguments if a != "--debug")] if debug else arguments
    output = Output.of_process(as_json=as_json, debug=debug)
    try:
        result = app(
            arguments,
            prog_name="mixvllm",
            standalone_mode=False,
            obj=Invocation(output, pass_through),
        )
        sys.stdout.flush()
    except typer.TyperException as error:
        # The base of every usage error of typer; `Exit` and `Abort` are none. The one without
        # words is a group without a command: its help has been printed.
        if error.format_message():
            from mixvllm.cli.usage_words import usage_words

            output.fail(*usage_words(error))
        return error.exit_code
    except typer.Abort:
        return 130
    except MixvllmError as error:
        return fail(output, error)
    except BrokenPipeError:
        # The reader (`| head`) has gone: not our failure, and nothing is left to tell.
        _drop_stdout()
        return ExitStatus.FAILED
    except Exception as error:
        return _fail_otherwise(output, error, arguments)
    return result if isinstance(result, int) else ExitStatus.DONE


def complete() -> int:
    """Answer the shell, which ends the process; what goes wrong at a Tab is not said."""
    try:
        app((), prog_name="mixvllm", standalone_mode=False)
    except Exception:
        return ExitStatus.FAILED
    return ExitStatus.DONE


def _fail_otherwise(output: Output, error: Exception, arguments: Sequence[str]) -> int:
    """Word what the system says against writing; everything else is a defect."""
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        _drop_stdout()
        sys.stderr.write(f"error: The answer cannot be written: {error.strerror}.\n")
        return ExitStatus.FAILED
    if isinstance(error, OSError) and INSTALL_COMPLETION in arguments:
        output.fail(
            f"Completion cannot be installed: {error.filename}: {error.strerror}.",
            f"`{COMPLETION_VARIABLE}=source_bash mixvllm` prints the script; so do source_zsh and "
            "source_fish.",
        )
        return ExitStatus.FAILED
    return fail_unexpectedly(output, error)


def _make_streams_usable() -> None:
    """Stand in for closed streams (`>&-`), and let no character be too much for a locale."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - open to the end
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115 - open to the end
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _drop_stdout() -> None:
    """Let what is still buffered for stdout go nowhere, so that the end is no second failure."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def split_pass_through(argv: Sequence[str]) -> tuple[list[str], tuple[str, ...] | None]:
    """Divide at the first `--` for the commands that pass the rest on to vLLM."""
    if "--" not in argv:
        return list(argv), None
    cut = argv.index("--")
    ours = list(argv[:cut])
    if not PASSING_ON.intersection(ours):
        return list(argv), None
    return ours, tuple(argv[cut + 1 :])


def asks_for_json(arguments: Sequence[str]) -> bool:
    """Whether failures must be JSON too: `--json`, `--format json`."""
    spelled = " ".join(arguments).replace("--format=", "--format ")
    return "--json" in arguments or "--format json" in spelled
