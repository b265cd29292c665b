"""The one door to development: `nox` checks everything, `nox -s demo` serves the demo model."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.10.14"
nox.options.reuse_venv = "yes"
# The engine's tests come last, so that a run closes with pytest's own summary.
nox.options.sessions = ["lint", "types", "docs", "tests", "engine"]

ROOT = Path(__file__).parent
PROJECT = nox.project.load_toml("pyproject.toml")
PINS = "requirements/cpu.txt"
# The pinned wheels of the engine are for this Python.
PYTHON = (3, 11)
# The share of branches and lines that `tests` and `engine` must reach together.
COVERAGE_FLOOR = 92
# Modules that write documents: each is run with --check.
DOCUMENT_WRITERS = ("mixvllm.cli.reference", "mixvllm.cli.lessons")
BENCHMARKS = (
    "benchmarks/start.py",
    "benchmarks/catalogue.py",
    "benchmarks/serve_start.py",
    "benchmarks/serve_http.py",
    "benchmarks/gateway_layer.py",
    "benchmarks/gateway_socket.py",
)

finished: set[str] = set()


@nox.session(venv_backend="none", default=False)
def demo(session: nox.Session) -> None:
    """Serve the embedded model at port 8000; what follows `--` is passed on."""
    mixvllm = str(engine_environment(session) / "bin" / "mixvllm")
    arguments = ["serve", "demo", "--port", "8000", *session.posargs]
    # Open streams may go on for a while after Ctrl-C; nox would kill the server at once.
    session.run(mixvllm, *arguments, external=True, interrupt_timeout=60, terminate_timeout=30)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format with ruff, the Kubernetes manifest, and the Dockerfiles."""
    session.install("--retries", "1", *nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("kubernetes-validate", "--strict", "--quiet", "deploy/kubernetes.yaml")
    session.run("hadolint", "deploy/docker/cpu.Dockerfile", "deploy/docker/cuda.Dockerfile")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy, in the versions of the pinned list."""
    group = nox.project.dependency_groups(PROJECT, "types")
    session.install("--retries", "1", "-c", constraints(session), "-e", ".[chat]", *group)
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Check the generated documents, and build the manual with every warning an error."""
    environment = engine_environment(session)
    for module in DOCUMENT_WRITERS:
        run_python(session, environment, "-m", module, "--check")
    session.install("--retries", "1", *nox.project.dependency_groups(PROJECT, "docs"))
    session.run("python", "-m", "website.mermaid")
    # Not its advertisement, and this directory, where its hooks are.
    quiet = {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    session.run("mkdocs", "build", "--strict", "--quiet", env=quiet)
    session.log(f"the manual: {(ROOT / 'build' / 'site' / 'index.html').as_uri()}")


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """Run the tests that need no engine, no GPU and no network, in two processes."""
    two_at_once = ["-n", "2", "--dist", "loadscope"]
    chosen = "not engine and not faults and not gpu and not network"
    run_pytest(session, chosen, "--cov-report=", *two_at_once)
    finished.add("tests")


@nox.session(venv_backend="none")
def engine(session: nox.Session) -> None:
    """Run the tests that start the real engine; after `tests`, report coverage of both."""
    coverage = ["--cov-append", "--cov-report=term"]
    if "tests" in finished and not session.posargs:
        coverage.append(f"--cov-fail-under={COVERAGE_FLOOR}")
    run_pytest(session, "engine and not faults and not gpu and not network", *coverage)


@nox.session(default=False)
def packages(session: nox.Session) -> None:
    """Build wheel and sdist, and try them in empty environments of each Python, by uv and pipx."""
    dist = Path(session.create_tmp()) / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    session.install("--retries", "1", *nox.project.dependency_groups(PROJECT, "packages"))
    session.run("python", "-m", "build", "--outdir", str(dist), ".", silent=True)
    session.run("twine", "check", "--strict", *map(str, dist.iterdir()))
    session.run("python", "tests/packages/installs.py", str(dist))


@nox.session(venv_backend="none", default=False)
def release_notes(session: nox.Session) -> None:
    """Print the changelog's section of a version: `nox -s release_notes -- 0.2.0`."""
    version = session.posargs[0] if session.posargs else "Unreleased"
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    section = re.search(
        rf"^## \[{re.escape(version)}\].*?\n(.*?)(?=^## |\Z)", changelog, re.M | re.S
    )
    if section is None:
        session.error(f"CHANGELOG.md has no section [{version}].")
    sys.stdout.write(section[1].strip() + "\n")


@nox.session(venv_backend="none", default=False)
def faults(session: nox.Session) -> None:
    """Hurt real servers in every way of docs/reliability.md and show the figures (half an hour)."""
    environment = engine_environment(session, with_tests=True)
    chosen = session.posargs or ["tests/faults"]
    run_python(session, environment, "-m", "pytest", "-m", "faults", "--no-cov", *chosen)


@nox.session(venv_backend="none", default=False)
def bench(session: nox.Session) -> None:
    """Run the benchmarks; what follows `--` chooses among them."""
    environment = engine_environment(session, with_tests=True)
    for benchmark in session.posargs or BENCHMARKS:
        run_python(session, environment, "-m", benchmark.removesuffix(".py").replace("/", "."))


@nox.session(venv_backend="none", default=False)
def oracle(session: nox.Session) -> None:
    """Compare the memory rules with vLLM's planner; after `--` a folder of config.json files."""
    environment = engine_environment(session, with_tests=True)
    run_python(session, environment, "benchmarks/oracle.py", *session.posargs)


@nox.session(venv_backend="none", default=False)
def calculators(session: nox.Session) -> None:
    """Ask other calculators; after `--` a folder of config.json files."""
    environment = engine_environment(session, with_tests=True)
    run_python(session, environment, "-m", "benchmarks.calculators", *session.posargs)


@nox.session(venv_backend="none", default=False)
def golden(session: nox.Session) -> None:
    """Compare golden rows and builds with the installed vLLM; after `--` a folder of configs.

    `--write` writes them anew.
    """
    environment = engine_environment(session, with_tests=True)
    for module in ("benchmarks.golden", "benchmarks.builds"):
        run_python(session, environment, "-m", module, *session.posargs)


def run_pytest(session: nox.Session, marks: str, *coverage: str) -> None:
    """Run pytest on the tests with these marks; what follows `--` is passed on."""
    environment = engine_environment(session, with_tests=True)
    arguments = ["-m", "pytest", "-m", marks, "--cov", *coverage, *session.posargs]
    run_python(session, environment, *arguments)


def run_python(session: nox.Session, environment: Path, *arguments: str) -> None:
    """Run the environment's Python, with its commands first in the path."""
    path = f"{environment / 'bin'}:{os.environ['PATH']}"
    session.run(str(environment / "bin" / "python"), *arguments, external=True, env={"PATH": path})


def engine_environment(session: nox.Session, *, with_tests: bool = False) -> Path:
    """The one environment that holds the pinned CPU engine, made once and shared by sessions.

    It is made anew when the pins change; a second run installs nothing.
    """
    environment = Path(session.cache_dir).parent / "engine-environment"
    pins = (ROOT / PINS).read_text(encoding="utf-8")
    if not is_done(environment, "pins", pins):
        shutil.rmtree(environment, ignore_errors=True)
        interpreter = required_python(session)
        create = [sys.executable, "-m", "virtualenv", "--quiet", "--python", interpreter]
        session.run(*create, str(environment), external=True, silent=True)
        install(session, environment, "--no-deps", "-r", PINS)
        set_done(environment, "pins", pins)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    if not is_done(environment, "project", project):
        install(session, environment, "--no-deps", "-e", ".")
        set_done(environment, "project", project)
    group = nox.project.dependency_groups(PROJECT, "test")
    if with_tests and not is_done(environment, "tests", " ".join(group)):
        install(session, environment, "-c", constraints(session), *group)
        set_done(environment, "tests", " ".join(group))
    return environment


def install(session: nox.Session, environment: Path, *arguments: str) -> None:
    """Run pip in the environment; one retry, for the list's find-links may be out of reach."""
    pip = [str(environment / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    session.run(*pip, "install", "-qq", "--retries", "1", *arguments, external=True)


def constraints(session: nox.Session) -> str:
    """A file of the bare pins: the list's find-links would be asked again for each package."""
    lines = (ROOT / PINS).read_text(encoding="utf-8").splitlines()
    bare = Path(session.cache_dir) / "constraints.txt"
    bare.write_text("\n".join(line for line in lines if "==" in line), encoding="utf-8")
    return str(bare)


def required_python(session: nox.Session) -> str:
    """The interpreter that the pins are for: nox's own, or one in the path."""
    wanted = ".".join(map(str, PYTHON))
    found = sys.executable if sys.version_info[:2] == PYTHON else shutil.which(f"python{wanted}")
    if not found:
        running = ".".join(map(str, sys.version_info[:2]))
        session.error(
            f"The pinned CPU engine needs Python {wanted}: nox runs on {running}, and there is no "
            f"python{wanted} in the path. Install Python {wanted} and run nox again."
        )
    return found


def is_done(environment: Path, step: str, key: str) -> bool:
    """Whether the step was finished in this environment with the same key."""
    stamp = environment / f"{step}.stamp"
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == fingerprint(key)


def set_done(environment: Path, step: str, key: str) -> None:
    """Remember that the step was finished."""
    (environment / f"{step}.stamp").write_text(fingerprint(key), encoding="utf-8")


def fingerprint(text: str) -> str:
    """A short text that changes with the given one."""
    return hashlib.sha256(text.encode()).hexdigest()
