"""The configuration: read from the environment, typed, and refused by the variable's name when unsafe."""

import multiprocessing
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from ikawaari import config as configuration
from ikawaari.config import PREFIX, Config, UnsafeConfiguration

SECRET = "0123456789abcdef0123456789abcdef"
PUBLIC = {"API_URL": "https://api.example", "PAY_URL": "https://pay.example", "SECRET_KEY": SECRET}
SPELLED = {
    "database_url": ("postgresql://u:p@db/x", "postgresql://u:p@db/x"),
    "secret_key": (SECRET, SECRET),
    "old_secret_keys": (f"{SECRET}, {SECRET[::-1]}", f"{SECRET}, {SECRET[::-1]}"),
    "api_url": ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
    "pay_url": ("https://localhost", "https://localhost"),
    "bind": ("127.0.0.1:9000,[::1]:9000", "127.0.0.1:9000,[::1]:9000"),
    "insecure": ("true", True),
    "keepalive_seconds": ("620", 620.0),
    "transfer_timeout_seconds": ("30", 30.0),
    "trusted_proxies": ("2", 2),
    "max_body_bytes": ("1000", 1000),
    "key_rate_limit": ("7", 7),
    "merchant_rate_limit": ("70", 70),
    "charge_timeout_seconds": ("12.5", 12.5),
    "enquiry_seconds": ("0.5", 0.5),
    "clock_offset_seconds": ("-1.5", -1.5),
    "worker_poll_seconds": ("2", 2.0),
    "sandbox_delay_seconds": ("0", 0.0),
    "sandbox_prompt_seconds": ("30", 30.0),
    "tries_per_session": ("11", 11),
    "prompts_per_phone": ("6", 6),
    "declines_per_card": ("0", 0),
    "codes_per_attempt": ("7", 7),
    "link_sessions_per_minute": ("31", 31),
    "sandbox_settles_seconds": ("900", 900.0),
    "database_pool": ("5", 5),
    "event_days": ("30", 30),
    "callback_days": ("31", 31),
    "unpaid_session_days": ("0", 0),
    "log_level": ("debug", "debug"),
    "traces": ("1", True),
    "metrics_token": ("0123456789abcdef", "0123456789abcdef"),
    "demo": ("true", True),
}
NUMBERS = [field.name for field in fields(Config) if field.type in {int, float}]


def read(**variables: str) -> Config:
    """The configuration of an environment with these variables alone."""
    return Config.from_environment({PREFIX + name.upper(): value for name, value in variables.items()})


def test_every_setting_has_its_variable() -> None:
    config = read(**{name: text for name, (text, _) in SPELLED.items()})
    assert {field.name: getattr(config, field.name) for field in fields(Config)} == {
        name: value for name, (_, value) in SPELLED.items()
    }


def test_an_empty_environment_is_a_laptops(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(configuration, "INSTANCE", tmp_path)
    config = read()
    assert config.api_url == config.pay_url == "http://127.0.0.1:8000"
    assert config.secret_key == (tmp_path / "secret.key").read_text()


def test_the_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IKAWAARI_KEY_RATE_LIMIT", "11")
    monkeypatch.setenv("IKAWAARI_SECRET_KEY", SECRET)
    assert Config.from_environment().key_rate_limit == 11


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("api_url", "http://api.example"),
        ("pay_url", "http://pay.example"),
        ("api_url", "api.example"),
        ("api_url", "ftp://api.example"),
        ("api_url", ""),
        ("api_url", "http://"),
        ("api_url", "http://[::1"),
        ("api_url", "http://localhost:99999"),
        ("pay_url", "https://pay.example:http"),
        ("api_url", "http://127.0.0.1.example"),
        ("api_url", "http://localhost@shop.example"),
        ("secret_key", "short"),
        ("secret_key", SECRET[:-1]),
        ("old_secret_keys", f"{SECRET},short"),
        ("database_url", "mysql://localhost/x"),
        ("database_url", "ikawaari.sqlite3"),
        ("log_level", "LOUD"),
        ("demo", "perhaps"),
        ("trusted_proxies", "-1"),
        ("trusted_proxies", "one"),
        ("max_body_bytes", "1.5"),
        *[(name, text) for name in NUMBERS for text in ("much", "", "nan", "inf")],
        *[(name, "-1") for name in NUMBERS if name not in configuration._MAY_BE_NEGATIVE],
        *[(name, "0") for name in NUMBERS if name not in configuration._MAY_BE_ZERO],
    ],
)
def test_an_unsafe_setting_is_refused_by_its_name(name: str, text: str) -> None:
    with pytest.raises(UnsafeConfiguration, match=re.escape(PREFIX + name.upper())):
        read(**({"secret_key": SECRET} | {name: text}))


@pytest.mark.parametrize("url", ["http://localhost:1", "http://127.0.0.1", "http://[::1]:8000"])
def test_http_is_for_this_machine(url: str) -> None:
    assert read(api_url=url, secret_key=SECRET).api_url == url


