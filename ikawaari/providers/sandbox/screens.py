"""The operator's own screen, where a payer approves or refuses: a wallet's page, or a bank's."""

from datetime import datetime

from ikawaari.providers.outcomes import FailureCode
from ikawaari.providers.sandbox import world
from ikawaari.providers.sandbox.ledger import Charge
from ikawaari.providers.sandbox.script import Ending
from ikawaari.providers.values import Flow

_SHOWN = (Flow.REDIRECT, Flow.QR)


def find(reference: str) -> Charge | None:
    """The charge that the screen at `reference` is about."""
    return Charge.get_or_none(Charge.reference == reference, Charge.flow.in_(_SHOWN))


def decide(reference: str, approved: bool, now: datetime) -> str:
    """Approve or refuse, once; later decisions are ignored, and so is one where the payer's number says how it ends.

    Returns the payer's next address. Raises LookupError.
    """
    charge = find(reference)
    if charge is None:
        raise LookupError(reference)
    charge = world.advance(charge, now)
    if charge.status == "pending" and charge.ending == Ending.WAITS:
        refusal = FailureCode.AUTHENTICATION_FAILED if charge.kind == "bank" else FailureCode.PAYER_DECLINED
        world.settle(charge, now, succeeded=approved, failure=refusal)
    return charge.return_url
