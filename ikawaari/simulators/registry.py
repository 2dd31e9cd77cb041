"""The simulators, by the name of their provider; `cinetpay-legacy` is the other API of one of them."""

from collections.abc import Mapping

from ikawaari.simulators.cinetpay import CinetPay, LegacyCinetPay
from ikawaari.simulators.ground import Simulator
from ikawaari.simulators.mtn import Mtn
from ikawaari.simulators.pawapay import PawaPay
from ikawaari.simulators.stripe import Stripe
from ikawaari.simulators.wave import Wave

SIMULATORS: Mapping[str, type[Simulator]] = {
    "cinetpay": CinetPay,
    "cinetpay-legacy": LegacyCinetPay,
    "mtn": Mtn,
    "pawapay": PawaPay,
    "stripe": Stripe,
    "wave": Wave,
}
