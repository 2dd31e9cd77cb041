"""CSV as providers write it: read exactly, or refused with the lines and fields that cannot be read."""

import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ikawaari.checkout import statement_columns, statement_files
from ikawaari.checkout.statement_columns import Columns
from ikawaari.checkout.statement_pile import piled
from ikawaari.config import ROOT
from ikawaari.errors import ValidationFailed
from ikawaari.money import Money
from ikawaari.providers.statements import Kind, Line, Standing

NOW = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
PLAIN: dict[str, Any] = {"columns": {"id": "Id", "amount": "Amount", "currency": "Currency", "time": "Time"}}
FRENCH: dict[str, Any] = {
    "columns": {
        "id": "N° de transaction",
        "amount": "Montant",
        "currency": {"value": "XOF"},
        "time": "Date",
        "status": "Statut",
        "kind": "Type",
        "fee": "Frais",
        "own_id": "Référence",
    },
    "statuses": {"succeeded": ["Réussi"], "failed": ["Échoué"], "pending": ["En cours"]},
    "kinds": {"payment": ["Paiement"], "refund": ["Remboursement"]},
    "ignore": {"Type": ["Virement"]},
    "decimal": ",",
    "time_format": "%d/%m/%Y %H:%M:%S",
    "timezone": "Africa/Douala",
}


def columns(base: dict[str, Any] = PLAIN, **changes: Any) -> Columns:
    """A format."""
    return statement_columns.read(json.dumps(base | changes))


def read(tmp_path: Path, text: str | bytes, base: dict[str, Any] = PLAIN, **changes: Any) -> list[Line]:
    """The lines of a file."""
    path = tmp_path / "statement.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(statement_files.lines(path, columns(base, **changes), NOW))


def refused(tmp_path: Path, text: str | bytes, base: dict[str, Any] = PLAIN, **changes: Any) -> list[str]:
    """What is wrong with a file."""
    with pytest.raises(statement_files.Unreadable) as wrong:
        read(tmp_path, text, base, **changes)
    return list(wrong.value.problems)


def plain(amount: str, currency: str = "XOF", time: str = "2026-11-25T10:00:00Z") -> str:
    """A file of one line."""
    return f"Id\tAmount\tCurrency\tTime\nT1\t{amount}\t{currency}\t{time}\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
def test_a_french_file_is_read_in_each_encoding(tmp_path: Path, encoding: str) -> None:
    text = (
        "Compte;Boutique Awa\n\n"
        "Date;Type;N° de transaction;Référence;Montant;Frais;Statut;Solde\n"
        '25/11/2026 00:30:00;Paiement;T1;R1;"1 234 567,00";-75;Réussi;1\n'
        "25/11/2026 00:31:00;REMBOURSEMENT;T2;;-1.000;;Réussi;1\n"
        "25/11/2026 00:32:00;Virement;T3;;999;;Inconnu;1\n"
        ";;;;;;;\n"
        "25/11/2026 00:33:00;Paiement;T4;;500;0;Échoué\n"
    )
    first, second, third = read(tmp_path, text.encode(encoding), FRENCH)
    assert first == Line(
        kind=Kind.PAYMENT,
        id="T1",
        own_id="R1",
        money=Money(1_234_567, "XOF"),
        at=datetime(2026, 11, 24, 23, 30, tzinfo=UTC),
        fee=75,
        fee_currency="XOF",
        number=4,
    )
    assert (second.kind, second.money, second.fee, second.own_id) == (Kind.REFUND, Money(1_000, "XOF"), None, None)
    assert (third.standing, third.fee, third.number) == (Standing.FAILED, 0, 8)


@pytest.mark.parametrize(
    ("text", "decimal", "currency", "amount"),
    [
        ("1000", ".", "XOF", 1_000),
        ("1000.0000", ".", "XOF", 1_000),
        ("1,234,567.50", ".", "CDF", 123_456_750),
        ("1,000", ".", "XOF", 1_000),
        ("1'000.5", ".", "USD", 100_050),
        ("1\u202f000", ".", "XOF", 1_000),
        ("1\u00a0000,5", ",", "EUR", 100_050),
        ("1.000", ",", "XOF", 1_000),
        ("12,5", ",", "USD", 1_250),
        ("+7", ".", "XOF", 7),
        ("9223372036854775807", ".", "XOF", 2**63 - 1),
    ],
)
def test_an_amount_is_read_exactly(tmp_path: Path, text: str, decimal: str, currency: str, amount: int) -> None:
    (line,) = read(tmp_path, plain(text, currency), decimal=decimal)
    assert line.money == Money(amount, currency)


