"""`ikawaari` by a clock that a test moves, except that once, at a step around a provider's call, it dies by SIGKILL.

Like `killing`, for any adapter: the steps are those of its requests.
"""

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ikawaari.providers.http import Call
from tests.chaos.killing import DIE_AT, after
from tests.chaos.seeded import moved

_LOGINS = ("/token/", "/login")


def main() -> None:
    """Put the trap, then be `ikawaari` by the moved clock."""
    TRAPS[os.environ[DIE_AT]]()
    moved.main()


def _creates(_call: Call, method: str, path: str, *_: Any) -> bool:
    return method == "POST" and "refund" not in path and not path.endswith(_LOGINS)


def _refunds(_call: Call, method: str, path: str, *_: Any) -> bool:
    return method == "POST" and "refund" in path


TRAPS: Mapping[str, Callable[[], None]] = {
    "a charge is answered": partial(after, Call, "send", _creates),
    "a refund is answered": partial(after, Call, "send", _refunds),
}

if __name__ == "__main__":
    main()
