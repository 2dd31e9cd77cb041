"""gunicorn's own lines, in our log."""

from typing import Any

from gunicorn import glogging

from ikawaari.logs import Foreign


class Logger(glogging.Logger):  # type: ignore[misc]
    """It writes when processes start and end. Requests are measured elsewhere, and have no line."""

    def setup(self, cfg: Any) -> None:
        """Send its lines where all others go."""
        super().setup(cfg)
        self.error_log.handlers = [Foreign()]