INEXACT = ["", "0", "1.5", "12,50", "1,00", "1,000,00", "1 00", "1e3", "NaN", "١٠٠", "1_000", "9223372036854775808"]


@pytest.mark.parametrize("text", [*INEXACT, "-5", "--5", "1.000.000", "9" * 5_000, "9" * 99 + ".0"])
def test_an_amount_that_is_not_exact_is_refused_by_line_and_field(tmp_path: Path, text: str) -> None:
    (problem,) = refused(tmp_path, plain(text))
    assert problem.startswith("line 2, amount: ")
    assert len(problem) < 200


def test_minor_units_and_signs(tmp_path: Path) -> None:
    assert read(tmp_path, plain("1050", "EUR"), amounts="minor")[0].money == Money(1_050, "EUR")
    assert refused(tmp_path, plain("10.50", "EUR"), amounts="minor") != []
    for text, kind in (("-7", Kind.REFUND), ("\u22127", Kind.REFUND), ("7", Kind.PAYMENT)):
        (line,) = read(tmp_path, plain(text), refunds_are_negative=True)
        assert (line.kind, line.money.amount) == (kind, 7)


@pytest.mark.parametrize(
    ("kept", "fee", "kind", "read_as"),
    [
        (None, "-7", "payment", 7),
        (None, "7", "payment", 7),
        (None, "0", "refund", 0),
        ("positive", "7", "payment", 7),
        ("positive", "-7", "refund", -7),
        ("positive", "7", "refund", 7),
        ("negative", "-7", "payment", 7),
        ("negative", "7", "refund", -7),
        ("negative", "0", "payment", 0),
    ],
)
def test_a_fee_is_kept_or_returned_as_its_sign_says(
    tmp_path: Path, kept: str | None, fee: str, kind: str, read_as: int
) -> None:
    given = {"columns": PLAIN["columns"] | {"fee": "Fee", "kind": {"value": kind}}, "kept_fees": kept}
    text = f"Id,Amount,Currency,Time,Fee\nT1,500,XOF,2026-11-25T10:00:00Z,{fee}\n"
    assert [line.fee for line in read(tmp_path, text, PLAIN, **given)] == [read_as]


def test_a_refunds_fee_is_refused_where_nobody_says_whether_it_is_kept(tmp_path: Path) -> None:
    given = {"columns": PLAIN["columns"] | {"fee": "Fee", "kind": {"value": "refund"}}}
    text = "Id,Amount,Currency,Time,Fee\nT1,500,XOF,2026-11-25T10:00:00Z,7\n"
    assert "`kept_fees`" in refused(tmp_path, text, PLAIN, **given)[0]


@pytest.mark.parametrize(
    ("text", "given", "hour"),
    [
        ("2026-11-25T10:00:00Z", {}, 10),
        ("2026-11-25 10:00:00.123+01:00", {}, 9),
        ("2026-11-25T10:00:00", {"timezone": "Africa/Kinshasa"}, 9),
        ("1795600800", {"time_format": "unix"}, 10),
        ("25 Nov 2026 10:00 +0000", {"time_format": "%d %b %Y %H:%M %z"}, 10),
    ],
)
def test_a_time_is_read_with_its_zone_or_the_format_s(
    tmp_path: Path, text: str, given: dict[str, Any], hour: int
) -> None:
    (line,) = read(tmp_path, plain("5", time=text), **given)
    assert line.at is not None
    assert (line.at.date().isoformat(), line.at.hour, line.at.tzinfo) == ("2026-11-25", hour, UTC)


