"""Where a request ends in the received bytes: only complete requests get a thread.

This only measures. gunicorn's parser reads exactly what was measured, so a request that the two see differently is
refused, and never mixed with the next one. The work is linear in the number of bytes, however small the pieces.
"""

import re

from ikawaari import errors

LONGEST_LINE = 16_384  # bytes of the request line, and of each header field
LONGEST_HEAD = 65_536  # bytes
_LONGEST_SIZE_LINE = 256  # bytes before each chunk
_LENGTH = re.compile(rb"\r\ncontent-length[ \t]*:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
_CODED = re.compile(rb"\r\ntransfer-encoding[ \t]*:[ \t]*(chunked[ \t]*\r\n)?", re.IGNORECASE)
_SIZE = re.compile(rb"[0-9a-f]{1,16}", re.IGNORECASE)
_CONTINUE = re.compile(rb"\r\nexpect[ \t]*:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
_LINE_FEED = re.compile(rb"(?<!\r)\n")


class Framing:
    """The length of one request, checked again whenever bytes arrive; it remembers how far it has searched."""

    def __init__(self, longest_body: int) -> None:
        self.refusal: errors.AnyCode | None = None  # when the head is too long
        self.is_cut = False  # more of it may follow, which is not read: the connection must close
        self.wants_continue = False  # the client waits for `100 Continue` before it sends the body
        self._longest_body = longest_body
        self._seen = 0
        self._measure = self._head

    def end(self, data: bytearray) -> int | None:
        """How many bytes the request has; None while some are missing."""
        return self._measure(data)

    def _head(self, data: bytearray) -> int | None:
        found = data.find(b"\r\n\r\n", self._seen)
        if found < 0 and _LINE_FEED.search(data, self._seen):
            return self._cut(data)  # lines that end in a line feed only: such a head never ends
        if found < 0 and len(data) <= LONGEST_HEAD:
            self._seen = max(0, len(data) - 3)
            return None
        if found < 0 or found > LONGEST_HEAD:
            self.refusal = (
                errors.HEADERS_TOO_LARGE if 0 <= data.find(b"\r\n") <= LONGEST_LINE else errors.ADDRESS_TOO_LONG
            )
            return self._cut(data)
        head = bytes(data[: found + 4])
        self._seen = len(head)
        if coded := _CODED.search(head):
            if not coded[1]:
                return self._cut(data)  # an unsupported coding
            self._measure, self._body, self._end = self._chunks, 0, self._longest_body * 4
        else:
            length = _LENGTH.search(head)
            self._measure, self._end = self._length, len(head) + (int(length[1]) if length else 0)
        end = self._measure(data)
        self.wants_continue = end is None and _CONTINUE.search(head) is not None
        return end

    def _length(self, data: bytearray) -> int | None:
        if self._end - self._seen > self._longest_body:
            return self._cut(data)  # the application refuses it because of its length
        return self._end if len(data) >= self._end else None

    def _chunks(self, data: bytearray) -> int | None:
        """`_seen` is where the next chunk begins."""
        while self._seen < len(data):
            line_end = data.find(b"\r\n", self._seen, self._seen + _LONGEST_SIZE_LINE)
            if line_end < 0:
                return self._cut(data) if len(data) - self._seen >= _LONGEST_SIZE_LINE else None
            digits = _SIZE.match(data, self._seen, line_end)
            if not digits:
                return self._cut(data)
            size = int(digits[0], 16)
            if size == 0:
                self._seen, self._measure = line_end, self._trailers
                return self._trailers(data)
            self._body += size
            self._seen = line_end + 2 + size + 2
        too_much = self._body > self._longest_body and len(data) > self._longest_body
        return self._cut(data) if too_much or len(data) > self._end else None

    def _trailers(self, data: bytearray) -> int | None:
        """`_seen` is where the end may begin."""
        found = data.find(b"\r\n\r\n", self._seen)
        if found >= 0:
            return found + 4
        if len(data) > self._end:
            return self._cut(data)
        self._seen = max(self._seen, len(data) - 3)
        return None

    def _cut(self, data: bytearray) -> int:
        self.is_cut = True
        return len(data)
