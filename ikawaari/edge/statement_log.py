"""The debug log: how many statements each request sent to the database. At other levels this is not installed."""

import structlog
from flask import Flask, Response, request

from ikawaari import store

log = structlog.get_logger()


def register(app: Flask) -> None:
    """Log one line for each request of `app`."""
    store.statements.watch()

    def write(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else None
        count = store.statements.count()
        log.debug("request", method=request.method, route=route, status=response.status_code, statements=count)
        return response

    app.before_request(store.statements.restart)
    app.after_request(write)
