"""The WSGI application, for any server: `gunicorn app:app`, `flask run`."""

from ikawaari import create_app

app = create_app()