@pytest.mark.parametrize(
    "text",
    ["2026-11-25T10:00:00", "yesterday", "", "31/02/2026", "1795600800", "0001-01-01T00:00:00+14:00",
     "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "1999-12-31T23:59:59Z", "2026-11-27T10:00:01Z",
     "2062-11-25T10:00:00Z"],
)  # fmt: skip
def test_a_time_that_is_none_or_has_no_zone_is_refused(tmp_path: Path, text: str) -> None:
    (problem,) = refused(tmp_path, plain("5", time=text))
    assert problem.startswith("line 2, time: ")


def test_a_line_whose_cells_are_shifted_is_refused(tmp_path: Path) -> None:
    head, columns = "Amount,Id,Currency,Time\n", PLAIN["columns"] | {"currency": {"value": "XOF"}}
    good, shifted = "5,T1,XOF,2026-11-25T10:00:00Z", "1,500,T2,2026-11-25T10:00:00Z,2026-11-25T10:00:00Z"
    assert refused(tmp_path, f"{head}{good},,\n{shifted}\n", columns=columns)[0].startswith("line 3: has more cells")


@pytest.mark.parametrize("text", ["1" * 20, "-" + "1" * 20, "1" * 5_000, "1795600800000", "0", "1.5", "", "٣٣" * 99])
def test_unix_seconds_of_no_year_of_ours_are_refused(tmp_path: Path, text: str) -> None:
    (problem,) = refused(tmp_path, plain("5", time=text), time_format="unix")
    assert problem.startswith("line 2, time: ")
    assert len(problem) < 400


def test_a_day_ahead_of_now_is_read(tmp_path: Path) -> None:
    assert [line.at for line in read(tmp_path, plain("5", time="2026-11-27T10:00:00Z"))] == [NOW + timedelta(days=1)]


def test_every_bad_field_of_the_first_bad_lines_is_named_and_nothing_is_kept(tmp_path: Path) -> None:
    good, bad = "T{0},5,XOF,2026-11-25T10:00:00Z\n", ",x,ABC,never\n"
    text = "Id,Amount,Currency,Time\n" + "".join(good.format(n) for n in range(3)) + bad + bad
    assert refused(tmp_path, text) == [
        "line 5, id: is empty",
        "line 5, amount: 'ABC' is no currency that we know",
        "line 5, time: 'never' is not written as ISO 8601 says",
        "line 6, id: is empty",
        "line 6, amount: 'ABC' is no currency that we know",
        "line 6, time: 'never' is not written as ISO 8601 says",
    ]
    assert len(refused(tmp_path, text + bad * 1_000)) < 30
    found = statement_files.lines(tmp_path / "statement.csv", columns(), NOW)
    with pytest.raises(statement_files.Unreadable), piled(found):
        raise AssertionError("nothing is there to compare")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "headings"),
        ("Id,Amount,Currency\nT1,5,XOF\n", "headings"),
        ("Id,Amount,Currency,Time,Amount\nT1,5,XOF,2026-11-25T10:00:00Z,6\n", "same heading: Amount"),
        ("Id,Amount,Currency,Time\nT1,5\n", "line 2, amount"),
        ('Id,Amount,Currency,Time\n"T1,5,XOF,2026-11-25T10:00:00Z\n', "no CSV"),
        ("Id,Amount,Currency,Time\nT\x001,5,XOF,2026-11-25T10:00:00Z\n", "line 2, id"),
        ("Id,Amount,Currency,Time\n" + "x" * 256 + ",5,XOF,2026-11-25T10:00:00Z\n", "line 2, id"),
        ("x" * 1_100_000, "too long"),
        ("Id,Amount,Currency,Time\n" + "x" * 200_000 + ",5,XOF,2026-11-25T10:00:00Z\n", "no CSV"),
    ],
)
def test_what_is_no_statement_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    assert problem in refused(tmp_path, text)[0]


def test_a_word_that_the_columns_do_not_have_is_refused(tmp_path: Path) -> None:
    head = "Date;Type;N° de transaction;Référence;Montant;Frais;Statut\n"
    row = "25/11/2026 00:30:00;{0};T1;;5;;{1}\n"
    assert refused(tmp_path, head + row.format("Paiement", "Peut-être"), FRENCH) == [
        "line 2, status: 'Peut-être' is not in the columns' words"
    ]
    (problem,) = refused(tmp_path, head + row.format("Frais", "Réussi").replace(";5;;", ";-5;7;"), FRENCH)
    assert problem.startswith("line 2, kind: ")


