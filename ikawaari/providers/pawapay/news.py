"""What a verified callback says."""

import hashlib
from collections.abc import Sequence

from ikawaari.providers.callbacks import CallbackRefused, Hint, News, Report
from ikawaari.providers.http import decoded, read_text
from ikawaari.providers.pawapay import deposits, refunds, statement
from ikawaari.providers.values import Account


def read(account: Account, body: bytes, *, is_signed: bool) -> Sequence[News]:
    """The news of one deposit or refund; its id is the body's digest, because it has none. Raises CallbackRefused.

    Only a signed end is a report: of anything else, a look-up says what it means for the charge.
    """
    data = decoded(body)
    refund_id, deposit_id = read_text(data, refunds.ID), read_text(data, deposits.ID)
    ours = {"refund_id": refund_id} if refund_id else {"charge_id": deposit_id}
    if read_text(data, statement.ID):
        return []  # who asked for it looks by itself whether it is ready
    if not any(ours.values()):
        raise CallbackRefused("about neither a deposit nor a refund")
    ended = (refunds.ended if refund_id else deposits.ended)(account, data) if is_signed else None
    if ended is None or not (ended.money or ended.failure):
        return [Hint(**ours)]
    return [Report(event_id=hashlib.sha256(body).hexdigest(), outcome=ended, **ours)]
