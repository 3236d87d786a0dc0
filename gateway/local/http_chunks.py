"""Parses a chunked body (RFC 9112, 7.1) as it comes: strict, bounded, a microsecond per chunk.

h11 reads chunks too, at ten times that: a body of seven-byte chunks, which is within
the limits, would stop everybody else for most of a second. Here it takes a tenth of one,
in turns of `CHUNKS_A_TURN`: between two of them the server reads other connections.
"""

import re

# A body at the limit in chunks of seven bytes.
MAX_CHUNKS = 80_000
# These take a third of a millisecond.
CHUNKS_A_TURN = 200
MAX_TRAILERS = 8 * 1024
_MAX_LINE = 256

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[ \t]*;[^\r\n\0]{0,200})?\r\n")


class BrokenChunks(Exception):
    """The body breaks the rules of chunked framing."""


class TooManyChunks(Exception):
    """More chunks than a body within the limit can have."""


class Chunks:
    """Takes chunks from a buffer; `complete` once the last one and its trailers are read.

    `has_more` while the buffer may hold chunks that are left for another turn.
    """

    def __init__(self) -> None:
        self.complete = False
        self.has_more = False
        # Bytes of the chunk that is being read, its line end included.
        self._remaining = 0
        self._count = 0
        self._trailers = False

    def take(self, buffer: bytearray, body: bytearray, limit: int) -> None:
        """Move content from `buffer` to `body`, until `body` is over `limit`.

        Raises `BrokenChunks`, `TooManyChunks`.
        """
        at = 0
        turn_ends = self._count + CHUNKS_A_TURN
        self.has_more = False
        while len(body) <= limit and not self._trailers:
            if self._remaining:
                moved = self._move(buffer, at, body)
                at += moved
                if not moved:
                    break
                continue
            if self._count == turn_ends:
                self.has_more = True
                break
            size = _SIZE.match(buffer, at)
            if size is None:
                if len(buffer) - at > _MAX_LINE or b"\r\n" in buffer[at : at + _MAX_LINE]:
                    raise BrokenChunks
                break
            at = size.end()
            self._count += 1
            if self._count > MAX_CHUNKS:
                raise TooManyChunks
            length = int(size[1], 16)
            self._trailers = length == 0
            self._remaining = length + 2 if length else 0
        del buffer[:at]
        if self._trailers:
            self._skip_trailers(buffer)

    def _move(self, buffer: bytearray, at: int, body: bytearray) -> int:
        """Move what has come of one chunk; return how many bytes that was."""
        content = min(self._remaining - 2, len(buffer) - at)
        if content > 0:
            body += memoryview(buffer)[at : at + content]
            self._remaining -= content
            return content
        if len(buffer) - at < 2:
            return 0
        if buffer[at : at + 2] != b"\r\n":
            raise BrokenChunks
        self._remaining = 0
        return 2

    def _skip_trailers(self, buffer: bytearray) -> None:
        if buffer[:2] == b"\r\n":
            del buffer[:2]
            self.complete = True
        elif (end := buffer.find(b"\r\n\r\n", 0, MAX_TRAILERS)) >= 0:
            del buffer[: end + 4]
            self.complete = True
        elif len(buffer) > MAX_TRAILERS:
            raise BrokenChunks
