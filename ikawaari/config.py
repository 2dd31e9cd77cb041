"""The configuration: read once, from the environment (prefix `IKAWAARI_`), typed, and refused if unsafe."""

import logging
import math
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ikawaari import addresses

PREFIX = "IKAWAARI_"
ROOT = Path(__file__).resolve().parent.parent
INSTANCE = ROOT / "instance"
_SHORTEST_SECRET, _SHORTEST_TOKEN = 32, 16
_BUDGETS = {
    *("tries_per_session", "prompts_per_phone", "declines_per_card", "codes_per_attempt", "link_sessions_per_minute"),
}
_MAY_BE_NEGATIVE = {"clock_offset_seconds"}
_KEPT = {"event_days", "callback_days", "unpaid_session_days"}
_SHORTEST_KEPT_DAYS = 30  # retries of a webhook take two days, a session lives for seven; people need longer to look
_MAY_BE_ZERO = {"sandbox_delay_seconds", "trusted_proxies"} | _BUDGETS | _MAY_BE_NEGATIVE | _KEPT


class UnsafeConfiguration(Exception):
    """The configuration is unsafe; the message names the variable and the reason."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Every setting, with its unit in its name. `Config()` alone is a laptop's."""

    database_url: str = f"sqlite:///{INSTANCE / 'ikawaari.sqlite3'}"
    secret_key: str = ""  # signs cookies and sandbox callbacks; created and kept in instance/ on a laptop
    old_secret_keys: str = ""  # comma-separated, newest first: they still open and verify, but seal and sign nothing
    api_url: str = "http://127.0.0.1:8000"  # where merchants and providers reach us
    pay_url: str = ""  # where customers reach us; empty: the same as api_url
    bind: str = ""  # every HOST:PORT that is listened on, comma-separated; empty if none, as in a worker
    insecure: bool = False  # others reach this server without https; for tests in a closed network
    trusted_proxies: int = 0  # reverse proxies in front, whose X-Forwarded-* headers are trusted
    keepalive_seconds: float = 75.0  # how long an idle connection stays open: longer than balancers' usual 60
    transfer_timeout_seconds: float = 60.0  # how long a client may take to send a request, and to receive its response
    max_body_bytes: int = 131_072
    key_rate_limit: int = 100  # requests per minute of a credential without a limit of its own
    merchant_rate_limit: int = 1_000  # requests per minute of a merchant
    # Public budgets, for payers, who have no credential; 0 means no limit.
    tries_per_session: int = 10  # failed tries, before the session must wait between two tries
    prompts_per_phone: int = 5  # prompts that nobody approved, in ten minutes; four times as many in a day
    declines_per_card: int = 5  # an hour
    codes_per_attempt: int = 5  # one-time codes of one attempt
    link_sessions_per_minute: int = 30  # sessions that one network and browser may open at a payment link
    charge_timeout_seconds: float = 20.0  # how long a provider's charge call may take
    enquiry_seconds: float = 5.0  # first enquiry after a charge without an end; later ones double it
    worker_poll_seconds: float = 0.5  # how often the worker looks for due work
    sandbox_delay_seconds: float = 3.0  # how long the sandbox's payer takes to approve
    sandbox_prompt_seconds: float = 60.0  # how long a sandbox prompt lives
    sandbox_settles_seconds: float = 86_400.0  # after this time a charge of the sandbox should have ended
    database_pool: int = 20  # PostgreSQL connections a process keeps at most
    clock_offset_seconds: float = 0.0  # how wrong this process's clock shall be; for tests on one machine alone
    # How long is kept what is no money, in days; 0: forever.
    event_days: int = 90  # events, with their deliveries
    callback_days: int = 365  # what providers sent
    unpaid_session_days: int = 365  # expired sessions that nobody tried to pay
    log_level: str = "INFO"
    traces: bool = False  # sent by OTLP to where OTEL_EXPORTER_OTLP_ENDPOINT says
    metrics_token: str = ""  # whoever sends it may read `/metrics`; empty: nothing is counted
    demo: bool = False  # the demo shop at `/`

    def __post_init__(self) -> None:
        object.__setattr__(self, "api_url", self.api_url.rstrip("/"))
        object.__setattr__(self, "pay_url", (self.pay_url or self.api_url).rstrip("/"))
        _check(self)

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server: the addresses that it listens on and both URLs are loopback.

        This is the only test for that: test mode or an API URL of 127.0.0.1 do not prove that it is a laptop.
        """
        bound = [addresses.host_of(bind) for bind in self.bind.split(",") if bind.strip()]
        return all(addresses.is_loopback(host) for host in (*bound, _host(self.api_url), _host(self.pay_url)))

    @property
    def is_https(self) -> bool:
        """Whether customers reach the page over https, according to the configuration, never to a request."""
        return urlsplit(self.pay_url).scheme == "https"

    @property
    def takes_live_keys(self) -> bool:
        """Whether live credentials are safe here: they never cross a network without https."""
        return self.is_local or not self.insecure

    @property
    def old_secrets(self) -> tuple[str, ...]:
        """The secrets that were replaced, newest first."""
        return tuple(secret.strip() for secret in self.old_secret_keys.split(",") if secret.strip())

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Config":
        """The configuration in `environment` (default: the process's). Raises UnsafeConfiguration."""
        source = os.environ if environment is None else environment
        given: dict[str, Any] = {
            field.name: _convert(field.name, field.type, source[PREFIX + field.name.upper()])
            for field in fields(cls)
            if PREFIX + field.name.upper() in source
        }
        config = cls(**given)
        if config.secret_key:
            return config
        return cls(**(given | {"secret_key": _kept_secret(INSTANCE / "secret.key")}))

    @classmethod
    def of_listening_process(cls) -> "Config":
        """The configuration of a process that another server runs. Unless IKAWAARI_BIND says where it listens, its
        sockets do; if it has none (yet), anybody may reach it. Raises UnsafeConfiguration.
        """
        listened_on = ",".join(addresses.listened_on()) or "0.0.0.0:0"
        return cls.from_environment({f"{PREFIX}BIND": listened_on, **os.environ})


def _convert(name: str, kind: Any, text: str) -> object:
    converters: dict[Any, Callable[[str], object]] = {int: int, float: float, bool: _boolean, str: str}
    try:
        return converters[kind](text)
    except ValueError:
        raise UnsafeConfiguration(f"{PREFIX}{name.upper()} must be of type {kind.__name__}, not {text!r}") from None


def _boolean(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError(text)


def _check(config: Config) -> None:
    if urlsplit(config.database_url).scheme not in {"sqlite", "postgresql", "postgres"}:
        raise UnsafeConfiguration(f"{PREFIX}DATABASE_URL must begin with sqlite:/// or postgresql://")
    for name in ("api_url", "pay_url"):
        try:
            url = urlsplit(getattr(config, name))
            absolute = url.scheme in {"http", "https"} and url.hostname and (url.port is None or url.port > 0)
        except ValueError:  # a host or a port that cannot be
            absolute = False
        if not absolute:
            raise UnsafeConfiguration(f"{PREFIX}{name.upper()} must be an absolute http(s) URL")
    _check_secrets(config)
    if config.log_level.upper() not in logging.getLevelNamesMapping():
        raise UnsafeConfiguration(f"{PREFIX}LOG_LEVEL must be one of {', '.join(logging.getLevelNamesMapping())}")
    if config.demo and not config.is_local:
        raise UnsafeConfiguration(
            f"{PREFIX}DEMO (--demo) shows a key with all scopes, so it is for this machine alone: "
            f"{PREFIX}BIND, {PREFIX}API_URL and {PREFIX}PAY_URL must be loopback addresses"
        )
    if config.clock_offset_seconds and not config.is_local:
        raise UnsafeConfiguration(
            f"{PREFIX}CLOCK_OFFSET_SECONDS makes the clock wrong, so it is for tests on this machine alone: "
            f"{PREFIX}BIND, {PREFIX}API_URL and {PREFIX}PAY_URL must be loopback addresses"
        )
    _check_numbers(config)
    _check_exposed(config)


def _check_secrets(config: Config) -> None:
    for name, secrets_ in (("SECRET_KEY", (config.secret_key,)), ("OLD_SECRET_KEYS", config.old_secrets)):
        if any(secret and len(secret) < _SHORTEST_SECRET for secret in secrets_):
            raise UnsafeConfiguration(f"{PREFIX}{name} must have at least {_SHORTEST_SECRET} characters each")
    if config.metrics_token and not re.fullmatch(rf"[!-~]{{{_SHORTEST_TOKEN},}}", config.metrics_token):
        raise UnsafeConfiguration(
            f"{PREFIX}METRICS_TOKEN must have at least {_SHORTEST_TOKEN} characters, all of them visible ASCII"
        )


def _check_exposed(config: Config) -> None:
    """Refuse an unprotected server that others can reach, naming everything that is missing."""
    if config.is_local:
        return
    missing = [] if config.secret_key else ["SECRET_KEY must be set"]
    missing += [f"{name.upper()} must be set, and be https" for name in _unprotected_urls(config)]
    if missing:
        where = f"listens on {config.bind}" if config.bind else f"is reached at {config.pay_url}"
        raise UnsafeConfiguration(
            f"this server {where}, so others reach it: {', '.join(PREFIX + each for each in missing)}"
        )


def _unprotected_urls(config: Config) -> list[str]:
    """The http URLs that payments would pass through; a URL that only this machine uses may be http."""
    if config.insecure:
        return []
    urls = {"api_url": config.api_url} | ({} if config.pay_url == config.api_url else {"pay_url": config.pay_url})
    plain = {name: url for name, url in urls.items() if urlsplit(url).scheme != "https"}
    return [name for name, url in plain.items() if config.bind or not addresses.is_loopback(_host(url))]


def _check_numbers(config: Config) -> None:
    for field in fields(config):
        value = getattr(config, field.name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if field.name in _MAY_BE_NEGATIVE and math.isfinite(value):
            continue
        if not math.isfinite(value) or value < 0 or (value == 0 and field.name not in _MAY_BE_ZERO):
            raise UnsafeConfiguration(f"{PREFIX}{field.name.upper()} must be a number greater than zero")
    for name in sorted(_KEPT):
        if 0 < getattr(config, name) < _SHORTEST_KEPT_DAYS:
            raise UnsafeConfiguration(f"{PREFIX}{name.upper()} must be 0 (forever) or at least {_SHORTEST_KEPT_DAYS}")
    if config.sandbox_settles_seconds < 2 * config.charge_timeout_seconds:
        twice = f"at least twice {PREFIX}CHARGE_TIMEOUT_SECONDS"
        raise UnsafeConfiguration(f"{PREFIX}SANDBOX_SETTLES_SECONDS must be {twice}")


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _kept_secret(path: Path) -> str:
    """The secret in `path`, created on first use: several processes that start at once agree on one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{secrets.token_hex(8)}")  # not the process id: two containers may have the same one
    fresh.touch(mode=0o600)
    fresh.write_text(secrets.token_hex(32))
    try:
        os.link(fresh, path)  # atomic: the first process wins, the others read what it wrote
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_text().strip()
