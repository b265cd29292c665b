from __future__ import annotations

import pytest

from mixvllm.errors import EstimateError
from mixvllm.memory.rules import RELEASES, rules_of


def test_every_minor_release_from_0_10_on_has_rules() -> None:
    assert sorted(RELEASES) == [(0, minor) for minor in range(10, 34)]


@pytest.mark.parametrize("version", ["0.32", "0.32.1", "v0.32.0", "0.32.0rc1.dev6+g6d4a8e6d2"])
def test_a_patch_or_a_build_has_its_minor_releases_rules(version: str) -> None:
    assert rules_of(version).name == "0.32"


@pytest.mark.parametrize(
    ("version", "from_concurrency"),
    [("0.19.1", False), ("0.20.0", False), ("0.20.2", True), ("0.20", True), ("0.21.0", True)],
)
def test_the_printed_size_changed_its_meaning_at_0_20_2(
    version: str, from_concurrency: bool
) -> None:
    assert rules_of(version).tokens_from_concurrency is from_concurrency


@pytest.mark.parametrize(
    ("version", "percent"), [("0.10", 90), ("0.19", 90), ("0.20.0", 92), ("0.33", 92)]
)
def test_the_default_utilization_rose_with_0_20(version: str, percent: int) -> None:
    assert rules_of(version).default_utilization_percent == percent


def test_cuda_graphs_are_charged_since_0_20() -> None:
    assert [rules_of(version).charges_cuda_graphs for version in ("0.19", "0.20")] == [False, True]


@pytest.mark.parametrize("version", ["0.9.2", "0.34.0", "1.0"])
def test_a_release_that_is_not_modelled_is_refused_by_name(version: str) -> None:
    with pytest.raises(EstimateError, match=f"{version} are not modelled; 0.10 to 0.33 are"):
        rules_of(version)


def test_what_is_no_version_is_refused() -> None:
    with pytest.raises(EstimateError, match="'newest' is not a version of vLLM"):
        rules_of("newest")
