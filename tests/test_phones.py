"""Phones: every number a customer can be reached at is accepted, in one form, and never shown whole to strangers."""

import re
from datetime import date

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikawaari.countries import COUNTRIES
from ikawaari.operators import OPERATORS
from ikawaari.phones import FormerPhone, InvalidPhone, Phone, guess_operator, mask, parse

# A mobile number of each country without its last three digits, which script the sandbox.
STEMS = {
    "SN": "771234",
    "CI": "0701020",
    "ML": "76123",
    "BF": "70123",
    "GN": "621123",
    "CM": "670123",
    "CD": "811234",
    "BJ": "0161123",
    "TG": "90123",
    "NE": "96123",
}


@pytest.mark.parametrize("ending", [f"{n:03}" for n in range(1, 13)])
@pytest.mark.parametrize("code", COUNTRIES)
def test_the_scripted_endings_survive_in_every_country(code: str, ending: str) -> None:
    local = STEMS[code] + ending
    phone = Phone(f"+{COUNTRIES[code].dial_code}{local}", code)
    assert parse(local, code) == phone
    assert parse(phone.e164, None) == phone
    assert parse(phone.e164[1:], code) == phone


@pytest.mark.parametrize(
    "text",
    [
        "+221771234567",
        "00221771234567",
        "221771234567",
        "771234567",
        "77 123 45 67",
        "77.123.45.67",
        "77-123-45-67",
        "(77) 123 45 67",
        "+221 (77) 123-45-67",
        " +221\u00a077\u202f123\u00a045\u00a067 ",
        "\u202a+221 77 123 45 67\u202c",
        "77\u2011123\u201345\u201367",
    ],
)
def test_a_number_is_read_however_it_is_typed(text: str) -> None:
    assert parse(text, "SN") == parse(text, "sn") == Phone("+221771234567", "SN")


@pytest.mark.parametrize("text", ["+225700000000", "00225 7 00 00 00 00", "700000000", "225700000000", "0700000000"])
def test_the_stripped_zero_of_cote_d_ivoire_is_restored(text: str) -> None:
    assert parse(text, "CI") == Phone("+2250700000000", "CI")


@pytest.mark.parametrize("text", ["+22997123456", "97 12 34 56", "22997123456", "01 97 12 34 56", "+229 0197123456"])
def test_an_old_benin_number_gets_its_new_prefix(text: str) -> None:
    assert parse(text, "BJ") == Phone("+2290197123456", "BJ")


@pytest.mark.parametrize(("text", "code"), [("+225200000000", "CI"), ("01971234", "BJ"), ("+22921123456", "BJ")])
def test_only_mobile_numbers_are_repaired(text: str, code: str) -> None:
    with pytest.raises(InvalidPhone):
        parse(text, code)


# By how the old numbers began. docs/decisions/former-numbers.md says where this is from.
FORMER = {
    "orange_ci": ("07", "07 08 09 47 48 49 57 58 59 67 68 77 78 79 87 88 89 97 98"),
    "mtn_ci": ("05", "04 05 06 44 45 46 54 55 56 64 65 66 74 75 76 84 85 86 94 95 96"),
    "moov_ci": ("01", "01 02 03 40 41 42 43 50 51 52 53 70 71 72 73"),
    "mtn_cm": ("6", "50 51 52 53 54 70 71 72 73 74 75 76 77 78 79"),
    "orange_cm": ("6", "55 56 57 58 59 90 91 92 93 94 95 96 97 98 99"),
}
RENEWED = [
    pytest.param(operator, new, old, id=f"{operator}-{old}")
    for operator, (new, olds) in FORMER.items()
    for old in olds.split()
]


def former(text: str, country: str | None) -> FormerPhone:
    """The refusal of a former number."""
    with pytest.raises(FormerPhone) as refused:
        parse(text, country)
    assert text not in str(refused.value)
    return refused.value


