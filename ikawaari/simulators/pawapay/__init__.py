"""pawaPay's Merchant API v2, simulated.

Orders of its own, for the next deposit, refund or statement (`on`: `charge`, `refund`, `report`):

- `refuse {"code"}`: the create is answered with this failure code;
- `fail {"code"}`: it is accepted, and fails with this code;
- `fail_then_complete {"code", "seconds"}`: it fails, and is completed so many seconds (60) later after all;
- `other_amount {"amount"}`: the customer pays this amount (deposits only);
- `in_reconciliation {"seconds"}`: it is IN_RECONCILIATION for so long (3600) before it ends.

What `POST /_sim/set` changes:

- `availability`: `{"ORANGE_SEN": "DELAYED"}`, or `CLOSED`; `availability_as_list`: the other shape of its answer;
- `deposits_allowed`, `refunds_allowed`; `one_prompt_per_wallet`: a second deposit on a busy wallet fails, as live;
- `auth_url_at_once`: the address of a redirect wallet is in the answer to the create;
- `echo_decimals`: how many decimals amounts are shown with (2, sometimes 4);
- `v1_rejections`: refunds are refused in the words of version 1;
- `sign_callbacks`; `key_number`: callbacks are signed with another key, which joins the list.
"""

from ikawaari.simulators.pawapay.simulator import PawaPay

__all__ = ["PawaPay"]
