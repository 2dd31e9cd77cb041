"""The sandbox's ledger is brought up to date in place."""

import pytest

from ikawaari.providers.sandbox import ledger


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
@pytest.mark.postgres
def test_an_older_ledger_learns_to_keep_long_addresses(database: None) -> None:
    ledger.database.execute_sql("ALTER TABLE sandbox_charges ALTER COLUMN return_url TYPE VARCHAR(255)")
    for _ in range(2):
        ledger.prepare()
        types = {column.name: column.data_type for column in ledger.database.get_columns("sandbox_charges")}
        assert (types["return_url"], types["merchant"]) == ("text", "character varying")