@pytest.mark.parametrize(("operator", "new", "old"), RENEWED)
def test_a_former_number_is_not_taken_but_renewed(operator: str, new: str, old: str) -> None:
    code = operator[-2:].upper()
    dial = COUNTRIES[code].dial_code
    renewed = f"+{dial}{new}{old}123456"
    for text, country in ((f"{old}123456", code), (f"+{dial}{old}123456", None), (f"00{dial} {old} 12 34 56", "SN")):
        assert former(text, country).phone == Phone(renewed, code)
    # The library knows the new plan of each country: it is a third source, and the operator is still the same.
    assert phonenumbers.is_valid_number(phonenumbers.parse(renewed, None))
    assert guess_operator(parse(renewed, None)) == operator


@pytest.mark.parametrize(
    ("text", "code", "since"), [("07123456", "CI", (2021, 1, 31)), ("71234567", "CM", (2014, 11, 21))]
)
def test_a_former_number_says_when_it_ended_and_what_it_is_now(
    text: str, code: str, since: tuple[int, int, int]
) -> None:
    found = former(text, code)
    assert found.since == date(*since)
    assert found.advice == f"is an old number: since {found.since} it is {found.phone.e164}"


@pytest.mark.parametrize("code", ["CI", "CM"])
def test_what_is_not_sure_is_not_renewed(code: str) -> None:
    sure = {old for operator, (_, olds) in FORMER.items() if operator.endswith(code.lower()) for old in olds.split()}
    for beginning in {f"{number:02}" for number in range(100)} - sure:
        with pytest.raises(InvalidPhone) as refused:
            parse(f"{beginning}123456", code)
        assert not isinstance(refused.value, FormerPhone), beginning


@pytest.mark.parametrize(
    ("text", "code"), [("7123456", "CI"), ("071234567", "CI"), ("7123456", "CM"), ("7123456789", "CM")]
)
def test_only_numbers_of_the_former_length_are_renewed(text: str, code: str) -> None:
    with pytest.raises(InvalidPhone) as refused:
        parse(text, code)
    assert not isinstance(refused.value, FormerPhone)


@pytest.mark.parametrize("text", ["0812345678", "+2430812345678", "+243812345678", "812345678"])
def test_the_trunk_zero_of_congo_is_dropped(text: str) -> None:
    assert parse(text, "CD") == Phone("+243812345678", "CD")


@pytest.mark.parametrize(
    ("text", "code"),
    [("+221731234567", "SN"), ("+2250412345678", "CI"), ("+22810123456", "TG")],
)
def test_a_range_that_the_library_does_not_know_yet_is_accepted(text: str, code: str) -> None:
    assert parse(text, None) == Phone(text, code)


@pytest.mark.parametrize(
    ("text", "code"),
    [("+33612345678", "FR"), ("+447400123456", "GB"), ("+12015550123", "US"), ("+14165550123", "CA")],
)
def test_a_number_from_abroad_keeps_its_own_country(text: str, code: str) -> None:
    assert parse(text, None) == parse(text, "SN") == Phone(text, code)


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("", "SN"),
        ("+", "SN"),
        ("   ", "SN"),
        ("771234567", None),
        ("221771234567", None),
        ("77123456", "SN"),
        ("7712345678", "SN"),
        ("+22177123456789012", None),
        ("77 123 45 67 ext 3", "SN"),
        ("77CALLNOW", "SN"),
        ("77+1234567", "SN"),
        ("++221771234567", None),
        ("+00221771234567", None),
        ("tel:+221771234567", None),
        ("٧٧١٢٣٤٥٦٧", "SN"),
        ("771234567;x=1", "SN"),
        ("771234567", "ZZ"),
        ("+221771234567", "QQ"),
        ("+221771234567", "Sénégal"),
        ("+999123456789", None),
        ("+80012345678", None),
        ("+2430081234567", None),
        ("+221771234567" + " " * 20, "SN"),
        ("7" * 5000, "SN"),
    ],
)
def test_what_is_not_a_mobile_number_is_refused(text: str, country: str | None) -> None:
    with pytest.raises(InvalidPhone):
        parse(text, country)


def test_a_refusal_does_not_repeat_the_number() -> None:
    with pytest.raises(InvalidPhone) as refused:
        parse("7712345", "SN")
    assert "7712345" not in str(refused.value)


