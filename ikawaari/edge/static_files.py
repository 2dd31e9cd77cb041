"""The files in `static/`: kept by browsers for good, since every address names a version, and our scripts compressed.

htmx lies beside its compressed copies. A copy of a script that is edited could be stale, and the folder may be
read-only, so our own scripts are compressed in memory when the application starts.
"""

import gzip
import io
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

import brotli
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header
from whitenoise import WhiteNoise
from whitenoise.responders import Response, StaticFile

_YEAR_SECONDS = 31_536_000
_OURS = "*.js"  # below it, in `vendor/`, are others' files
_CODINGS = ("br", "gzip")  # the smallest first


class StaticFiles(WhiteNoise):
    """Answers for the files below `root`, and passes everything else on."""

    def __init__(self, application: WSGIApplication, root: Path) -> None:
        super().__init__(
            application, root=str(root), prefix="static/", max_age=_YEAR_SECONDS, immutable_file_test=r"\.(js|css)$"
        )
        for script in root.glob(_OURS):
            self.files[f"/static/{script.name}"] = _Script(self.files[f"/static/{script.name}"], script.read_bytes())


class _Script:
    """A script of ours: WhiteNoise's answer, with a compressed body for whoever accepts one."""

    def __init__(self, plain: StaticFile, text: bytes) -> None:
        self._plain, self._packed = plain, dict(zip(_CODINGS, _compressed(text), strict=True))

    def get_response(self, method: str, environ: dict[str, Any]) -> Response:
        """Answer a request for it."""
        response = self._plain.get_response(method, {k: v for k, v in environ.items() if k != "HTTP_RANGE"})
        accepted = parse_accept_header(environ.get("HTTP_ACCEPT_ENCODING"), Accept)
        coding = next((coding for coding in _CODINGS if accepted[coding]), None)
        headers = [*response.headers, ("Vary", "Accept-Encoding")]
        if coding is None or response.status != HTTPStatus.OK:
            return Response(response.status, headers, response.file)
        body, headers = self._packed[coding], [header for header in headers if header[0] != "Content-Length"]
        headers += [("Content-Encoding", coding), ("Content-Length", str(len(body)))]
        if response.file:
            response.file.close()
        return Response(response.status, headers, response.file and io.BytesIO(body))


@lru_cache(maxsize=16)
def _compressed(text: bytes) -> tuple[bytes, bytes]:
    return brotli.compress(text), gzip.compress(text, 9, mtime=0)
