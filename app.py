"""The WSGI application, for any server: `gunicorn app:app`, `flask run`."""

from ikawaari import create_app
from ikawaari.config import Config

app = create_app(Config.of_listening_process())