@given(st.text("0123456789+-. ()", max_size=34), st.sampled_from([None, "FR", "US", "IT", "AR", "MX", *COUNTRIES]))
def test_parsing_refuses_or_is_stable(text: str, country: str | None) -> None:
    try:
        phone = parse(text, country)
    except InvalidPhone:
        return
    assert re.fullmatch(r"\+[1-9][0-9]{4,16}", phone.e164)
    assert parse(phone.e164, None) == parse(phone.e164, phone.country) == phone


@given(st.sampled_from(sorted(COUNTRIES)), st.from_regex(r"0{0,3}[0-9]{6,10}", fullmatch=True), st.booleans())
def test_local_numbers_of_our_countries_are_stable_too(code: str, digits: str, dialled: bool) -> None:
    text = f"+{COUNTRIES[code].dial_code}{digits}" if dialled else digits
    try:
        phone = parse(text, code)
    except InvalidPhone:
        return
    assert parse(phone.e164, None) == phone


@pytest.mark.parametrize(
    ("e164", "operator"),
    [
        ("+221771234567", "orange_sn"),
        ("+221761234567", "free_sn"),
        ("+221701234567", "expresso_sn"),
        ("+2250701020304", "orange_ci"),
        ("+2250501020304", "mtn_ci"),
        ("+2250101020304", "moov_ci"),
        ("+22376123456", "orange_ml"),
        ("+22366123456", "moov_ml"),
        ("+22670123456", "moov_bf"),
        ("+22676123456", "orange_bf"),
        ("+224621123456", "orange_gn"),
        ("+224664123456", "mtn_gn"),
        ("+237670123456", "mtn_cm"),
        ("+237690123456", "orange_cm"),
        ("+243811234567", "mpesa_cd"),
        ("+243840123456", "orange_cd"),
        ("+243970123456", "airtel_cd"),
        ("+243900123456", "africell_cd"),
        ("+2290161123456", "mtn_bj"),
        ("+2290195123456", "moov_bj"),
        ("+2290140123456", "celtiis_bj"),
        ("+22890123456", "tmoney_tg"),
        ("+22896123456", "moov_tg"),
        ("+22796123456", "airtel_ne"),
        ("+22790123456", "zamani_ne"),
        ("+22794123456", "moov_ne"),
    ],
)
def test_the_operator_is_guessed_from_the_prefix(e164: str, operator: str) -> None:
    assert guess_operator(parse(e164, None)) == operator
    assert operator in OPERATORS


@pytest.mark.parametrize(
    "e164",
    ["+221751234567", "+22350123456", "+22678123456", "+224655123456", "+237620123456", "+22793123456", "+33612345678"],
)
def test_a_network_without_a_wallet_of_ours_is_not_guessed(e164: str) -> None:
    assert guess_operator(parse(e164, None)) is None


@pytest.mark.parametrize(
    ("e164", "masked"),
    [
        ("+221771234567", "+221 77 ••• •• 67"),
        ("+2250701020304", "+225 07 •• •• •• 04"),
        ("+2252720304050", "+225 27 •• •• •• 50"),
        ("+22890123456", "+228 90 •• •• 56"),
        ("+243811234567", "+243 81• ••• •67"),
    ],
)
def test_a_masked_number_shows_two_digits_at_each_end(e164: str, masked: str) -> None:
    assert mask(e164) == masked


@pytest.mark.parametrize("code", COUNTRIES)
@pytest.mark.parametrize("digits", ["1234567", "7654321"])
def test_every_number_of_a_length_is_masked_to_one_length(code: str, digits: str) -> None:
    local = STEMS[code][: len(STEMS[code]) + 3 - 7] + digits
    phone = parse(local, code)
    hidden = mask(phone.e164)
    assert len(hidden) == len(mask(parse(STEMS[code] + "001", code).e164))
    assert sum(c.isdigit() for c in hidden.split(" ", 1)[1]) == 4


def test_a_very_short_number_shows_its_end_only() -> None:
    assert re.sub(r"[^0-9•]", "", mask(parse("+6834123", None).e164).removeprefix("+683")) == "••23"


def test_only_e164_can_be_shown() -> None:
    with pytest.raises(InvalidPhone):
        mask("771234567")