def test_an_encoding_that_is_named_is_the_one(tmp_path: Path) -> None:
    assert "encoding" in refused(tmp_path, plain("5").encode() + b"\xe9", encoding="utf-8")[0]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"columns": None}, "columns"),
        ({"columns": {"id": "Id"}}, "columns.amount"),
        ({"columns": PLAIN["columns"] | {"price": "x"}}, "columns.price"),
        ({"columns": PLAIN["columns"] | {"id": 7}}, "columns.id"),
        ({"columns": PLAIN["columns"] | {"status": "S"}}, "statuses"),
        ({"columns": PLAIN["columns"] | {"kind": "K"}}, "kinds"),
        ({"columns": PLAIN["columns"] | {"kind": {"value": "payout"}}}, "columns.kind"),
        ({"statuses": {"paid": ["x"]}}, "statuses"),
        ({"kinds": {"refund": "x"}}, "kinds"),
        ({"ignore": ["x"]}, "ignore"),
        ({"decimal": ";"}, "decimal"),
        ({"delimiter": "::"}, "delimiter"),
        ({"encoding": "klingon"}, "encoding"),
        ({"encoding": "undefined"}, "encoding"),
        ({"encoding": "base64"}, "encoding"),
        ({"encoding": "utf-8\0"}, "encoding"),
        ({"delimiter": "\n"}, "delimiter"),
        ({"delimiter": '"'}, "delimiter"),
        ({"delimiter": "\0"}, "delimiter"),
        ({"time_format": "%d/%m/%Y %d"}, "time_format"),
        ({"time_format": "%H:%M"}, "time_format"),
        ({"time_format": "%Y-%m-%d %"}, "time_format"),
        ({"time_format": "%Q \ud800"}, "time_format"),
        ({"timezone": "Africa/\0"}, "timezone"),
        ({"timezone": "x" * 5_000}, "timezone"),
        ({"timezone": "Africa"}, "timezone"),
        ({"amounts": "cents"}, "amounts"),
        ({"kinds": {"refund": ["x"]}, "refunds_are_negative": True}, "refunds_are_negative"),
        ({"refunds_are_negative": "true"}, "refunds_are_negative"),
        ({"refunds_are_negative": None}, "refunds_are_negative"),
        ({"kinds": {"refund": ["R"], "payment": ["P", " r "]}}, "kinds"),
        ({"statuses": {"succeeded": ["done"], "failed": ["Done"]}}, "statuses"),
        ({"kept_fees": "yes"}, "kept_fees"),
        ({"typo": 1}, "typo"),
    ],
)
def test_columns_that_mean_nothing_are_refused_by_name(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationFailed) as wrong:
        columns(**changes)
    assert field in wrong.value.details
    for text in ("", "[]", "{", "[" * 100_000, '{"columns": ' + "9" * 5_000 + "}"):
        with pytest.raises(ValidationFailed):
            statement_columns.read(text)


def test_a_name_that_is_given_twice_is_refused() -> None:
    with pytest.raises(ValidationFailed) as wrong:
        statement_columns.read(json.dumps(PLAIN).replace('"id": "Id"', '"id": "Id", "id": "Reference"'))
    assert wrong.value.details == {"id": ["is given twice"]}


EXAMPLES = ROOT / "examples" / "statements"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_the_examples_name_their_source_and_read_their_files(path: Path) -> None:
    text = path.read_text()
    assert len(json.loads(text)["source"]) > 10
    found = list(statement_files.lines(path.with_suffix(".csv"), statement_columns.read(text), NOW))
    assert {line.kind for line in found} == set(Kind)
    assert all(line.at for line in found)


@pytest.mark.long
def test_a_hundred_thousand_lines_need_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "statement.csv"
    with path.open("w") as file:
        file.write("Id,Amount,Currency,Time\n")
        file.writelines(f"T{n:036},{n + 1},XOF,2026-11-25T10:00:00Z\n" for n in range(100_000))
    tracemalloc.start()
    with piled(statement_files.lines(path, columns(), NOW)) as pile:
        assert sum(len(batch) for batch in pile.batches()) == pile.count == 100_000
        assert list(pile.contradictory()) == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000
