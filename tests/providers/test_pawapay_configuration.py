"""What pawaPay says of an account: limits and health in each shape, names, instructions, and whether it is usable."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers.capabilities import Condition, Health, Limits
from ikawaari.providers.pawapay.wallets import WALLETS
from ikawaari.providers.values import Flow
from ikawaari.simulators.pawapay import PawaPay
from ikawaari.simulators.web import Answer, in_json
from tests.providers.bench_pawapay import PawaPayBench
from tests.providers.pawapay_said import HTML, NOW, Said, rejected
from tests.simulators.talking import Receiver, talk

STEPS = {
    "en": [{"text": "Dial *115#"}, {"text": "Enter PIN"}],
    "fr": [{"text": "Composez *115#"}, {"text": "Entrez le code PIN"}],
}
REVIVE = {"channels": [{"type": "USSD", "variables": {"shortCode": "*115#"}, "instructions": STEPS}]}
DEPOSIT: Mapping[str, object] = {
    "authType": "PROVIDER_AUTH",
    "pinPrompt": "AUTOMATIC",
    "pinPromptRevivable": True,
    "pinPromptInstructions": REVIVE,
    "minAmount": "100",
    "maxAmount": "2000000",
    "decimalsInAmount": "NONE",
    "status": "OPERATIONAL",
}
SIGNS: Mapping[str, object] = {"signedRequestsOnly": False, "signedCallbacks": True}


@pytest.fixture
def engine() -> str:
    """No database."""
    return "sqlite"


@pytest.fixture
def said() -> Iterator[Said]:
    """A pawaPay that says what a test wants."""
    with Said().listening() as said:
        yield said


@pytest.fixture
def bench(config: Config) -> Iterator[PawaPayBench]:
    """An account at the simulator."""
    with Receiver().listening() as receiver, talk(PawaPay(receiver.url)) as sim:
        yield PawaPayBench(config, sim, receiver)


def _configured(
    deposit: object = DEPOSIT, wallet: str = "ORANGE_SEN", currency: str = "XOF", types: object = None, **signs: object
) -> Answer:
    """An account with one wallet; `types`: what stands for all its operations."""
    currencies = [{"currency": currency, "operationTypes": types or {"DEPOSIT": deposit}}]
    provider = {"provider": wallet, "nameDisplayedToCustomer": "BOUTIQUE AWA", "currencies": currencies}
    countries = [{"country": wallet[-3:], "providers": [provider]}]
    return in_json({"companyName": "Awa", "signatureConfiguration": dict(SIGNS) | signs, "countries": countries})


def _available(types: object, wallet: str = "ORANGE_SEN") -> Answer:
    return in_json([{"country": "SEN", "providers": [{"provider": wallet, "operationTypes": types}]}])


def _conditions(said: Said, configured: Answer, available: Answer = HTML) -> Sequence[Condition]:
    said.answers |= {"active-conf": [configured], "availability": [available]}
    return said.provider.conditions(said.account, NOW)


def _of(conditions: Sequence[Condition], operator: str = "orange_sn", currency: str = "XOF") -> Condition:
    (one,) = [one for one in conditions if (one.operator, one.currency) == (operator, currency)]
    return one


# ---------------------------------------------------------------- conditions


def test_a_condition_has_everything_that_the_payer_and_the_routing_need(said: Said) -> None:
    assert _of(_conditions(said, _configured())) == Condition(
        operator="orange_sn",
        currency="XOF",
        limits=Limits(minimum=100, maximum=2_000_000),
        health=Health.OPEN,
        payee_name="BOUTIQUE AWA",
        instructions={"fr": "Composez *115#. Entrez le code PIN.", "en": "Dial *115#. Enter PIN."},
        dial_code="*115#",
    )
    assert [request.target for request in said.asked] == [
        "/v2/active-conf?operationType=DEPOSIT",
        "/v2/availability?operationType=DEPOSIT",
    ]


def test_a_wallet_that_the_account_lacks_is_absent(said: Said) -> None:
    conditions = _conditions(said, _configured())
    assert {one.operator for one in conditions} == set(WALLETS)
    assert [one.operator for one in conditions if one.health is not Health.ABSENT] == ["orange_sn"]
    in_francs = _conditions(said, _configured(wallet="AIRTEL_COD", currency="CDF"))
    assert _of(in_francs, "airtel_cd", "CDF").health is Health.OPEN
    assert _of(in_francs, "airtel_cd", "USD").health is Health.ABSENT
    assert _of(_conditions(said, _configured(deposit=None))).health is Health.ABSENT


@pytest.mark.parametrize(("word", "health"), [
    *[("OPERATIONAL", Health.OPEN), ("DELAYED", Health.DELAYED), ("CLOSED", Health.CLOSED)],
])  # fmt: skip
def test_both_shapes_of_availability_are_read_and_the_worse_word_counts(said: Said, word: str, health: Health) -> None:
    for types in (
        {"DEPOSIT": word, "REFUND": "OPERATIONAL"},
        {"DEPOSIT": {"status": word}},
        [{"operationType": "REFUND", "status": "OPERATIONAL"}, {"operationType": "DEPOSIT", "status": word}],
    ):
        assert _of(_conditions(said, _configured(), _available(types))).health is health
    listed = [{"operationType": "DEPOSIT", **DEPOSIT, "status": word}]
    for configured in (_configured({**DEPOSIT, "status": word}), _configured(types=listed)):
        assert _of(_conditions(said, configured, _available({"DEPOSIT": "OPERATIONAL"}))).health is health


def test_a_word_that_nobody_knows_closes_nothing_and_is_logged(said: Said) -> None:
    with capture_logs() as logged:
        assert _of(_conditions(said, _configured(), _available({"DEPOSIT": "SLEEPY"}))).health is Health.OPEN
    assert [one["word"] for one in logged if one["event"] == "provider_word_unknown"] == ["SLEEPY"]


@pytest.mark.parametrize("available", [HTML, Answer(500), in_json({}), in_json([7]), _available(7), _available([7])])
def test_without_availability_the_configuration_counts(said: Said, available: Answer) -> None:
    assert _of(_conditions(said, _configured({**DEPOSIT, "status": "DELAYED"}), available)).health is Health.DELAYED
    assert _of(_conditions(said, _configured(), available)).health is Health.OPEN


@pytest.mark.parametrize("configured", [
    *[HTML, Answer(500), in_json({}), in_json({"countries": []}), in_json({"countries": [{"providers": 7}]})],
    *[in_json([]), rejected("AUTHENTICATION_ERROR", 403), replace(_configured(), status=500)],
    _configured(wallet="MTN_MOMO_GHA"),
])  # fmt: skip
def test_a_configuration_that_cannot_be_read_says_nothing(said: Said, configured: Answer) -> None:
    assert _conditions(said, configured) == ()


@pytest.mark.parametrize(
    ("currency", "more", "limits"),
    [
        ("XOF", {}, Limits(minimum=100, maximum=2_000_000)),
        ("XOF", {"minAmount": 100, "maxAmount": 500.0}, Limits(minimum=100, maximum=500)),
        ("XOF", {"minAmount": "0"}, Limits(minimum=1, maximum=2_000_000)),
        ("CDF", {}, Limits(minimum=10_000, maximum=200_000_000, step=100)),
        ("CDF", {"decimalsInAmount": "TWO_PLACES"}, Limits(minimum=10_000, maximum=200_000_000)),
        ("USD", {"minAmount": "0.5", "maxAmount": "2500.00", "decimalsInAmount": "TWO_PLACES"},
         Limits(minimum=50, maximum=250_000)),
        ("XOF", {"minAmount": None}, None),
        ("XOF", {"maxAmount": "many"}, None),
        ("XOF", {"minAmount": "5.5"}, None),
        ("XOF", {"maxAmount": "99"}, None),
        ("XOF", {"maxAmount": "9" * 30}, None),
        ("XOF", {"minAmount": True}, None),
    ],
)  # fmt: skip
def test_limits_are_in_the_smallest_unit(
    said: Said, currency: str, more: Mapping[str, object], limits: Limits | None
) -> None:
    operator, wallet = ("orange_sn", "ORANGE_SEN") if currency == "XOF" else ("airtel_cd", "AIRTEL_COD")
    configured = _configured({**DEPOSIT, **more}, wallet, currency)
    assert _of(_conditions(said, configured), operator, currency).limits == limits


def test_a_prompt_that_cannot_be_called_back_has_no_instructions(said: Said) -> None:
    for more, is_useful in (
        ({"pinPromptRevivable": False}, False),
        ({"pinPromptRevivable": "yes"}, False),
        ({"pinPromptRevivable": False, "pinPrompt": "MANUAL"}, True),
    ):
        found = _of(_conditions(said, _configured({**DEPOSIT, **more})))
        assert (found.dial_code == "*115#", bool(found.instructions)) == (is_useful, is_useful)


@pytest.mark.parametrize(
    ("channel", "code"),
    [
        ({"quickLink": "tel:*144%23"}, "*144#"),
        ({"quickLink": "tel:#150%2A1%23"}, "#150*1#"),
        ({"quickLink": "tel:*144*4*6*{amount}%23"}, "*144*4*6*{amount}#"),
        ({"quickLink": "https://example.com/*1#", "variables": {"shortCode": "*1#"}}, "*1#"),
        ({"quickLink": "tel:+221773456789"}, None),
        ({"quickLink": "tel:*1%23;javascript"}, None),
        ({"quickLink": "tel:*" + "1" * 70}, None),
        ({"quickLink": 7, "variables": []}, None),
        ({"type": "APP", "quickLink": "tel:*144%23"}, None),
    ],
)
def test_what_is_dialed_is_a_short_code(said: Said, channel: Mapping[str, object], code: str | None) -> None:
    told = {"channels": [{"type": "USSD", **channel}]}
    assert _of(_conditions(said, _configured({**DEPOSIT, "pinPromptInstructions": told}))).dial_code == code


def test_instructions_are_one_line_and_not_endless(said: Said) -> None:
    steps = {
        "en": [{"text": "Dial\n*1#."}, {"text": None}, 7, {"text": "x" * 300}],
        "fr": "oui",
        "de": [{"text": "Ja"}],
    }
    told = {"channels": ["no", {"type": "USSD", "instructions": steps}]}
    found = _of(_conditions(said, _configured({**DEPOSIT, "pinPromptInstructions": told})))
    assert list(found.instructions) == ["en"]
    assert found.instructions["en"].startswith("Dial *1#. xxx")
    assert len(found.instructions["en"]) == 255


# ---------------------------------------------------------------- at the simulator


@pytest.mark.parametrize("as_list", [False, True])
def test_the_simulators_account_has_every_wallet(bench: PawaPayBench, as_list: bool) -> None:
    bench.talk.set(availability={"ORANGE_SEN": "DELAYED", "WAVE_CIV": "CLOSED"}, availability_as_list=as_list)
    conditions = bench.provider.conditions(bench.account, bench.now())
    not_open = {one.operator: one.health for one in conditions if one.health is not Health.OPEN}
    assert not_open == {"orange_sn": Health.DELAYED, "wave_ci": Health.CLOSED}
    assert {(one.operator, one.currency) for one in conditions} == {
        (operator, currency) for operator, wallet in WALLETS.items() for currency in wallet.reach.currencies
    }
    assert all(one.limits and one.payee_name for one in conditions)
    francs = _of(conditions, "mpesa_cd", "CDF").limits
    assert francs is not None
    assert francs.step == 100


def test_what_the_simulator_says_of_amounts_is_what_it_does(bench: PawaPayBench) -> None:
    limits = _of(bench.provider.conditions(bench.account, bench.now())).limits
    assert limits is not None
    for amount in (limits.minimum - 1, limits.minimum, limits.maximum, limits.maximum + 1):
        charge = bench.charge(amount=amount)
        bench.provider.charge(bench.account, charge, bench.now())
        assert bool(bench.started(charge.id)) == limits.take(Money(amount, "XOF"))


def test_the_constants_know_which_code_is_dialed_before_the_charge() -> None:
    asks = {name: wallet.reach.code_from for name, wallet in WALLETS.items() if wallet.reach.asks_code_first(None)}
    assert asks == {"orange_bf": "*144*4*6*{amount}#"}
    assert WALLETS["wave_sn"].reach.flows == (Flow.REDIRECT, Flow.QR)


def test_m_pesas_francs_are_whole() -> None:
    reach = WALLETS["mpesa_cd"].reach
    amounts = (Money(100_000, "CDF"), Money(100_050, "CDF"), Money(1_050, "USD"), Money(100, "XOF"))
    assert [reach.takes(money) for money in amounts] == [True, False, True, False]


# ---------------------------------------------------------------- check


def _checked(said: Said, answer: Answer) -> tuple[bool, str]:
    said.answers["active-conf"] = [answer]
    found = said.provider.check(said.account, NOW)
    return found.is_usable, found.words


def test_a_good_account_is_told_which_wallets_it_has(said: Said) -> None:
    here = {"callbackUrl": said.account.callback_url}
    for operations in (
        {"DEPOSIT": here, "REFUND": here},
        {"DEPOSIT": here, "PAYOUT": {"callbackUrl": "https://elsewhere.example.com"}},
        [{"operationType": kind, **here} for kind in ("DEPOSIT", "REFUND")],
    ):
        answer = _configured(types=operations)
        assert _checked(said, answer) == (True, "pawaPay takes payments from ORANGE_SEN.")


@pytest.mark.parametrize(
    "refunds", [None, "https://old.example.com/callbacks", "https://pay.example.com/callbacks/pawapay/"]
)
def test_an_account_whose_callbacks_go_elsewhere_is_usable_and_told_where_they_must_come(
    said: Said, refunds: str | None
) -> None:
    operations = {"DEPOSIT": {"callbackUrl": said.account.callback_url}, "REFUND": {"callbackUrl": refunds}}
    answer = _configured(types=operations)
    is_usable, words = _checked(said, answer)
    assert is_usable
    assert words.endswith(
        "; let its callbacks of deposits and refunds come to https://pay.example.com/callbacks/pawapay."
    )


def test_who_does_not_answer_is_named(said: Said) -> None:
    nobody = replace(said.account, settings={**said.account.settings, "base_url": "http://127.0.0.1:1"})
    found = said.provider.check(nobody, NOW)
    assert not found.is_usable
    assert found.words.startswith("pawaPay did not answer at http://127.0.0.1:1 (")


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (rejected("NO_AUTHENTICATION", 401), "token"),
        (rejected("AUTHENTICATION_ERROR", 403), "token"),
        (Answer(503), "HTTP 503"),
        (HTML, "cannot be used"),
        (in_json({"countries": []}), "no wallet"),
        (_configured(wallet="MTN_MOMO_GHA"), "no wallet"),
        (_configured(types={"PAYOUT": {}}), "no wallet"),
        (_configured(signedRequestsOnly=True), "signed requests"),
        (_configured(signedCallbacks=False), "does not sign callbacks"),
    ],
)
def test_a_bad_account_is_told_what_is_wrong(said: Said, answer: Answer, word: str) -> None:
    is_usable, words = _checked(said, answer)
    assert not is_usable
    assert word in words


def test_an_account_that_does_not_sign_needs_no_signatures(said: Said) -> None:
    said.account = replace(said.account, settings={**said.account.settings, "sign_callbacks": False})
    assert _checked(said, _configured(signedCallbacks=False))[0]


def test_the_words_name_the_mode_of_the_token(said: Said) -> None:
    for livemode, mode in ((True, "live"), (False, "sandbox")):
        said.account = replace(said.account, livemode=livemode)
        words = f"pawaPay refuses the token: it is wrong, or not one of its {mode}."
        assert _checked(said, rejected("AUTHENTICATION_ERROR", 403)) == (False, words)
