"""Reading `/metrics` as Prometheus does: with the token, by the library's own parser."""

from collections.abc import Mapping
from typing import Any

import requests
from prometheus_client.parser import text_string_to_metric_families

TOKEN = "a-token-for-tests-0123"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
Sample = tuple[str, Mapping[str, str], float]


def samples(text: str) -> list[Sample]:
    """Name, labels and value of each series."""
    return [
        (one.name, one.labels, one.value) for family in text_string_to_metric_families(text) for one in family.samples
    ]


def total(text: str, name: str, **labels: str) -> float:
    """The sum of the series of that name that have these labels."""
    return sum(value for found, have, value in samples(text) if found == name and labels.items() <= have.items())


def of_client(client: Any) -> str:
    """What an application in this process says."""
    answer = client.get("/metrics", headers=HEADERS)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def of_server(url: str) -> str:
    """What a server says."""
    answer = requests.get(f"{url}/metrics", headers=HEADERS, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.text
