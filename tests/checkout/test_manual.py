"""An operator's last word: `ikawaari attempts list`, `show` and `settle`, typed as an operator types them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

from ikawaari.checkout import settlement
from ikawaari.cli import main
from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers import registry
from ikawaari.providers.base import Account, Charge, FailureCode, Outcome, Result
from ikawaari.providers.sandbox import Sandbox
from ikawaari.store.models import AttemptReport, CheckoutSession, PaymentAttempt
from tests import world as worlds
from tests.world import FAILED, PAID, World, audit, intent, latest, refunds, statuses, together

Attempts = Callable[..., Any]
WHY = ("--reason", "their statement, line 12")


class Deaf(Sandbox):
    """A provider that takes money and knows nothing of it afterwards; or says `answer`."""

    answer: Outcome | None = None

    def lookup(self, account: Account, request: Charge, now: Any) -> Outcome:
        """Say nothing of use."""
        return self.answer or Outcome(result=Result.UNKNOWN, raw_code="HTTP 500")


@pytest.fixture
def provider(world: World) -> Deaf:
    """The provider of which nobody learns anything."""
    deaf = Deaf(world.config)
    registry.configure([deaf])
    return deaf


@pytest.fixture
def run(world: World, provider: Deaf, config: Config, monkeypatch: pytest.MonkeyPatch) -> Attempts:
    """Runs `ikawaari attempts …` in this process, on this world: its exit code and what it says."""
    monkeypatch.setattr("ikawaari.start", lambda _config: None)  # the world has started it

    def attempts(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["attempts", *arguments])
        return done.exit_code, done.output

    return attempts


def stuck(world: World, ending: str = "004", seconds: float = 41) -> tuple[CheckoutSession, PaymentAttempt]:
    """A payment of whose charge the provider gave no usable answer, so long ago."""
    session = world.session()
    world.pay(session, ending)
    world.later(seconds)
    return session, latest(session)


# ---------------------------------------------------------------- settling


def test_a_success_pays_the_session(world: World, run: Attempts) -> None:
    session, attempt = stuck(world)
    code, said = run("settle", attempt.id, "--succeeded", "--reference", "8841", *WHY, "--by", "Awa")
    assert (code, json.loads(said)) == (0, {"id": attempt.id, "status": "succeeded", "amount_received": 5_000})
    assert statuses(session) == PAID
    assert latest(session).provider_reference == "8841"
    report = AttemptReport.get(AttemptReport.source == "operator")
    assert (report.made_by, report.reason, report.forced) == ("Awa", WHY[1], False)
    audit()


def test_a_failure_lets_the_payer_try_again_and_a_later_report_still_corrects_it(
    world: World, run: Attempts, provider: Deaf
) -> None:
    session, attempt = stuck(world)
    assert run("settle", attempt.id, "--failed", "--code", "payer_declined", *WHY)[0] == 0
    assert statuses(session) == FAILED
    assert latest(session).failure_code == "payer_declined"
    world.pay_by_card(session)
    assert intent(session).status == "succeeded"
    paid = Outcome(result=Result.SUCCEEDED, money=Money(5_000, "XOF"))
    settlement.apply(attempt.id, paid, world.now, settlement.Source.CALLBACK)
    assert [(row.amount, row.reason) for row in refunds()] == [(5_000, "duplicate")]
    world.wait(6)
    audit()


@pytest.mark.on_postgres
def test_the_default_code_is_unknown_and_the_default_name_the_systems(world: World, run: Attempts) -> None:
    session, attempt = stuck(world)
    assert run("settle", attempt.id, "--failed", *WHY)[0] == 0
    assert latest(session).failure_code == "unknown"
    assert "@" in str(AttemptReport.get(AttemptReport.source == "operator").made_by)


def test_another_amount_than_was_asked_is_no_payment_and_goes_back(world: World, run: Attempts) -> None:
    session, attempt = stuck(world)
    assert run("settle", attempt.id, "--succeeded", "--amount", "2500", *WHY)[0] == 0
    assert statuses(session) == FAILED
    assert [(row.amount, row.reason) for row in refunds()] == [(2_500, "wrong_amount")]


@pytest.mark.parametrize("seconds", [0, 39.9])
def test_what_may_still_be_on_its_way_is_not_settled(world: World, run: Attempts, seconds: float) -> None:
    session, attempt = stuck(world, seconds=seconds)
    for how in (["--succeeded"], ["--failed"], ["--failed", "--force"]):
        code, said = run("settle", attempt.id, *how, *WHY)
        assert code == 1
        assert "younger than 40 seconds" in said
    assert latest(session).status == "unknown"


@pytest.mark.parametrize(
    ("answer", "words", "after"),
    [
        (Outcome(result=Result.SUCCEEDED, money=Money(5_000, "XOF")), "paid", PAID),
        (Outcome(result=Result.PROCESSING), "under way", worlds.UNKNOWN),
        (Outcome(result=Result.REQUIRES_ACTION), "under way", worlds.UNKNOWN),
    ],
    ids=["paid", "processing", "requires_action"],
)
def test_a_failure_is_refused_when_the_provider_says_otherwise_and_forced_when_one_insists(
    *, world: World, run: Attempts, provider: Deaf, answer: Outcome, words: str, after: tuple[str, ...]
) -> None:
    session, attempt = stuck(world)
    provider.answer = answer
    code, said = run("settle", attempt.id, "--failed", *WHY)
    assert code == 1
    assert words in said
    assert statuses(session) == after
    other, forced = stuck(world)
    assert run("settle", forced.id, "--failed", "--force", *WHY)[0] == 0
    assert statuses(other) == FAILED
    assert AttemptReport.get(AttemptReport.source == "operator").forced


@pytest.mark.parametrize("result", ["failed", "not_found", "unknown"])
def test_a_failure_is_taken_when_the_provider_does_not_contradict(
    world: World, run: Attempts, provider: Deaf, result: str
) -> None:
    failure = FailureCode.PAYMENT_TIMEOUT if result == "failed" else None
    session, attempt = stuck(world)
    provider.answer = Outcome(result=Result(result), failure=failure)
    assert run("settle", attempt.id, "--failed", "--code", "expired", *WHY)[0] == 0
    assert (latest(session).failure_code, intent(session).status) == ("expired", "failed")


def test_a_settled_attempt_and_a_stranger_are_refused(world: World, run: Attempts) -> None:
    session, attempt = stuck(world)
    assert run("settle", attempt.id, "--failed", *WHY)[0] == 0
    for how in ("--failed", "--succeeded"):
        code, said = run("settle", attempt.id, how, *WHY)
        assert code == 1
        assert "settled" in said
    for command in (["settle", "nobody", "--failed", *WHY], ["show", "nobody"]):
        code, said = run(*command)
        assert code == 1
        assert "no such payment attempt" in said
    assert statuses(session) == FAILED


@pytest.mark.parametrize(
    "wrong",
    [
        WHY,
        ("--succeeded", "--failed", *WHY),
        ("--failed",),
        ("--failed", "--reason", "  "),
        ("--failed", "--reason", "x" * 501),
        ("--failed", "--reason", "a\x07b"),
        ("--failed", "--amount", "1", *WHY),
        ("--failed", "--reference", "x", *WHY),
        ("--succeeded", "--code", "expired", *WHY),
        ("--succeeded", "--amount", "0", *WHY),
        ("--succeeded", "--amount", "2.5", *WHY),
        ("--succeeded", "--amount", str(2**63), *WHY),
        ("--failed", "--code", "because", *WHY),
        ("--succeeded", "--reference", "x" * 256, *WHY),
        ("--failed", "--by", "x" * 256, *WHY),
    ],
    ids=lambda wrong: " ".join(wrong)[:40],
)
def test_what_cannot_be_understood_changes_nothing(world: World, run: Attempts, wrong: tuple[str, ...]) -> None:
    session, attempt = stuck(world)
    code, said = run("settle", attempt.id, *wrong)
    assert code in {1, 2}, said
    assert "Error: " in said
    assert latest(session).status == "unknown"


@pytest.mark.on_postgres
def test_an_operator_and_a_callback_at_the_same_moment_settle_it_once(world: World, run: Attempts) -> None:
    session, attempt = stuck(world)
    paid = Outcome(result=Result.SUCCEEDED, money=Money(5_000, "XOF"))
    doors: list[Callable[[], object]] = [
        lambda: run("settle", attempt.id, "--failed", *WHY),
        lambda: settlement.apply(attempt.id, paid, world.now, settlement.Source.CALLBACK),
    ]
    together(4, lambda number: doors[number % 2]())
    assert statuses(session) == PAID
    assert world.told().count("payment_intent.succeeded") == 1
    audit()


def test_an_attempt_of_a_provider_that_is_gone_is_settled_after_a_day(world: World, run: Attempts) -> None:
    session, attempt = stuck(world)
    registry.configure([])
    assert run("settle", attempt.id, "--failed", *WHY)[0] == 1
    world.later(86_400)
    assert run("settle", attempt.id, "--failed", *WHY)[0] == 0
    assert statuses(session) == FAILED


# ---------------------------------------------------------------- looking


@pytest.mark.on_postgres
def test_attempts_are_listed_oldest_first_those_that_wait_alone_when_asked(world: World, run: Attempts) -> None:
    first, old = stuck(world, seconds=600)
    paid = world.session()
    world.pay_by_card(paid)
    world.later(1)
    second, young = stuck(world, seconds=60)

    def ids(*options: str) -> list[str]:
        return [json.loads(line)["id"] for line in run("list", *options)[1].splitlines()]

    assert ids() == [old.id, latest(paid).id, young.id]
    assert ids("--unsettled") == [old.id, young.id]
    assert ids("--unsettled", "--older-than", "5") == [old.id]
    assert ids("--older-than", "11") == [old.id]
    assert ids("--older-than", "12") == []
    assert run("list", "--older-than", "-1")[0] == 2
    row = json.loads(run("list", "--unsettled")[1].splitlines()[0])
    assert (row["payment_intent"], row["age_minutes"], row["status"]) == (intent(first).id, 11, "unknown")
    assert intent(second).id != intent(first).id


def test_show_tells_the_whole_history(
    world: World, run: Attempts, provider: Deaf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Deaf, "sent_id", lambda _provider, charge_id: charge_id[:8])
    world.callbacks_arrive()
    session, attempt = stuck(world, "012")
    run("settle", attempt.id, "--failed", "--force", *WHY)
    world.callbacks_get_lost()
    world.callbacks_arrive()
    provider.tick(world.now)
    world.wait(6, 6)
    told = json.loads(run("show", attempt.id)[1])
    assert (told["attempt"]["id"], told["attempt"]["sent_as"]) == (attempt.id, attempt.id[:8])
    assert told["attempt"]["amount_received"] == 2_500
    assert told["attempt"]["provider_code"] == latest(session).provider_code
    assert str(attempt.phone) not in json.dumps(told["attempt"])
    assert [report["source"] for report in told["reports"]][:2] == ["charge", "operator"]
    assert "callback" in [report["source"] for report in told["reports"]]
    assert told["reports"][1]["reason"] == WHY[1]
    assert [refund["amount"] for refund in told["refunds"]] == [2_500]
    assert told["callbacks"][0]["attempt_id"] == attempt.id
