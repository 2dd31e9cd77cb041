"""`ikawaari`, except that once, at the step which IKAWAARI_TEST_DIE_AT names, its whole process group dies by SIGKILL.

The program knows nothing of this: each step is a wrapper around one of its functions, put there before it starts.
The file IKAWAARI_TEST_DIED_FILE says that it has happened; after that this is the program as it is.
"""

import os
import signal
from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Any

from ikawaari import cli
from ikawaari.checkout import callbacks, enquiry, refunds, settlement
from ikawaari.events import events
from ikawaari.providers.base import Account, Charge
from ikawaari.providers.sandbox import Sandbox

DIE_AT = "IKAWAARI_TEST_DIE_AT"
DIED_FILE = "IKAWAARI_TEST_DIED_FILE"


def main() -> None:
    """Put the trap, then be `ikawaari`."""
    _TRAPS[os.environ[DIE_AT]]()
    cli.main()


def die() -> None:
    """Kill this process group, unless that was done before."""
    try:
        os.close(os.open(os.environ[DIED_FILE], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.killpg(os.getpgrp(), signal.SIGKILL)


def before(owner: object, name: str, condition: Callable[..., bool] = lambda *_: True) -> None:
    """Die as `owner.name` is called with arguments that fit."""
    inner = getattr(owner, name)

    @wraps(inner)
    def trapped(*args: Any, **kwargs: Any) -> Any:
        if condition(*args):
            die()
        return inner(*args, **kwargs)

    setattr(owner, name, trapped)


def after(owner: object, name: str, condition: Callable[..., bool] = lambda *_: True) -> None:
    """Die as `owner.name`, called with arguments that fit, returns."""
    inner = getattr(owner, name)

    @wraps(inner)
    def trapped(*args: Any, **kwargs: Any) -> Any:
        answer = inner(*args, **kwargs)
        if condition(*args):
            die()
        return answer

    setattr(owner, name, trapped)


def _is_told(event_type: str, *args: Any) -> bool:
    return bool(args[0] == event_type)


def _has_otp(_sandbox: Sandbox, _account: Account, request: Charge, *_: Any) -> bool:
    return request.otp is not None


def _event(event_type: str) -> Callable[[], None]:
    """Inside the transaction that tells this event: it is written, and not committed."""
    return partial(after, events, "append", partial(_is_told, event_type))


_TRAPS: Mapping[str, Callable[[], None]] = {
    "claiming": partial(after, enquiry, "begin"),  # inside the transaction that claims: nothing is committed
    "before the charge": partial(before, Sandbox, "charge"),
    "the charge is known": partial(after, Sandbox, "charge"),  # of a payer who is still asked
    "the money is taken": partial(after, Sandbox, "charge"),
    "before the answer is applied": partial(before, settlement, "_apply"),
    "applying a success": _event("checkout.session.completed"),
    "applying a failure": _event("payment_intent.payment_failed"),
    "the answer is applied": partial(after, settlement, "_apply"),
    "before the code is sent": partial(before, Sandbox, "charge", _has_otp),
    "the code is sent": partial(after, Sandbox, "charge", _has_otp),
    "a callback arrives": partial(before, callbacks, "receive"),
    "a callback is verified": partial(after, Sandbox, "parse_callback"),
    "a callback is applied": partial(after, callbacks, "receive"),
    "an enquiry is answered": partial(after, Sandbox, "lookup"),
    "before the refund": partial(before, Sandbox, "refund"),
    "the refund is given": partial(after, Sandbox, "refund"),
    "applying a refund": _event("refund.succeeded"),
    "the refund is applied": partial(after, refunds, "apply"),
}

if __name__ == "__main__":
    main()
