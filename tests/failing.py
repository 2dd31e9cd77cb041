"""A program for `warm.run` that warns, and fails, in a thread and at its end."""

import sys
import threading
import warnings

from ikawaari import logs
from ikawaari.config import Config


def fail() -> None:
    """As a library does, with what it was given."""
    raise ValueError("to +221771234567")


logs.configure(Config.from_environment())
logs.take_over()
warnings.warn("about +221771234567", UserWarning, stacklevel=1)
thread = threading.Thread(target=fail)
thread.start()
thread.join()
try:
    fail()
except ValueError:
    sys.excepthook(*sys.exc_info())  # as Python does at the end: here a parent of tests would catch it before
