"""The table of metrics is that of the code."""

from ikawaari import meters
from tests.docs import papers


def test_every_metric_is_in_the_table_with_its_labels() -> None:
    told = {
        row[0].strip("`"): tuple(word.strip("`") for word in row[1].split())
        for row in papers.rows(papers.section("docs/operations.md", "Metrics"))
    }
    assert told == {meter.name: meter.labels for meter in meters.ALL}