@pytest.mark.parametrize("name", ["api_url", "pay_url"])
def test_a_server_that_others_reach_must_have_its_secret(name: str) -> None:
    with pytest.raises(UnsafeConfiguration, match="IKAWAARI_SECRET_KEY"):
        read(**{name: "https://checkout.example"})


LOOPBACK = ["127.0.0.1:80", "localhost:80", "localhost.:80", "[::1]:80", "127.1:80", "[::ffff:127.0.0.1]:80"]
PUBLIC_BINDS = ["0.0.0.0:80", "[::]:80", ":80", "192.168.1.5:80", "shop.example:80", "127.0.0.1:80,0.0.0.0:80"]


@pytest.mark.parametrize("bind", ["", *LOOPBACK, ",".join(LOOPBACK)])
@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://localhost.", "http://127.1", "http://[::ffff:127.0.0.1]"]
)
def test_a_server_is_local_when_all_that_it_listens_on_and_both_urls_are_loopback(bind: str, url: str) -> None:
    assert read(bind=bind, api_url=url, secret_key=SECRET).is_local


@pytest.mark.parametrize(
    "public",
    [
        *({"bind": bind, "insecure": "1"} for bind in PUBLIC_BINDS),
        {"api_url": "https://api.example"},
        {"pay_url": "https://pay.example"},
        {"api_url": "https://127.0.0.1.nip.io"},
        {"api_url": "http://0.0.0.0:8000", "insecure": "1"},
    ],
)
def test_a_server_that_others_can_reach_in_any_way_is_not_local(public: dict[str, str]) -> None:
    assert not read(secret_key=SECRET, **public).is_local


@pytest.mark.parametrize("bind", PUBLIC_BINDS)
def test_what_a_server_that_others_reach_lacks_is_named_all_at_once(bind: str) -> None:
    with pytest.raises(UnsafeConfiguration) as refusal:
        read(bind=bind, pay_url="http://127.0.0.1:9")
    for name in ("SECRET_KEY", "API_URL", "PAY_URL"):
        assert f"IKAWAARI_{name} must" in str(refusal.value)
    read(bind=bind, api_url="https://api.example", secret_key=SECRET)


@pytest.mark.parametrize("bind", PUBLIC_BINDS)
def test_an_insecure_server_may_lack_https_but_not_its_secret(bind: str) -> None:
    assert not read(bind=bind, insecure="1", secret_key=SECRET).takes_live_keys
    assert not read(bind=bind, insecure="1", secret_key=SECRET, api_url="http://10.0.0.5:8000").takes_live_keys
    with pytest.raises(UnsafeConfiguration, match="IKAWAARI_SECRET_KEY"):
        read(bind=bind, insecure="1")


@pytest.mark.parametrize("public", [{"bind": "0.0.0.0:80", "insecure": "1"}, {"api_url": "https://api.example"}])
def test_the_demo_is_for_this_machine_alone(public: dict[str, str]) -> None:
    with pytest.raises(UnsafeConfiguration, match="IKAWAARI_DEMO"):
        read(demo="1", secret_key=SECRET, **public)


@pytest.mark.parametrize("public", [{"bind": "0.0.0.0:80", "insecure": "1"}, {"api_url": "https://api.example"}])
def test_a_wrong_clock_is_for_this_machine_alone(public: dict[str, str]) -> None:
    with pytest.raises(UnsafeConfiguration, match="IKAWAARI_CLOCK_OFFSET_SECONDS"):
        read(clock_offset_seconds="3", secret_key=SECRET, **public)
    with pytest.raises(UnsafeConfiguration, match="IKAWAARI_CLOCK_OFFSET_SECONDS"):
        read(clock_offset_seconds="nan", secret_key=SECRET)
    assert read(clock_offset_seconds="-3.5", secret_key=SECRET).clock_offset_seconds == -3.5


def test_a_refusal_does_not_tell_the_secret() -> None:
    with pytest.raises(UnsafeConfiguration) as refusal:
        read(secret_key="hunter2")
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("text", ["1", "true", "YES", "on"])
def test_yes_has_many_spellings(text: str) -> None:
    assert read(demo=text, secret_key=SECRET).demo


@pytest.mark.parametrize("text", ["0", "false", "No", "off", ""])
def test_no_has_many_spellings(text: str) -> None:
    assert not read(demo=text, secret_key=SECRET).demo


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Config().demo = True  # type: ignore[misc]


def _secret(path: Path, gate: Any, answers: Any) -> None:
    gate.wait()
    answers.put(configuration._kept_secret(path))


def test_processes_that_start_together_agree_on_one_secret(tmp_path: Path) -> None:
    path = tmp_path / "instance" / "secret.key"
    context = multiprocessing.get_context("fork")
    gate, answers = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_secret, args=(path, gate, answers)) for _ in range(4)]
    for process in processes:
        process.start()
    secrets = {answers.get(timeout=20) for _ in processes}
    for process in processes:
        process.join()
    assert len(secrets) == 1
    assert re.fullmatch("[0-9a-f]{64}", secrets.pop())


def test_the_kept_secret_is_its_owners_alone_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    first = configuration._kept_secret(path)
    assert configuration._kept_secret(path) == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]
