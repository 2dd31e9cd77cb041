"""Ikawaari Checkout: a merchant's server opens a checkout session, a customer pays it on its page."""

from flask import Flask
from flask_babel import Babel
from flask_smorest import Api
from werkzeug.middleware.proxy_fix import ProxyFix

from ikawaari import clock, logs, monitoring, pruning, sealing, store, texts
from ikawaari.checkout import accounts, budgets, devices, merchant_view, polls
from ikawaari.config import PREFIX, ROOT, Config, UnsafeConfiguration
from ikawaari.edge import bounds, requests, statement_log, static_files
from ikawaari.edge import errors as error_answers
from ikawaari.events import outgoing
from ikawaari.hosted import (
    api,
    callbacks,
    context,
    cors,
    demo,
    gallery,
    health,
    links,
    pages,
    printable,
    provider_screens,
    sent_back,
    trailing,
    web,
)
from ikawaari.hosted import devices as device_pages
from ikawaari.merchant_api import (
    customers,
    docs,
    events,
    intents,
    openapi,
    payment_links,
    refunds,
    reports,
    sessions,
    subscriptions,
    test_mode,
    webhook_endpoints,
)
from ikawaari.providers import registry
from ikawaari.store import sealed


def create_app(config: Config | None = None) -> Flask:
    """The web application. Raises UnsafeConfiguration."""
    config = config or Config.from_environment()
    start(config)
    app = requests.Application("ikawaari", static_folder=str(ROOT / "static"), template_folder=str(ROOT / "templates"))
    app.config.from_mapping(
        IKAWAARI=config,
        SECRET_KEY=config.secret_key,
        MAX_CONTENT_LENGTH=config.max_body_bytes,
        MAX_FORM_MEMORY_SIZE=config.max_body_bytes,
        BABEL_TRANSLATION_DIRECTORIES=str(ROOT / "ikawaari" / "translations"),
        **openapi.SETTINGS,
    )
    _serve_api(app)
    _serve_pages(app, config)
    error_answers.register(app, web.error_page)
    store.shared_clock.check_skew()
    _connect_each_request(app, config)
    _wrap(app, config)
    return app


def start(config: Config) -> None:
    """Connect this process to its database and its providers: everything that a worker or a command needs."""
    clock.set_ahead(config.clock_offset_seconds)
    logs.configure(config)
    sealing.configure(config)
    store.connect(config.database_url, config.database_pool)
    registry.start(config)
    polls.configure(config)
    budgets.configure(config)
    devices.configure(config)
    accounts.configure(config)
    merchant_view.configure(config)
    outgoing.configure(config)
    pruning.configure(config)
    _require_fitting_secret()


def _require_fitting_secret() -> None:
    """Raise UnsafeConfiguration if the sealed values of this database cannot be opened: better now than later."""
    fits = sealed.fits()
    store.release()
    if not fits:
        raise UnsafeConfiguration(
            f"{PREFIX}SECRET_KEY does not open what this database keeps sealed. If it was replaced, put the old one "
            f"into {PREFIX}OLD_SECRET_KEYS"
        )


def migrate() -> list[str]:
    """Bring the schema up to date. Returns the names of the migrations that were applied."""
    applied = store.migrate()
    sealed.prepare()
    registry.prepare()
    return applied


def _serve_api(app: Flask) -> None:
    smorest = Api(app)
    openapi.prepare(smorest)
    charging = (sessions.bp, payment_links.bp, payment_links.bp_v2, intents.bp, refunds.bp, subscriptions.bp)
    for blueprint in (*charging, customers.bp, reports.bp, webhook_endpoints.bp, events.bp, test_mode.bp, api.bp):
        smorest.register_blueprint(blueprint)
    cors.register(app)
    app.register_blueprint(docs.bp)
    app.register_blueprint(callbacks.bp)
    app.register_blueprint(health.bp)


def _serve_pages(app: Flask, config: Config) -> None:
    Babel(app, locale_selector=web.header_locale)
    app.register_blueprint(pages.bp)
    app.register_blueprint(sent_back.bp)
    app.register_blueprint(links.bp)
    device_pages.register(app, config)
    app.register_blueprint(printable.bp)
    provider_screens.register(app)
    gallery.register(app, config)
    app.add_template_filter(context.bdi)
    app.add_template_filter(texts.isolated)
    trailing.register(app)
    if config.demo:
        app.register_blueprint(demo.bp)


def _connect_each_request(app: Flask, config: Config) -> None:
    def end(_error: BaseException | None) -> None:
        store.release()
        registry.release()

    requests.register(app)
    bounds.register(app)
    if config.log_level.upper() == "DEBUG":
        statement_log.register(app)
    app.teardown_request(end)


def _wrap(app: Flask, config: Config) -> None:
    hops = config.trusted_proxies
    inner = requests.normalize_client_address(static_files.StaticFiles(app.wsgi_app, ROOT / "static"))
    if hops:
        inner = ProxyFix(inner, x_for=hops, x_proto=hops, x_host=hops, x_port=hops)
    app.wsgi_app = requests.HeadersMiddleware(inner, config)  # type: ignore[method-assign]
    monitoring.register(app, config)
