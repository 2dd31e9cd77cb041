"""MTN MoMo Collections, and the refunds of Disbursements, simulated: for a country (CM, CI, BJ), or as the sandbox.

Orders of its own, for the next payment or refund (`on`: `charge`, `refund`):

- `refuse {"status", "code", "accepted"}`: the create is answered with this error (500 NOT_ALLOWED); nothing is started,
  unless `accepted` is true;
- `fail {"code", "status", "seconds"}`: it ends with this reason and status (FAILED), after so long;
- `fail_then_succeed {"code", "seconds"}`: it fails, and succeeds so many seconds (60) later after all;
- `other_amount {"amount"}`: the payer pays this amount (payments only);
- `unreadable {"seconds"}`: look-ups find nothing for so long (2) after the create;
- `forged_callback`: somebody posts a SUCCESSFUL that is not true, as anybody can.

What `POST /_sim/set` changes:

- `platform`: `new` is that of 2026, which wants X-Target-Environment on the token call and refuses python-requests;
- `callback_method` (PUT, POST), `repeats_callbacks`; `reason_as_string`; `echo_decimals`: how amounts are shown;
- `exists_code`, `invalid_currency_status`: what documents disagree about; `disbursements_enabled`.
"""

from ikawaari.simulators.mtn.simulator import Mtn

__all__ = ["Mtn"]
