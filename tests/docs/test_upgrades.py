"""The page of upgrades says which migrations an older version works with, and for which of them payments wait."""

import re
from pathlib import Path

import ikawaari
from tests.docs import papers

FOLDER = Path(ikawaari.__file__).parent / "store" / "migrations"
LAST_WITHOUT_OLDER = "0016_opened_by"
MIGRATIONS = {path.stem: path.read_text() for path in sorted(FOLDER.glob("[0-9]*.py")) if path.stem > "0017"}
GROWING = {
    *("checkout_sessions", "customers", "events", "payment_attempts", "payment_intents", "refunds"),
    "webhook_deliveries",
}  # by a row or more for a payment


def _reads_a_large_table(source: str) -> bool:
    created = set(re.findall(r"CREATE TABLE (\w+)", source))
    indexed = set(re.findall(r"CREATE (?:UNIQUE )?INDEX \w+\s+ON (\w+)", source)) - created
    changed = set(re.findall(r"UPDATE (\w+) ", source)) | set(re.findall(r'replace_check\(db, "(\w+)"', source))
    checked = GROWING if "sql.constrain(" in source else set()
    return bool(GROWING & (indexed | changed | checked))


def test_the_page_names_each_migration_that_reads_a_large_table() -> None:
    named = re.findall(r"`(\d{4}_\w+)`", papers.section("docs/operations.md", "Upgrades"))
    reading = [name for name, source in MIGRATIONS.items() if _reads_a_large_table(source)]
    assert named == [LAST_WITHOUT_OLDER, *reading]


def test_each_migration_says_what_an_older_version_does_on_its_schema() -> None:
    silent = [name for name, source in MIGRATIONS.items() if not re.search("older version|still runs", source)]
    assert silent == []
