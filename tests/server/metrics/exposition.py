"""Metrics as Prometheus reads them."""

from collections.abc import Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families


class Metrics:
    """What an answer of `/metrics` holds, taken apart by Prometheus' own parser."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = list(text_string_to_metric_families(text))
        self.values: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        for family in self.families:
            for sample in family.samples:
                key = sample.name, frozenset(sample.labels.items())
                assert key not in self.values, f"twice: {key}"
                self.values[key] = sample.value

    def value(self, name: str, /, **labels: str) -> float | None:
        return self.values.get((name, frozenset(labels.items())))

    def labels_of(self, name: str) -> list[Mapping[str, str]]:
        return [dict(labels) for each, labels in self.values if each == name]

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.values}


async def scrape(client: httpx.AsyncClient) -> Metrics:
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return Metrics(answer.text)
