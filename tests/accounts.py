"""Providers with accounts in the database: the sandbox's payers behind credentials, in either mode."""

from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from ikawaari import cli, clock
from ikawaari.checkout import account_setup
from ikawaari.checkout.account_setup import NewAccount
from ikawaari.config import Config
from ikawaari.providers import registry
from ikawaari.providers.base import Account
from ikawaari.providers.capabilities import Limits, Reach
from ikawaari.providers.provider import Checkup, Provider
from ikawaari.providers.sandbox import Sandbox
from ikawaari.providers.settings import BASE_URL, Setting

TOKEN = "a_secret_token"


class Direct(Sandbox):
    """An operator: it takes mobile money alone, up to a million."""

    name = "direct"
    settings = (Setting(name="token", is_secret=True), Setting(name="site", is_optional=True), BASE_URL)
    limits: ClassVar[Limits] = Limits(maximum=1_000_000)

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.account = None
        reached = {name: self.narrowed(reach) for name, reach in self.capabilities.operators.items()}
        modes = frozenset({True, False})
        self.capabilities = replace(self.capabilities, operators=reached, cards=None, modes=modes)

    def check(self, account: Account, now: datetime) -> Checkup:
        """Good settings have the token; a site that breaks the adapter breaks it."""
        if account.text("site") == "broken":
            raise RuntimeError(account.text("token"))
        is_usable = account.text("token") == TOKEN
        return Checkup(is_usable=is_usable, words="All is well." if is_usable else "The token is refused.")

    def narrowed(self, of: Reach) -> Reach:
        """What it can do for an operator."""
        return replace(of, currencies=frozenset({"XOF", "XAF"}), limits={"XOF": self.limits})


class Aggregator(Direct):
    """It passes charges on."""

    name = "aggregator"
    is_aggregator = True


class PerCountry(Direct):
    """It has an account for each country, and takes short addresses."""

    name = "per_country"
    is_per_country = True
    longest_callback_url = 120


class Cards(Sandbox):
    """It takes cards, and has accounts of live mode alone."""

    name = "cards"
    settings = Direct.settings

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.account = None
        self.capabilities = replace(self.capabilities, operators={}, modes=frozenset({True}))


KINDS: tuple[type[Provider], ...] = (Aggregator, Direct, PerCountry, Cards)


def install(config: Config, *kinds: type[Provider]) -> None:
    """Let the process have these providers; all of them, and the sandbox, if none is named."""
    registry.configure([kind(config) for kind in (kinds or (Sandbox, *KINDS))])


def add(config: Config, provider: str = "direct", **given: Any) -> Account:
    """A new account of the house, in live mode, unless `given` says otherwise."""
    options: dict[str, Any] = {"merchant_id": None, "country": None, "livemode": True, "settings": {"token": TOKEN}}
    return account_setup.add(NewAccount(provider=provider, **(options | given)), config, clock.now())


if __name__ == "__main__":  # `ikawaari` with these providers
    registry.INSTALLED = (*registry.INSTALLED, *KINDS)
    cli.main()
