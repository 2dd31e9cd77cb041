"""A program for `warm.run`: which of the libraries for operators an application imports that uses none."""

import sys

import ikawaari
from ikawaari.config import Config

ikawaari.start(Config.from_environment())
ikawaari.migrate()
ikawaari.create_app()
print([name for name in ("prometheus_client", "opentelemetry") if name in sys.modules])
